"""From collected features to named scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.collection import Collection
from gan_lightning.metrics.estimate import DRAWING_SEED
from gan_lightning.metrics.extractor import FeatureExtractor
from gan_lightning.metrics.frechet import frechet_distance
from gan_lightning.metrics.inception_score import classifier_score
from gan_lightning.metrics.kernel_distance import kernel_distance, mmd2_unbiased
from gan_lightning.metrics.precision_recall import density_coverage, precision_recall
from gan_lightning.metrics.scores import HIGHER_IS_BETTER, NEEDS_REAL, Evaluation, Score, score_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The estimators' settings; see ``Evaluator`` for what each means.

    Raises:
        ValueError: for a number out of range or an unknown estimator.
    """

    score_splits: int = 10
    kernel_estimator: Literal["subsets", "exact"] = "subsets"
    kernel_subsets: int = 100
    kernel_subset_size: int = 1000
    precision_neighbours: int = 3
    density_neighbours: int = 5

    def __post_init__(self) -> None:
        for name in ("score_splits", "kernel_subsets", "precision_neighbours", "density_neighbours"):
            if getattr(self, name) < 1:
                raise ValueError(f"evaluator.{name} must be at least 1, got {getattr(self, name)}")
        if self.kernel_subset_size < 2:
            raise ValueError(f"evaluator.kernel_subset_size must be at least 2, got {self.kernel_subset_size}")
        if self.kernel_estimator not in ("subsets", "exact"):
            raise ValueError(f"evaluator.kernel_estimator must be 'subsets' or 'exact', got {self.kernel_estimator!r}")

    def settings(self, metric: str) -> dict[str, Any]:
        """The settings that ``metric`` depends on, for its protocol."""
        match metric:
            case "score":
                return {"splits": self.score_splits, "shuffle_seed": DRAWING_SEED}
            case "kernel" if self.kernel_estimator == "exact":
                return {"estimator": "exact"}
            case "kernel":
                return {
                    "estimator": "subsets",
                    "subsets": self.kernel_subsets,
                    "subset_size": self.kernel_subset_size,
                    "subset_seed": DRAWING_SEED,
                }
            case "precision" | "recall":
                return {"neighbours": self.precision_neighbours}
            case "density" | "coverage":
                return {"neighbours": self.density_neighbours}
            case _:
                return {}

    def obstacle(self, metric: str, *, generated: int, real: int) -> str | None:
        """Why ``metric`` cannot be computed from so many samples, or None.

        Args:
            metric: its name.
            generated: number of generated samples.
            real: number of real samples.
        """
        needed_generated, needed_real = 1, 1
        match metric:
            case "frechet":
                needed_generated = needed_real = 2
            case "score":
                needed_generated = self.score_splits
            case "kernel":
                needed_generated = needed_real = self.kernel_subset_size if self.kernel_estimator == "subsets" else 2
            case "precision" | "recall":
                needed_generated = needed_real = self.precision_neighbours + 1
            case "density" | "coverage":
                needed_real = self.density_neighbours + 1
        if generated < needed_generated:
            return f"needs at least {needed_generated} generated images, there are {generated}"
        if metric in NEEDS_REAL and real < needed_real:
            return f"needs at least {needed_real} real images, there are {real}"
        return None

    def values(
        self, metrics: Sequence[str], generated: Collection, reference: Collection | None, *, device: torch.device
    ) -> dict[str, tuple[float, float | None]]:
        """Value and standard error of each metric; all of them must be computable.

        Args:
            metrics: their names.
            generated: what was collected of the generated images.
            reference: what was collected of the real images, or None if no metric needs it.
            device: where large matrices are computed.
        """
        found: dict[str, tuple[float, float | None]] = {}
        if "score" in metrics and generated.logits is not None:
            estimate = classifier_score(generated.logits, splits=self.score_splits)
            found["score"] = estimate.mean, estimate.stderr
        if reference is None:
            return found
        if "frechet" in metrics:
            found["frechet"] = frechet_distance(generated.moments, reference.moments), None
        if generated.features is None or reference.features is None:
            return found
        compute = torch.device("cpu") if device.type == "mps" else device  # Apple's GPUs have no float64
        fake, real = generated.features.to(compute), reference.features.to(compute)
        if "kernel" in metrics and self.kernel_estimator == "exact":
            found["kernel"] = mmd2_unbiased(fake, real), None
        elif "kernel" in metrics:
            estimate = kernel_distance(fake, real, subsets=self.kernel_subsets, subset_size=self.kernel_subset_size)
            found["kernel"] = estimate.mean, estimate.stderr
        if not {"precision", "recall"}.isdisjoint(metrics):
            pair = precision_recall(fake, real, k=self.precision_neighbours)
            found["precision"], found["recall"] = (pair.precision, None), (pair.recall, None)
        if not {"density", "coverage"}.isdisjoint(metrics):
            both = density_coverage(fake, real, k=self.density_neighbours)
            found["density"], found["coverage"] = (both.density, None), (both.coverage, None)
        return found

    def evaluate(
        self,
        generated: Collection,
        reference: Collection | None,
        *,
        metrics: Sequence[str],
        extractor: FeatureExtractor,
        real: EvaluationImages,
        weights: str,
        seed: int,
        device: torch.device,
    ) -> Evaluation:
        """Compute, name and document the scores.

        Args:
            generated: what was collected of the generated images.
            reference: what was collected of the real images, or None if no metric needs it.
            metrics: which metrics, in the order to report them.
            extractor: what collected them.
            real: the real images.
            weights: "ema" or "raw".
            seed: of the generated samples.
            device: where large matrices are computed.
        """
        n_generated, n_real = generated.moments.count, len(real)
        obstacles = {m: self.obstacle(m, generated=n_generated, real=n_real) for m in metrics}
        possible = [m for m in metrics if obstacles[m] is None]
        values = self.values(possible, generated, reference, device=device)
        scores, skipped = [], {}
        for metric in metrics:
            key = score_key(
                metric,
                samples=n_generated,
                split=real.split,
                extractor=extractor.name,
                standard=extractor.standard,
            )
            if (reason := obstacles[metric]) is not None:
                skipped[key] = reason
                continue
            compared = metric in NEEDS_REAL
            protocol = {
                "metric": metric,
                "n_generated": n_generated,
                "n_real": n_real if compared else None,
                "split": real.split if compared else None,
                "dataset": real.name,
                "dataset_fingerprint": real.fingerprint if compared else None,
                "extractor": extractor.name,
                "extractor_weights": extractor.weights_hash,
                "preprocessing": extractor.preprocessing,
                "weights": weights,
                "seed": seed,
                **self.settings(metric),
            }
            value, stderr = values[metric]
            scores.append(Score(key, value, stderr, HIGHER_IS_BETTER[metric], protocol))
        return Evaluation(
            scores=scores,
            skipped=skipped,
            class_fractions=_class_fractions(generated, extractor),
            notes=_notes(n_generated, n_real, metrics, extractor),
        )


def _class_fractions(generated: Collection, extractor: FeatureExtractor) -> list[float] | None:
    if not extractor.knows_classes or generated.logits is None:
        return None
    counts = generated.logits.argmax(1).bincount(minlength=extractor.n_classes)
    return (counts.double() / len(generated.logits)).tolist()


def _notes(n_generated: int, n_real: int, metrics: Sequence[str], extractor: FeatureExtractor) -> list[str]:
    few = [f"{n} {kind}" for n, kind in ((n_generated, "generated"), (n_real, "real")) if n <= extractor.feature_dim]
    if "frechet" not in metrics or not few:
        return []
    return [
        f"with {' and '.join(few)} images the covariance of {extractor.feature_dim} features is rank-deficient: "
        "the Frechet distance is biased upward, compare it only at equal numbers of samples"
    ]
