"""Nearest neighbours among features, in blocks: no matrix of all pairs is ever held."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 1024
"""Rows and columns of a distance matrix that are in memory at once: few enough for a processor's cache."""

_EQUAL = 1e-13
"""Squared distance, relative to the largest squared length, below which float32 features are the same."""


def workspace(points: Tensor) -> Tensor:
    """Memory for a block of distances on the device of ``points``, to be used again and again."""
    return torch.empty(BLOCK * BLOCK, dtype=torch.float64, device=points.device)


def squared_distances(rows: Tensor, columns: Tensor, *, memory: Tensor) -> Tensor:
    """Squared Euclidean distances of all pairs, float64 ``(M, N)``, exactly 0 between equal points.

    In float64: a squared distance is a difference of large terms, and ties decide who is a neighbour.

    Args:
        rows: ``(M, D)``.
        columns: ``(N, D)``.
        memory: float64 with at least M N elements, which the result is written into.
    """
    x, y = rows.double(), columns.double()
    rows_squared, columns_squared = x.square().sum(1), y.square().sum(1)
    found = memory[: len(x) * len(y)].view(len(x), len(y))
    torch.addmm(columns_squared, x, y.T, alpha=-2, out=found)
    found += rows_squared[:, None]
    rounding = _EQUAL * (rows_squared.amax() + columns_squared.amax()).item()
    return F.threshold(found, rounding, 0.0, inplace=True)


def blocks(count: int) -> Iterator[slice]:
    """Slices of ``BLOCK`` rows that cover ``count`` of them."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def squared_radii(points: Tensor, largest: int) -> Tensor:
    """Squared distances of each point to its nearest other points.

    Each pair is looked at once, for both of its points.

    Args:
        points: ``(N, D)`` with N > ``largest``.
        largest: how many neighbours, from 1.

    Returns:
        float64 ``(N, largest)``, ascending.

    Raises:
        ValueError: with ``largest`` points or fewer.
    """
    if not 1 <= largest < len(points):
        raise ValueError(f"k must lie in [1, number of points - 1 = {len(points) - 1}], got {largest}")
    nearest = torch.full((len(points), largest), torch.inf, dtype=torch.float64, device=points.device)
    memory = workspace(points)

    def enter(place: slice, candidates: Tensor) -> None:
        # few rows find a nearer neighbour in a late block: sort those only
        better = (candidates.amin(1) < nearest[place, -1]).nonzero()[:, 0]
        if len(better):
            found = candidates[better].topk(min(largest, candidates.shape[1]), dim=1, largest=False, sorted=False)
            both = torch.cat([nearest[place][better], found.values], 1)
            nearest[better + place.start] = both.topk(largest, dim=1, largest=False, sorted=True).values

    for rows in blocks(len(points)):
        for columns in blocks(len(points)):
            if columns.start < rows.start:
                continue
            found = squared_distances(points[rows], points[columns], memory=memory)
            if columns == rows:
                found.fill_diagonal_(torch.inf)
            else:
                enter(columns, found.T)
            enter(rows, found)
    return nearest


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
    return squared_radii(points, k)[:, -1].sqrt()
