"""The kernel distance: squared maximum mean discrepancy under the polynomial kernel of the KID."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gan_lightning.metrics.estimate import DRAWING_SEED, Estimate

BLOCK = 2048
"""Rows and columns of a kernel matrix that are in memory at once."""


def _kernel(rows: Tensor, columns: Tensor) -> Tensor:
    """``(x . y / D + 1)^3`` of all pairs."""
    base = (rows @ columns.T).div_(rows.shape[1]).add_(1)
    return base * base * base


def _kernel_sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the kernel over each row and over each column, in blocks."""
    over_rows, over_columns = x.new_zeros(len(x)), x.new_zeros(len(y))
    for start in range(0, len(x), BLOCK):
        for other in range(0, len(y), BLOCK):
            found = _kernel(x[start : start + BLOCK], y[other : other + BLOCK])
            over_rows[start : start + BLOCK] += found.sum(1)
            over_columns[other : other + BLOCK] += found.sum(0)
    return over_rows, over_columns


def _kernel_total(x: Tensor, y: Tensor) -> Tensor:
    """Sum of the kernel over all pairs, in blocks."""
    total = x.new_zeros(())
    for rows in x.split(BLOCK):
        for columns in y.split(BLOCK):
            total += _kernel(rows, columns).sum()
    return total


def _kernel_diagonal(x: Tensor) -> Tensor:
    return (x.square().sum(1) / x.shape[1] + 1).pow(3)


def mmd2_estimate(generated: Tensor, real: Tensor) -> Estimate:
    """Unbiased squared maximum mean discrepancy over all pairs, with its standard error over draws of both sides.

    ``sum_{i != j} k(x_i, x_j) / (m (m - 1)) + sum_{i != j} k(y_i, y_j) / (n (n - 1)) - 2 mean_{ij} k(x_i, y_j)``
    with ``k(x, y) = (x . y / D + 1)^3`` (Gretton 2012, lemma 6; Binkowski 2018, arXiv:1801.01401, section 4).
    It may be slightly negative. The error is that of the jackknife, which leaves out one sample of either side at a
    time (Efron & Stein 1981: not too small on average); it follows from the sums over rows, without recomputing.

    Args:
        generated: ``(M, D)``; computed in float64.
        real: ``(N, D)``.

    Raises:
        ValueError: with fewer than two samples on a side.
    """
    x, y = generated.double(), real.double()
    m, n = len(x), len(y)
    _check_counts(m, n)
    within_x = _kernel_sums(x, x)[0] - _kernel_diagonal(x)
    within_y = _kernel_sums(y, y)[0] - _kernel_diagonal(y)
    across_x, across_y = _kernel_sums(x, y)
    mean = within_x.sum() / (m * (m - 1)) + within_y.sum() / (n * (n - 1)) - 2 * across_x.sum() / (m * n)
    if min(m, n) < 3:
        return Estimate(mean.item(), None, None)
    variance = _jackknife_variance(within_x, across_x, n) + _jackknife_variance(within_y, across_y, m)
    return Estimate(mean.item(), None, variance**0.5)


def _jackknife_variance(within: Tensor, across: Tensor, others: int) -> float:
    """Variance due to one side, from the sums of its rows; the other side's own term does not change."""
    m = len(within)
    left = (within.sum() - 2 * within) / ((m - 1) * (m - 2)) - 2 * (across.sum() - across) / ((m - 1) * others)
    return (m - 1) * left.var(correction=0).item()


def mmd2_unbiased(generated: Tensor, real: Tensor) -> float:
    """The value of ``mmd2_estimate`` alone.

    Args:
        generated: ``(M, D)``; computed in float64.
        real: ``(N, D)``.

    Raises:
        ValueError: with fewer than two samples on a side.
    """
    x, y = generated.double(), real.double()
    m, n = len(x), len(y)
    _check_counts(m, n)
    within_x = _kernel_total(x, x) - _kernel_diagonal(x).sum()
    within_y = _kernel_total(y, y) - _kernel_diagonal(y).sum()
    return (within_x / (m * (m - 1)) + within_y / (n * (n - 1)) - 2 * _kernel_total(x, y) / (m * n)).item()


def _check_counts(m: int, n: int) -> None:
    if min(m, n) < 2:
        raise ValueError(f"a kernel distance needs at least 2 samples on each side, got {m} and {n}")


def kernel_distance(
    generated: Tensor, real: Tensor, *, subsets: int = 100, subset_size: int = 1000, seed: int = DRAWING_SEED
) -> Estimate:
    """Mean of the unbiased estimator over random subsets, as the KID is defined and reported.

    On Inception-v3 features it is the KID (Binkowski 2018, arXiv:1801.01401); subsets are drawn as
    torch-fidelity draws them from the same seed. No global random state is read or changed.

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        subsets: number of subsets.
        subset_size: samples per subset and side, drawn without replacement.
        seed: of the drawing.

    Raises:
        ValueError: if a side has fewer samples than a subset.
    """
    if subsets < 1 or not 2 <= subset_size <= min(len(generated), len(real)):
        raise ValueError(
            f"subsets must be at least 1 and subset_size lie in [2, {min(len(generated), len(real))}], the smaller "
            f"number of samples; got {subsets} and {subset_size}"
        )
    stream = np.random.RandomState(seed)
    distances = []
    for _ in range(subsets):
        chosen_x = torch.from_numpy(stream.choice(len(generated), subset_size, replace=False))
        chosen_y = torch.from_numpy(stream.choice(len(real), subset_size, replace=False))
        distances.append(
            mmd2_unbiased(generated[chosen_x.to(generated.device)], real[chosen_y.to(real.device)]),
        )
    std = float(np.std(distances))
    left_out = min(len(generated), len(real)) - subset_size
    # subsets overlap: the delete-d jackknife (Shao & Wu 1989) scales their spread to the error of the whole
    return Estimate(float(np.mean(distances)), std, std * (subset_size / left_out) ** 0.5 if left_out else None)
