"""The Frechet distance between two sets of features, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_TOLERANCE = 1e-10
"""Estimated relative rounding of the trace that the faster way may have."""

_FAR_FROM_SINGULAR = 1e-9
"""Ratio of the pivots below which rounding could be seen in what Cholesky makes of the small ones."""

_FEW = 0.5
"""Samples per dimension up to which a factor of their covariance is cheaper to get from them."""


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
        """Return the moments of zero samples."""
        zeros = torch.zeros(feature_dim, dtype=torch.float64, device=device)
        return cls(0, zeros, zeros.new_zeros(feature_dim, feature_dim))

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """Return the moments of ``(N, D)`` features with N >= 1."""
        x = features.double()
        mean = x.mean(0)
        centered = x - mean
        return cls(len(x), mean, centered.T @ centered)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets together (Chan, Golub & LeVeque 1979: no cancellation)."""
        count = self.count + other.count
        if count == 0:
            return self
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        between = torch.outer(delta, delta) * (self.count * other.count / count)
        return Moments(count, mean, self.scatter + other.scatter + between)

    def without(self, part: Moments) -> Moments:
        """Return the moments of the samples that are not in ``part``: the inverse of ``merge``."""
        count = self.count - part.count
        mean = self.mean + (self.mean - part.mean) * (part.count / count)
        delta = part.mean - mean
        between = torch.outer(delta, delta) * (count * part.count / self.count)
        return Moments(count, mean, self.scatter - part.scatter - between)

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


def few_samples_factor(features: Tensor | None, mean: Tensor) -> Tensor | None:
    """Factor the covariance of few samples as ``covariance_factor`` does, without an eigenvalue problem of size D.

    The factor is the centered samples' right singular vectors, which also keeps the digits that squaring would lose.

    Args:
        features: ``(N, D)``, or None.
        mean: theirs, float64 ``(D,)``.

    Returns:
        float64 ``(D, R)``; None without features, and where there are so many that the factor would save nothing.
    """
    if features is None or len(features) < 2 or len(features) > features.shape[1] * _FEW:
        return None
    centered = (features.to(mean.device).double() - mean) / (len(features) - 1) ** 0.5
    _, values, vectors = torch.linalg.svd(centered, full_matrices=False)
    kept = values > values.amax() * features.shape[1] * torch.finfo(torch.float64).eps
    return vectors[kept].T * values[kept]


@dataclass(frozen=True, slots=True)
class Transport:
    """The optimal transport between two centered Gaussians, as far as a Frechet distance needs it.

    Attributes:
        trace: trace of the square root of the product of the covariances.
        map_factor: float64 ``(D, R)``, W with ``W W^T`` the linear map that carries the first Gaussian to the second,
            on the span of the first; None if it was not asked for.
    """

    trace: float
    map_factor: Tensor | None


def transport(
    covariance_1: Tensor,
    covariance_2: Tensor,
    *,
    with_map: bool = False,
    factor_1: Tensor | None = None,
    factor_2: Tensor | None = None,
) -> Transport:
    """Solve the transport between two Gaussians by a symmetric eigenvalue problem.

    With ``S_i = F_i F_i^T`` and ``M = F_1^T F_2``, the trace of ``(S_1 S_2)^{1/2}`` is the sum of M's singular values,
    and the map is ``F_1^{-T} (M M^T)^{1/2} F_1^{-1}``. Covariances of full rank are factored by Cholesky and the
    singular values taken as roots of the eigenvalues of ``M M^T``, several times faster than a singular value
    decomposition. Where rounding would show in the roots of small eigenvalues, rank-deficient covariances above
    all, M itself is decomposed: rounding then stays at 1e-16 of the largest singular value.

    Args:
        covariance_1: float64 ``(D, D)``.
        covariance_2: float64 ``(D, D)``.
        with_map: whether ``map_factor`` is wanted.
        factor_1: float64 ``(D, R)`` with orthogonal columns, the first covariance's factor if it is known.
        factor_2: a factor of the second; its columns need not be orthogonal.
    """
    if factor_1 is None and factor_2 is None:
        solved = _full_rank_transport(covariance_1, covariance_2, with_map)
        if solved is not None:
            return solved
    if factor_1 is None:
        factor_1 = covariance_factor(covariance_1)
    return _any_rank_transport(factor_1, any_factor(covariance_2) if factor_2 is None else factor_2, with_map)


def _full_rank_transport(covariance_1: Tensor, covariance_2: Tensor, with_map: bool) -> Transport | None:
    f1, failed_1 = torch.linalg.cholesky_ex(covariance_1)
    f2, failed_2 = torch.linalg.cholesky_ex(covariance_2)
    if int(failed_1) or int(failed_2):
        return None
    product = f1.T @ f2
    product = product @ product.T
    if with_map:
        eigenvalues, vectors = torch.linalg.eigh(product)
    else:
        eigenvalues, vectors = torch.linalg.eigvalsh(product), None
    if not eigenvalues[0] > 0:
        return None
    roots = eigenvalues.sqrt()
    rounding = torch.finfo(torch.float64).eps * eigenvalues[-1] * (0.5 / roots).sum()
    if rounding > _TOLERANCE * roots.sum():
        return None
    if vectors is None:
        return Transport(roots.sum().item(), None)
    return Transport(roots.sum().item(), torch.linalg.solve_triangular(f1.T, vectors * roots.sqrt(), upper=True))


def any_factor(covariance: Tensor) -> Tensor:
    """Factor a covariance as ``F F^T``: by Cholesky if it is far from singular, else as ``covariance_factor`` does.

    Args:
        covariance: float64 ``(D, D)``.
    """
    factor, failed = torch.linalg.cholesky_ex(covariance)
    diagonal = factor.diagonal()
    if int(failed) or not diagonal.amin() ** 2 > _FAR_FROM_SINGULAR * diagonal.amax() ** 2:
        return covariance_factor(covariance)
    return factor


def _any_rank_transport(f1: Tensor, f2: Tensor, with_map: bool) -> Transport:
    product = f1.T @ f2
    if not with_map:
        return Transport(torch.linalg.svdvals(product).sum().item(), None)
    vectors, values, _ = torch.linalg.svd(product, full_matrices=False)
    # the columns of f1 are orthogonal, so its pseudo-inverse is f1^T over their squared lengths
    inverse = f1 / f1.square().sum(0)
    return Transport(values.sum().item(), inverse @ (vectors * values.sqrt()))


def trace_of_root(covariance_1: Tensor, covariance_2: Tensor) -> float:
    """Return the trace of the square root of the product of two covariances; see ``transport``.

    Args:
        covariance_1: float64 ``(D, D)``.
        covariance_2: float64 ``(D, D)``.
    """
    return transport(covariance_1, covariance_2).trace


def frechet_distance(first: Moments, second: Moments) -> float:
    """Return the squared Frechet (2-Wasserstein) distance between two Gaussians with these moments.

    ``|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^{1/2})`` (Heusel 2017, arXiv:1706.08500, equation 6). On
    Inception-v3 features it is the FID.

    Raises:
        ValueError: if a side has fewer than two samples.
    """
    return distance_given(trace_of_root(first.covariance, second.covariance), first, second)


def distance_given(trace: float, first: Moments, second: Moments) -> float:
    """Return the Frechet distance, given the trace of the root; -1e-13 from equal moments becomes 0."""
    between_means = (first.mean - second.mean).square().sum()
    traces = first.covariance.trace() + second.covariance.trace()
    return max((between_means + traces).item() - 2 * trace, 0.0)
