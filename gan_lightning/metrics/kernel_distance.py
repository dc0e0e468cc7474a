"""The kernel distance: squared maximum mean discrepancy under the polynomial kernel of the KID."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gan_lightning.metrics.inception_score import DRAWING_SEED, Estimate

BLOCK = 2048
"""Rows and columns of a kernel matrix that are in memory at once."""


def _kernel_sum(x: Tensor, y: Tensor) -> Tensor:
    """Sum over all pairs of ``(x . y / D + 1)^3``, in blocks."""
    total = x.new_zeros(())
    for rows in x.split(BLOCK):
        for columns in y.split(BLOCK):
            total += (rows @ columns.T / x.shape[1]).add_(1).pow_(3).sum()
    return total


def _kernel_diagonal_sum(x: Tensor) -> Tensor:
    return (x.square().sum(1) / x.shape[1] + 1).pow(3).sum()


def mmd2_unbiased(generated: Tensor, real: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy over all pairs.

    ``sum_{i != j} k(x_i, x_j) / (m (m - 1)) + sum_{i != j} k(y_i, y_j) / (n (n - 1)) - 2 mean_{ij} k(x_i, y_j)``
    with ``k(x, y) = (x . y / D + 1)^3`` (Gretton 2012, lemma 6; Binkowski 2018, arXiv:1801.01401, section 4).
    It may be slightly negative.

    Args:
        generated: ``(M, D)``; computed in float64.
        real: ``(N, D)``.

    Raises:
        ValueError: with fewer than two samples on a side.
    """
    x, y = generated.double(), real.double()
    m, n = len(x), len(y)
    if min(m, n) < 2:
        raise ValueError(f"a kernel distance needs at least 2 samples on each side, got {m} and {n}")
    within_x = (_kernel_sum(x, x) - _kernel_diagonal_sum(x)) / (m * (m - 1))
    within_y = (_kernel_sum(y, y) - _kernel_diagonal_sum(y)) / (n * (n - 1))
    return (within_x + within_y - 2 * _kernel_sum(x, y) / (m * n)).item()


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
