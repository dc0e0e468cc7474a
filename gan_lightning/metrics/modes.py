"""The evaluator of points, which are compared with the mixture that real ones come from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import torch

from gan_lightning.core.determinism import full_float32, undisturbed_rng
from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.data.points import Mixture
from gan_lightning.metrics.base import GeneratorSampler, SampleEvaluator, Sampler
from gan_lightning.metrics.mode_metrics import ModeMetric, place
from gan_lightning.metrics.named import chosen_metrics
from gan_lightning.metrics.scores import Evaluation, Score, format_count


class ModeEvaluator(SampleEvaluator):
    """Scores a generator of points against the mixture that the real ones come from.

    Under ``torch.distributed`` every rank computes the same scores from the same samples. It leaves no trace in
    any global random state and ignores surrounding autocast.

    Args:
        samples: number of generated points.
        batch_size: points per batch.
        seed: seed of the generated samples.
        metrics: names of metrics of points, or such metrics; the first is what "best" means.
        radius_sigmas: radius of high quality in units of the mixture's sigma.

    Raises:
        ValueError: for a number that is not positive, an unknown metric, or none.
    """

    real_split = "true"

    def __init__(
        self,
        *,
        samples: int = 2500,
        batch_size: int = 2500,
        seed: int = 0,
        metrics: Sequence[str | ModeMetric] = ("modes", "high_quality", "reverse_kl"),
        radius_sigmas: float = 3.0,
    ) -> None:
        for name, value in (("samples", samples), ("batch_size", batch_size), ("radius_sigmas", radius_sigmas)):
            if not value > 0:
                raise ValueError(f"evaluator.{name} must be positive, got {value}")
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.metrics: tuple[ModeMetric, ...] = chosen_metrics(metrics, ModeMetric)
        self.radius_sigmas = radius_sigmas

    def evaluate(
        self,
        sample: Sampler,
        real: Mixture,
        *,
        weights: Literal["ema", "raw"],
        device: torch.device | str,
    ) -> Evaluation:
        """Generate ``samples`` points and score them.

        Args:
            sample: makes the points ``(n, D)`` of given indices, on any device.
            real: the mixture.
            weights: which weights ``sample`` uses; written into the protocol.
            device: where the networks are.

        Raises:
            NonFiniteSamples: if a coordinate is NaN or infinite.
            ValueError: if the data are not a mixture, or for unknown ``weights``.
        """
        if not isinstance(real, Mixture):
            raise ValueError(f"evaluator: the mode metrics need points of a mixture, got {type(real).__name__}")
        if weights not in ("ema", "raw"):
            raise ValueError(f"weights must be 'ema' or 'raw', got {weights!r}")
        device = torch.device(device)
        with torch.no_grad(), undisturbed_rng(device), full_float32(device):
            batches = [sample(indices).cpu() for indices in torch.arange(self.samples).split(self.batch_size)]
        points = torch.cat(batches)
        broken = points.numel() - int(points.isfinite().sum())
        if broken:
            raise NonFiniteSamples(f"{broken} of {points.numel()} coordinates are NaN or infinite")
        placed = place(points, real.means, real.sigma, radius_sigmas=self.radius_sigmas)
        scores, skipped = [], {}
        for metric in self.metrics:
            key = f"{metric.name}{format_count(self.samples)}_{real.name}"
            if (reason := metric.obstacle(placed)) is not None:
                skipped[key] = reason
                continue
            found, protocol = metric.estimate(placed), self._protocol(metric.name, real, weights)
            protocol |= sample.facts() if isinstance(sample, GeneratorSampler) else {}
            scores.append(Score(key, found.mean, found.stderr, metric.higher_is_better, protocol))
        return Evaluation(scores=scores, skipped=skipped, notes=[self._ceiling(real)], mode_fractions=placed.fractions)

    def _protocol(self, metric: str, real: Mixture, weights: str) -> dict[str, Any]:
        return {
            "metric": metric,
            "n_generated": self.samples,
            "dataset": real.name,
            "dataset_fingerprint": hashlib.sha256(real.means.contiguous().numpy().tobytes()).hexdigest(),
            "modes": len(real.means),
            "sigma": real.sigma,
            "radius_sigmas": self.radius_sigmas,
            "weights": weights,
            "seed": self.seed,
        }

    def _ceiling(self, real: Mixture) -> str:
        dimensions = real.means.shape[1]
        share = torch.special.gammainc(torch.tensor(dimensions / 2), torch.tensor(self.radius_sigmas**2 / 2))
        return f"real points would cover {len(real.means)} modes with {100 * float(share):.2f} % high quality"
