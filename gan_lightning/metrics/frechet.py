"""The Frechet distance between two sets of features, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and scatter of a set of features, gathered batch by batch.

    Attributes:
        count: number of samples N.
        mean: float64 ``(D,)``.
        scatter: float64 ``(D, D)``, the sum over samples of ``(x - mean)(x - mean)^T``.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def empty(cls, feature_dim: int, *, device: torch.device | str = "cpu") -> Moments:
        """The moments of no sample."""
        zeros = torch.zeros(feature_dim, dtype=torch.float64, device=device)
        return cls(0, zeros, zeros.new_zeros(feature_dim, feature_dim))

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """The moments of ``(N, D)`` features with N >= 1."""
        x = features.double()
        mean = x.mean(0)
        centred = x - mean
        return cls(len(x), mean, centred.T @ centred)

    def merge(self, other: Moments) -> Moments:
        """The moments of both sets together (Chan, Golub & LeVeque 1979: no cancellation)."""
        count = self.count + other.count
        if count == 0:
            return self
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        between = torch.outer(delta, delta) * (self.count * other.count / count)
        return Moments(count, mean, self.scatter + other.scatter + between)

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance, float64 ``(D, D)``.

        Raises:
            ValueError: with fewer than two samples.
        """
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 samples, got {self.count}")
        return self.scatter / (self.count - 1)


def covariance_factor(covariance: Tensor) -> Tensor:
    """Factor a covariance as ``F F^T`` with as many columns as its numerical rank.

    Args:
        covariance: float64 ``(D, D)``, symmetric, positive semi-definite up to rounding.

    Returns:
        float64 ``(D, R)``.
    """
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    rounding = eigenvalues.abs().amax() * len(covariance) * torch.finfo(torch.float64).eps
    kept = eigenvalues > rounding
    return vectors[:, kept] * eigenvalues[kept].sqrt()


def trace_of_root(covariance_1: Tensor, covariance_2: Tensor) -> float:
    """Trace of the square root of the product of two covariances.

    With ``S_i = F_i F_i^T``, the non-zero eigenvalues of ``S_1 S_2`` are those of ``M M^T`` with
    ``M = F_1^T F_2``, so the trace is the sum of the singular values of M. Working on M rather than on the
    product keeps all digits when the covariances are rank-deficient: rounding stays at 1e-16 of the largest
    singular value, instead of its square root.

    Args:
        covariance_1: float64 ``(D, D)``.
        covariance_2: float64 ``(D, D)``.
    """
    product = covariance_factor(covariance_1).T @ covariance_factor(covariance_2)
    return torch.linalg.svdvals(product).sum().item()


def frechet_distance(first: Moments, second: Moments) -> float:
    """Squared Frechet (2-Wasserstein) distance between two Gaussians with these moments.

    ``|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^{1/2})`` (Heusel 2017, arXiv:1706.08500, equation 6). On
    Inception-v3 features it is the FID.

    Raises:
        ValueError: if a side has fewer than two samples.
    """
    s1, s2 = first.covariance, second.covariance
    between_means = (first.mean - second.mean).square().sum()
    distance = between_means + s1.trace() + s2.trace() - 2 * trace_of_root(s1, s2)
    return max(distance.item(), 0.0)  # equal moments may give -1e-13
