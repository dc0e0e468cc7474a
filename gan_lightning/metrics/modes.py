"""Mode metrics: how many Gaussians of a mixture a generator covers, how well and how evenly."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gan_lightning.core.determinism import full_float32, undisturbed_rng
from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.data.points import Mixture
from gan_lightning.metrics.base import SampleEvaluator, Sampler
from gan_lightning.metrics.metric import Estimate, share
from gan_lightning.metrics.scores import Evaluation, Score, format_count

MODE_METRICS = {"modes": True, "high_quality": True, "reverse_kl": False}
"""The metrics of ``ModeEvaluator``, and whether higher is better."""


@dataclass(frozen=True, slots=True)
class ModeStatistics:
    """What samples say about a mixture.

    Attributes:
        modes: number of means that are nearest to at least one high-quality sample.
        high_quality: percentage of samples closer than ``radius_sigmas`` sigma to their nearest mean.
        reverse_kl: divergence in nats of the histogram of high-quality samples over the means from the uniform
            distribution; None without a high-quality sample.
        nearest: share of all samples that is nearest to each mean, however far away.
        modes_stderr: standard error of ``modes``; None of a single sample.
        high_quality_stderr: that of ``high_quality``, binomial.
        reverse_kl_stderr: that of ``reverse_kl``; None without two high-quality samples.
    """

    modes: int
    high_quality: float
    reverse_kl: float | None
    nearest: list[float]
    modes_stderr: float | None
    high_quality_stderr: float
    reverse_kl_stderr: float | None


def mode_counts(points: Tensor, means: Tensor, sigma: float, *, radius_sigmas: float = 3.0) -> Tensor:
    """Count the high-quality samples nearest to each mean: ``||x - mu|| < radius_sigmas sigma``.

    Args:
        points: float ``(N, D)``.
        means: float ``(K, D)``.
        sigma: width of the Gaussians.
        radius_sigmas: radius in units of sigma; 3 in VEEGAN (Srivastava 2017, arXiv 1705.07761) and PacGAN.

    Returns:
        int64 ``(K,)``.
    """
    distance, nearest = _nearest(points, means)
    return torch.bincount(nearest[distance < radius_sigmas * sigma], minlength=len(means))


def _nearest(points: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """Distance of each point to its nearest mean, and the mean's index."""
    distances = torch.cdist(points.double(), means.double(), compute_mode="donot_use_mm_for_euclid_dist")
    return distances.min(dim=1)


def mode_statistics(points: Tensor, means: Tensor, sigma: float, *, radius_sigmas: float = 3.0) -> ModeStatistics:
    """Return the metrics of PacGAN (Lin 2017, arXiv 1712.04086, section 4.1).

    With p the share of high-quality samples per mean, ``KL(p || uniform) = log K - H(p)``. A perfect generator of
    points in the plane has 100 (1 - exp(-radius_sigmas^2 / 2)) % high quality, 98.89 % at 3.

    Args:
        points: float ``(N, D)``, at least one.
        means: float ``(K, D)``.
        sigma: width of the Gaussians.
        radius_sigmas: radius of high quality in units of sigma.
    """
    distance, nearest = _nearest(points, means)
    counts = torch.bincount(nearest[distance < radius_sigmas * sigma], minlength=len(means))
    modes, divergence = covered(counts, len(points)), reverse_divergence(counts)
    quality = share(int(counts.sum()), len(points))
    return ModeStatistics(
        modes=round(modes.mean),
        high_quality=100 * quality.mean,
        reverse_kl=None if divergence is None else divergence.mean,
        nearest=(torch.bincount(nearest, minlength=len(means)) / len(points)).tolist(),
        modes_stderr=modes.stderr,
        high_quality_stderr=100 * (quality.stderr or 0.0),
        reverse_kl_stderr=None if divergence is None else divergence.stderr,
    )


def covered(counts: Tensor, samples: int) -> Estimate:
    """Return the number of modes that have a high-quality sample.

    Only the modes with a single one make it uncertain: leaving that sample out would lose them.

    Args:
        counts: high-quality samples per mode, int64 ``(K,)``.
        samples: number of all samples.
    """
    modes = (counts > 0).sum().double()
    without = modes - (counts == 1).double()
    others = counts.new_tensor([samples - int(counts.sum())])
    return Estimate(modes.item(), None, jackknife(torch.cat([without, modes[None]]), torch.cat([counts, others])))


def reverse_divergence(counts: Tensor) -> Estimate | None:
    """Return the divergence of the histogram of high-quality samples from the uniform distribution, in nats.

    Args:
        counts: high-quality samples per mode, int64 ``(K,)``.

    Returns:
        None if there are none.
    """
    total, parts = counts.sum().double(), torch.xlogy(counts.double(), counts.double())
    if total == 0:
        return None

    def divergence(entropy_sum: Tensor, number: Tensor) -> Tensor:
        return (math.log(len(counts)) + entropy_sum / number - number.log()).clamp(min=0)

    # the mode that loses a sample has c log c replaced by (c - 1) log (c - 1)
    fewer = (counts - 1).clamp(min=0).double()
    without = divergence(parts.sum() - parts + torch.xlogy(fewer, fewer), total - 1)
    return Estimate(divergence(parts.sum(), total).item(), None, jackknife(without, counts))


def jackknife(without: Tensor, counts: Tensor) -> float | None:
    """Return a standard error out of how a score changes if one sample is left out.

    On average its square is not below the variance (Efron & Stein 1981, "The jackknife estimate of variance"): about
    the variance of a divergence of uneven modes, up to twice that of even ones, and one to several times that of a
    number of modes, the more the rarer a mode is missed.

    Args:
        without: the score without a sample of each group ``(G,)``; groups without samples do not matter.
        counts: samples of each group, int64 ``(G,)``.

    Returns:
        None if there are not two samples.
    """
    total = int(counts.sum())
    if total < 2:
        return None
    present = counts > 0
    values, weights = without[present], counts[present].double()
    deviations = values - (weights * values).sum() / total
    return ((weights * deviations.square()).sum() * (total - 1) / total).sqrt().item()


class ModeEvaluator(SampleEvaluator):
    """Scores a generator of points against the mixture that the real ones come from.

    Under ``torch.distributed`` every rank computes the same scores from the same samples. It leaves no trace in
    any global random state and ignores surrounding autocast.

    Args:
        samples: number of generated points.
        batch_size: points per batch.
        seed: of the generated samples.
        metrics: which of ``MODE_METRICS``; the first is what "best" means.
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
        metrics: Sequence[str] = ("modes", "high_quality", "reverse_kl"),
        radius_sigmas: float = 3.0,
    ) -> None:
        for name, value in (("samples", samples), ("batch_size", batch_size), ("radius_sigmas", radius_sigmas)):
            if not value > 0:
                raise ValueError(f"evaluator.{name} must be positive, got {value}")
        if not metrics or any(metric not in MODE_METRICS for metric in metrics):
            raise ValueError(f"evaluator.metrics must be some of {tuple(MODE_METRICS)}, got {list(metrics)}")
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.metrics = tuple(dict.fromkeys(metrics))
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
            ValueError: if the data are no mixture, or for unknown ``weights``.
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
        found = mode_statistics(points, real.means, real.sigma, radius_sigmas=self.radius_sigmas)
        values = {
            "modes": (float(found.modes), found.modes_stderr),
            "high_quality": (found.high_quality, found.high_quality_stderr),
            "reverse_kl": (found.reverse_kl, found.reverse_kl_stderr),
        }
        scores, skipped = [], {}
        for metric in self.metrics:
            key = f"{metric}{format_count(self.samples)}_{real.name}"
            value, stderr = values[metric]
            if value is None:
                skipped[key] = "no sample is of high quality, so there is no histogram of modes"
            else:
                scores.append(Score(key, value, stderr, MODE_METRICS[metric], self._protocol(metric, real, weights)))
        return Evaluation(scores=scores, skipped=skipped, notes=[self._ceiling(real)], mode_fractions=found.nearest)

    def _protocol(self, metric: str, real: Mixture, weights: str) -> dict[str, str | int | float]:
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
