"""Fidelity and coverage as two numbers: precision and recall, density and coverage."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 2048
"""Rows and columns of a distance matrix that are in memory at once."""


class PrecisionRecall(NamedTuple):
    """Both in [0, 1]."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Density is at least 0 and may exceed 1; coverage lies in [0, 1]."""

    density: float
    coverage: float


def _distances(rows: Tensor, columns: Tensor) -> Tensor:
    # float64: the squared distance comes from a difference of large terms, and ties decide who is a neighbour
    return torch.cdist(rows.double(), columns.double())


def neighbour_radii(points: Tensor, k: int) -> Tensor:
    """Distance of each point to its k-th nearest other point.

    Args:
        points: ``(N, D)`` with N > k.
        k: which neighbour, from 1.

    Returns:
        float64 ``(N,)``.

    Raises:
        ValueError: with ``k`` points or fewer.
    """
    if not 1 <= k < len(points):
        raise ValueError(f"k must lie in [1, number of points - 1 = {len(points) - 1}], got {k}")
    radii = []
    for start in range(0, len(points), BLOCK):
        rows = points[start : start + BLOCK]
        nearest = torch.full((len(rows), k), torch.inf, dtype=torch.float64, device=points.device)
        for column_start in range(0, len(points), BLOCK):
            block = _distances(rows, points[column_start : column_start + BLOCK])
            if column_start == start:
                block.fill_diagonal_(torch.inf)
            nearest = torch.cat([nearest, block], 1).topk(k, dim=1, largest=False).values
        radii.append(nearest.amax(1))
    return torch.cat(radii)


def _share_inside(points: Tensor, centres: Tensor, radii: Tensor) -> float:
    """Share of ``points`` that lie in at least one closed ball."""
    inside = 0
    for rows in points.split(BLOCK):
        hit = torch.zeros(len(rows), dtype=torch.bool, device=points.device)
        for columns, radius in zip(centres.split(BLOCK), radii.split(BLOCK), strict=True):
            hit |= (_distances(rows, columns) <= radius).any(1)
        inside += int(hit.sum())
    return inside / len(points)


def precision_recall(generated: Tensor, real: Tensor, *, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall.

    Precision is the share of generated samples inside the union of balls around the real ones whose radius is
    the distance to the k-th nearest real neighbour; recall is the same with the roles exchanged (Kynkaanniemi
    2019, arXiv:1904.06991, equations 1 and 2).

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        k: which neighbour.

    Raises:
        ValueError: if a side has ``k`` samples or fewer.
    """
    return PrecisionRecall(
        precision=_share_inside(generated, real, neighbour_radii(real, k)),
        recall=_share_inside(real, generated, neighbour_radii(generated, k)),
    )


def density_coverage(generated: Tensor, real: Tensor, *, k: int = 5) -> DensityCoverage:
    """Density and coverage.

    Density counts in how many real balls each generated sample lies, over ``k M``; coverage is the share of
    real balls with a generated sample in them (Naeem 2020, arXiv:2002.09797, equations 3 and 5). The balls
    are open, as in the authors' code.

    Args:
        generated: ``(M, D)``.
        real: ``(N, D)``.
        k: which neighbour gives the radius.

    Raises:
        ValueError: if there are ``k`` real samples or fewer.
    """
    radii = neighbour_radii(real, k)
    pairs = covered = 0
    for rows, radius in zip(real.split(BLOCK), radii.split(BLOCK), strict=True):
        hit = torch.zeros(len(rows), dtype=torch.bool, device=real.device)
        for columns in generated.split(BLOCK):
            inside = _distances(rows, columns) < radius[:, None]
            pairs += int(inside.sum())
            hit |= inside.any(1)
        covered += int(hit.sum())
    return DensityCoverage(density=pairs / (k * len(generated)), coverage=covered / len(real))
