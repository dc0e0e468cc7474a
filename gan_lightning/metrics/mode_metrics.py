"""Metrics of points: how many Gaussians of a mixture a generator covers, how well and how evenly."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lightning.metrics.metric import Estimate, share


@dataclass(frozen=True, slots=True)
class PlacedSamples:
    """Samples beside the means of a mixture.

    Attributes:
        points: float ``(N, D)``.
        means: float ``(K, D)``.
        sigma: width of the Gaussians.
        distance: distance of each point to its nearest mean, float64 ``(N,)``.
        nearest: index of that mean, int64 ``(N,)``.
        counts: high-quality samples nearest to each mean, ``||x - mu|| < radius_sigmas sigma``, int64 ``(K,)``.
    """

    points: Tensor
    means: Tensor
    sigma: float
    distance: Tensor
    nearest: Tensor
    counts: Tensor

    @property
    def fractions(self) -> list[float]:
        """Share of all samples that is nearest to each mean, however far away."""
        found: list[float] = (torch.bincount(self.nearest, minlength=len(self.means)) / len(self.points)).tolist()
        return found


def place(points: Tensor, means: Tensor, sigma: float, *, radius_sigmas: float = 3.0) -> PlacedSamples:
    """Find the mean that is nearest to each sample.

    Args:
        points: float ``(N, D)``, at least one.
        means: float ``(K, D)``.
        sigma: width of the Gaussians.
        radius_sigmas: radius of high quality in units of sigma; 3 in VEEGAN (Srivastava 2017, arXiv 1705.07761) and
            PacGAN.
    """
    distances = torch.cdist(points.double(), means.double(), compute_mode="donot_use_mm_for_euclid_dist")
    distance, nearest = distances.min(dim=1)
    counts = torch.bincount(nearest[distance < radius_sigmas * sigma], minlength=len(means))
    return PlacedSamples(points, means, sigma, distance, nearest, counts)


class ModeMetric(ABC):
    """A score of points, as PacGAN has it (Lin 2017, arXiv 1712.04086, section 4.1).

    A subclass and ``conf/evaluator/metric/<name>.yaml`` are all that it consists of.

    Attributes:
        name: in the ``metrics`` of a ``ModeEvaluator``, in protocols and score keys; that of the YAML file.
        higher_is_better: the direction.
    """

    name: str
    higher_is_better: bool

    @abstractmethod
    def estimate(self, placed: PlacedSamples) -> Estimate:
        """Compute the score and its standard error, where ``obstacle`` found nothing."""

    def obstacle(self, placed: PlacedSamples) -> str | None:
        """Return why the score cannot be computed of these samples, or None."""
        return None


class Modes(ModeMetric):
    """The number of means that are nearest to at least one high-quality sample."""

    name = "modes"
    higher_is_better = True

    def estimate(self, placed: PlacedSamples) -> Estimate:
        """Count the modes."""
        return covered(placed.counts, len(placed.points))


class HighQuality(ModeMetric):
    """The percentage of high-quality samples.

    A perfect generator of points in the plane has 100 (1 - exp(-radius_sigmas^2 / 2)) %, 98.89 % at 3.
    """

    name = "high_quality"
    higher_is_better = True

    def estimate(self, placed: PlacedSamples) -> Estimate:
        """Count the samples."""
        quality = share(int(placed.counts.sum()), len(placed.points))
        return Estimate(100 * quality.mean, None, 100 * (quality.stderr or 0.0))


class ReverseKL(ModeMetric):
    """The divergence of the histogram of high-quality samples over the means from the uniform distribution, in nats.

    With p the share of high-quality samples per mean, ``KL(p || uniform) = log K - H(p)``.
    """

    name = "reverse_kl"
    higher_is_better = False

    def obstacle(self, placed: PlacedSamples) -> str | None:
        """Return that there is no histogram."""
        return None if placed.counts.any() else "no sample is of high quality, so there is no histogram of modes"

    def estimate(self, placed: PlacedSamples) -> Estimate:
        """Compare the histogram."""
        return reverse_divergence(placed.counts)


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


def reverse_divergence(counts: Tensor) -> Estimate:
    """Return the divergence of the histogram of high-quality samples from the uniform distribution, in nats.

    Args:
        counts: high-quality samples per mode, int64 ``(K,)``, at least one.
    """
    total, parts = counts.sum().double(), torch.xlogy(counts.double(), counts.double())

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
