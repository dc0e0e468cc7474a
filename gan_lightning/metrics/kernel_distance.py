"""The kernel distance: squared maximum mean discrepancy under the polynomial kernel of the KID."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_lightning.metrics.metric import DRAWING_SEED, Estimate, Evidence, Metric, Needs, at_least

BLOCK = 256
"""Rows and columns of a kernel matrix that are in memory at once: few enough for a processor's cache."""


@dataclass(frozen=True, slots=True)
class _KernelSums:
    """Sums of ``k(x, y) = (x . y / D + 1)^3``, float64.

    Attributes:
        within_x: ``(M,)``, of each sample with the others of its own set.
        within_y: ``(N,)``, likewise.
        across_x: ``(M,)``, of each sample with all of the other set.
        across_y: ``(N,)``, likewise.
    """

    within_x: Tensor
    within_y: Tensor
    across_x: Tensor
    across_y: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, within_y: Tensor | None = None) -> _KernelSums:
        """Go through all pairs in blocks; each pair within a set is looked at once.

        Args:
            x: float64 ``(M, D)``.
            y: float64 ``(N, D)``.
            within_y: if it is known already.
        """
        across_x, across_y = x.new_zeros(len(x)), y.new_zeros(len(y))
        _add_sums(x, y, across_x, across_y)
        return cls(_sums_within(x), _sums_within(y) if within_y is None else within_y, across_x, across_y)

    @property
    def mmd2(self) -> Tensor:
        """The unbiased estimate."""
        m, n = len(self.within_x), len(self.within_y)
        within = self.within_x.sum() / (m * (m - 1)) + self.within_y.sum() / (n * (n - 1))
        return within - 2 * self.across_x.sum() / (m * n)


def _add_sums(a: Tensor, b: Tensor, over_a: Tensor, over_b: Tensor) -> None:
    base, cube = (a.new_empty(BLOCK * BLOCK) for _ in range(2))
    for start in range(0, len(a), BLOCK):
        for other in range(start if a is b else 0, len(b), BLOCK):
            rows, columns = slice(start, start + BLOCK), slice(other, other + BLOCK)
            found = _kernel(a[rows], b[columns], base, cube)
            over_a[rows] += found.sum(1)
            if a is not b or start != other:
                over_b[columns] += found.sum(0)


def _sums_within(x: Tensor) -> Tensor:
    sums = x.new_zeros(len(x))
    _add_sums(x, x, sums, sums)
    return sums - _kernel_diagonal(x)


def kernel_sums_within(real: Tensor) -> Tensor:
    """Return the part of ``mmd2_estimate`` that is the same for all generated sets.

    Args:
        real: ``(N, D)``.

    Returns:
        float64 ``(N,)``, the sum of the kernel of each sample with all others.
    """
    return _sums_within(real.double())


def _kernel(rows: Tensor, columns: Tensor, base: Tensor, cube: Tensor) -> Tensor:
    """Return ``(x . y / D + 1)^3`` of all pairs, in ``cube``: new memory would cost more than the sums."""
    plain = _inner(rows, columns, base)
    return torch.mul(plain, plain, out=cube[: plain.numel()].view_as(plain)).mul_(plain)


def _inner(rows: Tensor, columns: Tensor, memory: Tensor) -> Tensor:
    plain = memory[: len(rows) * len(columns)].view(len(rows), len(columns))
    return torch.addmm(rows.new_ones(()), rows, columns.T, alpha=1 / rows.shape[1], out=plain)


def _kernel_diagonal(x: Tensor) -> Tensor:
    return (x.square().sum(1) / x.shape[1] + 1).pow(3)


def mmd2_estimate(generated: Tensor, real: Tensor, *, within_real: Tensor | None = None) -> Estimate:
    """Return the unbiased squared MMD over all pairs, with its standard error over draws of both sides.

    ``sum_{i != j} k(x_i, x_j) / (m (m - 1)) + sum_{i != j} k(y_i, y_j) / (n (n - 1)) - 2 mean_{ij} k(x_i, y_j)``
    with ``k(x, y) = (x . y / D + 1)^3`` (Gretton 2012, lemma 6; Binkowski 2018, arXiv:1801.01401, section 4).
    It may be slightly negative. The error is that of the jackknife, which leaves out one sample of either side at a
    time (Efron & Stein 1981: not too small on average); it follows from the sums over rows, without recomputing.

    Args:
        generated: ``(M, D)``; computed in float64.
        real: ``(N, D)``.
        within_real: what ``kernel_sums_within`` makes of ``real``, if it is known already.

    Raises:
        ValueError: with fewer than two samples on a side.
    """
    m, n = len(generated), len(real)
    _check_counts(m, n)
    sums = _KernelSums.of(generated.double(), real.double(), within_real)
    if min(m, n) < 3:
        return Estimate(sums.mmd2.item(), None, None)
    variance = _jackknife_variance(sums.within_x, sums.across_x, n)
    variance += _jackknife_variance(sums.within_y, sums.across_y, m)
    return Estimate(sums.mmd2.item(), None, variance**0.5)


def _jackknife_variance(within: Tensor, across: Tensor, others: int) -> float:
    """Return the variance due to one side, from the sums of its rows; the other's own term does not change."""
    m = len(within)
    left = (within.sum() - 2 * within) / ((m - 1) * (m - 2)) - 2 * (across.sum() - across) / ((m - 1) * others)
    return (m - 1) * left.var(correction=0).item()


def mmd2_unbiased(generated: Tensor, real: Tensor) -> float:
    """Return the value of ``mmd2_estimate`` alone, which takes less time.

    Args:
        generated: ``(M, D)``; computed in float64.
        real: ``(N, D)``.

    Raises:
        ValueError: with fewer than two samples on a side.
    """
    _check_counts(len(generated), len(real))
    return _mmd2(generated, real, _mean_within(real))


def _mmd2(generated: Tensor, real: Tensor, within_real: Tensor) -> float:
    across = _total(generated.double(), real.double()) / (len(generated) * len(real))
    return (_mean_within(generated) + within_real - 2 * across).item()


def _mean_within(x: Tensor) -> Tensor:
    """Return the mean of the kernel over pairs of different samples of one set."""
    x = x.double()
    return (_total(x, x) - _kernel_diagonal(x).sum()) / (len(x) * (len(x) - 1))


def _total(a: Tensor, b: Tensor) -> Tensor:
    """Sum the kernel over all pairs without sums of rows, in two thirds of the time of ``_KernelSums``."""
    total = a.new_zeros(())
    base, square = (a.new_empty(BLOCK * BLOCK) for _ in range(2))
    for start in range(0, len(a), BLOCK):
        for other in range(start if a is b else 0, len(b), BLOCK):
            plain = _inner(a[start : start + BLOCK], b[other : other + BLOCK], base).view(-1)
            found = torch.dot(torch.mul(plain, plain, out=square[: len(plain)]), plain)
            total += found if a is not b or start == other else 2 * found
    return total


def _check_counts(m: int, n: int) -> None:
    if min(m, n) < 2:
        raise ValueError(f"a kernel distance needs at least 2 samples on each side, got {m} and {n}")


def kernel_distance(
    generated: Tensor,
    real: Tensor,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = DRAWING_SEED,
    within_real: Tensor | None = None,
) -> Estimate:
    """Return the mean of the unbiased estimator over random subsets, as the KID is defined and reported.

    On Inception-v3 features it is the KID (Binkowski 2018, arXiv:1801.01401); subsets are drawn as
    torch-fidelity draws them from the same seed. No global random state is read or changed.

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        subsets: number of subsets.
        subset_size: samples per subset and side, drawn without replacement.
        seed: seed of the drawing.
        within_real: what ``kernel_within_real`` makes of the same arguments, if it is known already.

    Raises:
        ValueError: if a side has fewer samples than a subset.
    """
    m, n = len(generated), len(real)
    if within_real is None:
        within_real = kernel_within_real(m, real, subsets=subsets, subset_size=subset_size, seed=seed)
    drawn = _draws(m, n, subsets, subset_size, seed)
    distances = [
        _mmd2(generated[chosen_x.to(generated.device)], real[chosen_y.to(real.device)], within.to(real.device))
        for (chosen_x, chosen_y), within in zip(drawn, within_real, strict=True)
    ]
    std = float(np.std(distances))
    left_out = min(m, n) - subset_size
    # subsets overlap: the delete-d jackknife (Shao & Wu 1989) scales their spread to the error of the whole
    return Estimate(float(np.mean(distances)), std, std * (subset_size / left_out) ** 0.5 if left_out else None)


def kernel_within_real(
    generated_count: int, real: Tensor, *, subsets: int, subset_size: int, seed: int = DRAWING_SEED
) -> Tensor:
    """Return the part of ``kernel_distance`` that depends only on the real samples and the sets' size.

    Args:
        generated_count: number of generated samples, which the drawing of real ones depends on.
        real: ``(N, D)``.
        subsets: number of subsets.
        subset_size: samples per subset and side.
        seed: seed of the drawing.

    Returns:
        float64 ``(subsets,)``, the mean of the kernel over pairs of different real samples of each subset.

    Raises:
        ValueError: if a side has fewer samples than a subset.
    """
    drawn = _draws(generated_count, len(real), subsets, subset_size, seed)
    return torch.stack([_mean_within(real[chosen.to(real.device)]) for _, chosen in drawn])


def _draws(m: int, n: int, subsets: int, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    if subsets < 1 or not 2 <= size <= min(m, n):
        raise ValueError(
            f"subsets must be at least 1 and subset_size lie in [2, {min(m, n)}], the smaller number of samples; "
            f"got {subsets} and {size}"
        )
    stream = np.random.RandomState(seed)
    for _ in range(subsets):
        rows = stream.choice(m, size, replace=False)
        yield torch.from_numpy(rows), torch.from_numpy(stream.choice(n, size, replace=False))


class KernelDistance(Metric):
    """The kernel distance between the features of generated and real images (Binkowski 2018, arXiv:1801.01401).

    Args:
        kernel_estimator: "subsets" as the KID is published, or "exact" over all pairs (less variance).
        kernel_subsets: number of subsets.
        kernel_subset_size: samples per subset.

    Raises:
        ValueError: for a number out of range or an unknown estimator.
    """

    name = "kernel"
    key, inception_key = "kd", "kid"
    higher_is_better = False
    needs = Needs(features=True, real="features")

    def __init__(
        self,
        *,
        kernel_estimator: Literal["subsets", "exact"] = "subsets",
        kernel_subsets: int = 100,
        kernel_subset_size: int = 1000,
    ) -> None:
        if kernel_estimator not in ("subsets", "exact"):
            raise ValueError(f"evaluator.kernel_estimator must be 'subsets' or 'exact', got {kernel_estimator!r}")
        self.kernel_estimator = kernel_estimator
        self.kernel_subsets = at_least(1, "kernel_subsets", kernel_subsets)
        self.kernel_subset_size = at_least(2, "kernel_subset_size", kernel_subset_size)
        self.least_generated = self.least_real = kernel_subset_size if kernel_estimator == "subsets" else 2

    def estimate(self, evidence: Evidence) -> Estimate:
        """Compare all pairs, or those of the subsets; sums over real images alone are kept from last time."""
        generated, real = evidence.features, evidence.real_features
        if self.kernel_estimator == "exact":
            sums = evidence.derived.get("kernel-sums", lambda: kernel_sums_within(real))
            return mmd2_estimate(generated, real, within_real=sums.to(real.device))
        subsets, size = self.kernel_subsets, self.kernel_subset_size
        within = evidence.derived.get(
            f"kernel-{len(generated)}-{subsets}x{size}-seed{DRAWING_SEED}",
            lambda: kernel_within_real(len(generated), real, subsets=subsets, subset_size=size),
        )
        return kernel_distance(generated, real, subsets=subsets, subset_size=size, within_real=within)

    def facts(self) -> dict[str, Any]:
        """Return the estimator and its subsets."""
        if self.kernel_estimator == "exact":
            return {"estimator": "exact"}
        return {
            "estimator": "subsets",
            "subsets": self.kernel_subsets,
            "subset_size": self.kernel_subset_size,
            "subset_seed": DRAWING_SEED,
        }
