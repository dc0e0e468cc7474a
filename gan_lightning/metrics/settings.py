"""The settings of the estimators, what each metric needs, and what a protocol says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gan_lightning.metrics.estimate import DRAWING_SEED
from gan_lightning.metrics.frechet_infinity import LEAST_SHARE
from gan_lightning.metrics.scores import METRICS

_AT_LEAST_ONE = (
    "score_splits",
    "kernel_subsets",
    "precision_neighbours",
    "density_neighbours",
    "path_samples",
    "diversity_pairs",
    "closest_shown",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
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
    infinity_points: int = 15
    path_samples: int = 10000
    path_epsilon: float = 1e-4
    diversity_pairs: int = 500
    closest_shown: int = 16

    def __post_init__(self) -> None:
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ValueError(f"evaluator.{name} must be at least 1, got {getattr(self, name)}")
        for name in ("kernel_subset_size", "infinity_points"):
            if getattr(self, name) < 2:
                raise ValueError(f"evaluator.{name} must be at least 2, got {getattr(self, name)}")
        if not 0 < self.path_epsilon < 1:
            raise ValueError(f"evaluator.path_epsilon must lie in (0, 1), got {self.path_epsilon}")
        if self.kernel_estimator not in ("subsets", "exact"):
            raise ValueError(f"evaluator.kernel_estimator must be 'subsets' or 'exact', got {self.kernel_estimator!r}")

    def of(self, metric: str) -> dict[str, Any]:
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
            case "frechet_infinity":
                return {"points": self.infinity_points, "least_share": LEAST_SHARE, "shuffle_seed": DRAWING_SEED}
            case "precision" | "recall":
                return {"neighbours": self.precision_neighbours}
            case "density" | "coverage":
                return {"neighbours": self.density_neighbours}
            case "path_length":
                return {"epsilon": self.path_epsilon, "interpolation": "lerp from t = 0", "discarded_percent": [1, 99]}
            case "lpips_diversity":
                return {"pairs": "samples 2i and 2i + 1"}
            case _:
                return {}

    def samples(self, metric: str, generated: int) -> int:
        """How many of ``generated`` samples the metric is taken of."""
        if metric == "path_length":
            return self.path_samples
        if metric == "lpips_diversity":
            return min(2 * self.diversity_pairs, generated // 2 * 2)
        return generated

    def obstacle(self, metric: str, *, generated: int, real: int) -> str | None:
        """Why ``metric`` cannot be computed from so many samples, or None.

        Args:
            metric: its name.
            generated: number of generated samples.
            real: number of real samples.
        """
        needed_generated, needed_real = 1, 1
        match metric:
            case "frechet" | "intra_frechet":
                needed_generated = needed_real = 2
            case "frechet_infinity":
                needed_generated, needed_real = round(2 / LEAST_SHARE), 2
            case "score":
                needed_generated = self.score_splits
            case "kernel":
                needed_generated = needed_real = self.kernel_subset_size if self.kernel_estimator == "subsets" else 2
            case "precision" | "recall":
                needed_generated = needed_real = self.precision_neighbours + 1
            case "density" | "coverage":
                needed_real = self.density_neighbours + 1
            case "authenticity":
                needed_real = 2
            case "lpips_diversity":
                needed_generated = 2
        if generated < needed_generated:
            return f"needs at least {needed_generated} generated images, there are {generated}"
        if METRICS[metric].real and real < needed_real:
            return f"needs at least {needed_real} real images, there are {real}"
        return None
