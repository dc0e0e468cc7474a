"""From what was collected to named scores, each with its protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gan_lightning.metrics.collection import Collection
from gan_lightning.metrics.estimates import Evidence, compute
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.intra_class import too_few
from gan_lightning.metrics.lpips import LPIPS
from gan_lightning.metrics.scores import METRICS, Evaluation, Score, score_key
from gan_lightning.metrics.settings import Settings


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
        device = torch.device("cpu") if device.type == "mps" else device
        found = compute(possible, evidence, settings=self.settings, similarity=self.similarity, device=device)
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
            facts |= self.similarity.facts()
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
