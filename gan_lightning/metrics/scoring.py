"""From what was collected to named scores, each with its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.class_agreement import class_accuracy, code_purity
from gan_lightning.metrics.collection import Collection
from gan_lightning.metrics.estimate import Estimate
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.frechet_error import frechet_estimate
from gan_lightning.metrics.frechet_infinity import frechet_infinity
from gan_lightning.metrics.inception_score import classifier_score
from gan_lightning.metrics.intra_class import intra_class_frechet, too_few
from gan_lightning.metrics.kernel_distance import kernel_distance, mmd2_estimate
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.perceptual import lpips_diversity, path_length
from gan_lightning.metrics.precision_recall import neighbourhood
from gan_lightning.metrics.scores import METRICS, Closest, Evaluation, Score, score_key
from gan_lightning.metrics.settings import Settings

NEIGHBOURS = ("precision", "recall", "density", "coverage", "authenticity")
CLOSEST_NEIGHBOURS = 5
"""Nearest real samples that are told of a suspected copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that scores are computed from; on rank 0.

    Attributes:
        generated: what was collected of the generated images.
        reference: what was collected of the real ones; None if no metric needs it.
        real: the real images.
        labels: classes that were asked of the generator, int64 ``(M,)``, or None.
        path: perceptual distances along steps in latent space ``(P,)``, or None.
        codes: classes or categorical codes that were asked of the generator, int64 ``(M,)``, or None.
    """

    generated: Collection
    reference: Collection | None
    real: EvaluationImages
    labels: Tensor | None = None
    path: Tensor | None = None
    codes: Tensor | None = None


@dataclass(slots=True)
class _Found:
    estimates: dict[str, Estimate] = field(default_factory=dict)
    class_distances: list[float] | None = None
    closest: list[Closest] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Computes, names and documents scores.

    Attributes:
        metrics: which, in the order to report them.
        settings: of the estimators.
        extractor: what collected the features.
        similarity: the LPIPS network, or None.
        protocol: name of the preset, or None.
    """

    metrics: Sequence[str]
    settings: Settings
    extractor: FeatureExtractor
    similarity: LPIPS | None
    protocol: str | None

    def evaluate(self, evidence: Evidence, *, weights: str, seed: int | None, device: torch.device) -> Evaluation:
        """Compute, name and document the scores.

        Args:
            evidence: what was collected.
            weights: "ema" or "raw" weights of a generator, or "files".
            seed: of the generated samples; None: they were not drawn.
            device: where large matrices are computed.
        """
        obstacles = {metric: self.obstacle(metric, evidence) for metric in self.metrics}
        possible = [metric for metric in self.metrics if obstacles[metric] is None]
        # Apple's GPUs have no float64
        found = self._compute(possible, evidence, torch.device("cpu") if device.type == "mps" else device)
        scores, skipped = [], {}
        for metric in self.metrics:
            key = self.key(metric, evidence)
            if (reason := obstacles[metric]) is not None:
                skipped[key] = reason
                continue
            estimate, protocol = found.estimates[metric], self.describe(metric, evidence, weights, seed)
            scores.append(Score(key, estimate.mean, estimate.stderr, METRICS[metric].higher_is_better, protocol))
        return Evaluation(
            scores=scores,
            skipped=skipped,
            class_fractions=_class_fractions(evidence.generated, self.extractor),
            notes=_notes(evidence, self.metrics, self.extractor),
            class_distances=found.class_distances,
            closest=found.closest,
        )

    def obstacle(self, metric: str, evidence: Evidence) -> str | None:
        """Why ``metric`` cannot be computed, or None."""
        reason = self.settings.obstacle(metric, generated=evidence.generated.moments.count, real=len(evidence.real))
        if reason is not None:
            return reason
        if metric == "score" and self.extractor.n_classes == 0:
            return f"the {self.extractor.name} features come without class logits"
        if metric in ("class_accuracy", "code_purity") and not self.extractor.knows_classes:
            return f"the {self.extractor.name} extractor does not classify into the classes of the data"
        if metric == "class_accuracy" and evidence.labels is None:
            return "the generator is told no classes"
        if metric == "code_purity" and evidence.codes is None:
            return "the generator is told no categorical code"
        if metric == "path_length" and evidence.path is None:
            return "needs a generator whose samples are made of latents alone"
        if metric != "intra_frechet":
            return None
        if evidence.labels is None or evidence.real.labels is None:
            return f"the {'generated' if evidence.labels is None else 'real'} images have no classes"
        for label in range(int(torch.cat([evidence.labels, evidence.real.labels]).max()) + 1):
            counts = [int((labels == label).sum()) for labels in (evidence.labels, evidence.real.labels)]
            if min(counts) < 2:
                return too_few(label, *counts)
        return None

    def key(self, metric: str, evidence: Evidence) -> str:
        """The name of a score."""
        perceptual = METRICS[metric].perceptual and self.similarity is not None
        return score_key(
            metric,
            samples=self.settings.samples(metric, evidence.generated.moments.count),
            split=evidence.real.split,
            extractor=self.similarity.net if perceptual and self.similarity else self.extractor.name,
            standard=self.extractor.standard,
            protocol=self.protocol,
        )

    def describe(self, metric: str, evidence: Evidence, weights: str, seed: int | None) -> dict[str, Any]:
        """All that a score depends on, in plain values."""
        compared, real = METRICS[metric].real, evidence.real
        facts: dict[str, Any] = {
            "metric": metric,
            "n_generated": self.settings.samples(metric, evidence.generated.moments.count),
            "n_real": len(real) if compared else None,
            "split": real.split if compared else None,
            "dataset": real.name,
            "dataset_fingerprint": real.fingerprint if compared else None,
        }
        if METRICS[metric].perceptual and self.similarity is not None:
            facts |= {
                "extractor": f"lpips {self.similarity.net}",
                "extractor_weights": self.similarity.weights_hash,
                "preprocessing": f"to {self.similarity.resize} pixels" if self.similarity.resize else "none",
            }
        else:
            facts |= {
                "extractor": self.extractor.name,
                "extractor_weights": self.extractor.weights_hash,
                "preprocessing": self.extractor.preprocessing,
            }
        facts |= {"weights": weights, "seed": seed}
        if self.protocol is not None:
            facts["protocol"] = self.protocol
        return facts | self.settings.of(metric)

    def _compute(self, metrics: Sequence[str], evidence: Evidence, device: torch.device) -> _Found:
        found, settings, generated = _Found(), self.settings, evidence.generated
        fill = found.estimates
        if "score" in metrics and generated.logits is not None:
            fill["score"] = classifier_score(generated.logits, splits=settings.score_splits)
        if "class_accuracy" in metrics and generated.logits is not None and evidence.labels is not None:
            fill["class_accuracy"] = class_accuracy(generated.logits, evidence.labels)
        if "code_purity" in metrics and generated.logits is not None and evidence.codes is not None:
            fill["code_purity"] = code_purity(generated.logits, evidence.codes)
        if "path_length" in metrics and evidence.path is not None:
            fill["path_length"] = path_length(evidence.path, epsilon=settings.path_epsilon)
        if "lpips_diversity" in metrics and generated.images is not None and self.similarity is not None:
            fill["lpips_diversity"] = lpips_diversity(generated.images, self.similarity, device=device)
        reference = evidence.reference
        if reference is None or generated.features is None:
            return found
        fake = generated.features.to(device)
        if "frechet" in metrics:
            fill["frechet"] = frechet_estimate(fake, generated.moments, reference.moments)
        if "frechet_infinity" in metrics:
            fill["frechet_infinity"] = frechet_infinity(fake, reference.moments, points=settings.infinity_points)
        if reference.features is None:
            return found
        real = reference.features.to(device)
        if "intra_frechet" in metrics and evidence.labels is not None and evidence.real.labels is not None:
            fill["intra_frechet"], found.class_distances = intra_class_frechet(
                fake, evidence.labels, real, evidence.real.labels
            )
        if "kernel" in metrics:
            fill["kernel"] = (
                mmd2_estimate(fake, real)
                if settings.kernel_estimator == "exact"
                else kernel_distance(
                    fake, real, subsets=settings.kernel_subsets, subset_size=settings.kernel_subset_size
                )
            )
        if any(metric in NEIGHBOURS for metric in metrics):
            self._neighbours(metrics, fake, real, found)
        return found

    def _neighbours(self, metrics: Sequence[str], fake: Tensor, real: Tensor, found: _Found) -> None:
        settings, wanted = self.settings, set(metrics)
        told = min(CLOSEST_NEIGHBOURS, len(real)) if "authenticity" in wanted else 0
        near = neighbourhood(
            fake,
            real,
            # what is not asked for must not fail for want of samples
            k_precision=settings.precision_neighbours if wanted & {"precision", "recall"} else 1,
            k_density=settings.density_neighbours if wanted & {"density", "coverage"} else 1,
            nearest=told,
            recall="recall" in wanted,
            density=bool(wanted & {"density", "coverage"}),
        )
        for metric, estimate in (
            ("precision", near.precision),
            ("recall", near.recall),
            ("density", near.density),
            ("coverage", near.coverage),
            ("authenticity", near.authenticity),
        ):
            if metric in wanted and estimate is not None:
                found.estimates[metric] = estimate
        if near.closeness is not None and near.nearest is not None:
            found.closest = _closest(near.closeness, near.nearest, settings.closest_shown)


def _closest(closeness: Tensor, nearest: Tensor, count: int) -> list[Closest]:
    order = closeness.sort(stable=True).indices[:count].tolist()
    return [Closest(i, nearest[i].tolist(), closeness[i].item()) for i in order]


def _class_fractions(generated: Collection, extractor: FeatureExtractor) -> list[float] | None:
    if not extractor.knows_classes or generated.logits is None:
        return None
    counts = generated.logits.argmax(1).bincount(minlength=extractor.n_classes)
    return (counts.double() / len(generated.logits)).tolist()


def _notes(evidence: Evidence, metrics: Sequence[str], extractor: FeatureExtractor) -> list[str]:
    counts = ((evidence.generated.moments.count, "generated"), (len(evidence.real), "real"))
    few = [f"{n} {kind}" for n, kind in counts if n <= extractor.feature_dim]
    if "frechet" not in metrics or not few:
        return []
    return [
        f"with {' and '.join(few)} images the covariance of {extractor.feature_dim} features is rank-deficient: "
        "the Frechet distance is biased upward, compare it only at equal numbers of samples"
    ]
