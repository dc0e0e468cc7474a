"""Nearest neighbors among features, in blocks: no matrix of all pairs is ever held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK, WIDE_BLOCK = 512, 1024
"""Rows and columns of a distance matrix that are in memory at once: few enough for a processor's cache, and for long
features enough that preparing them costs little."""

WIDE = 512
"""Length of features from which on blocks are wide."""

_EQUAL = 1e-13
"""Squared distance, relative to the largest squared length, below which float32 features are the same."""


class Block(NamedTuple):
    """Some of the features.

    Attributes:
        place: their rows among all.
        points: float64 ``(M, D)``.
        squared: float64 ``(M,)``, squared lengths.
        rounding: what a squared distance to one of them may be off by, from the longest of all features.
    """

    place: slice
    points: Tensor
    squared: Tensor
    rounding: float


class Blocks:
    """Features as blocks in float64, made when they are asked for.

    Args:
        points: ``(N, D)``.
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points
        self.rows = WIDE_BLOCK if points.shape[1] >= WIDE else BLOCK
        parts = points.split(self.rows)
        self.squared = torch.cat([part.double().square().sum(1) for part in parts]) if len(points) else None
        self.rounding = 0.0 if self.squared is None else _EQUAL * self.squared.amax().item()

    def workspace(self) -> Tensor:
        """Return memory for a block of distances, to be used again and again."""
        return torch.empty(self.rows**2, dtype=torch.float64, device=self.points.device)

    def __iter__(self) -> Iterator[Block]:
        return self.after(0)

    def after(self, start: int) -> Iterator[Block]:
        """Return the blocks from row ``start`` on, a block's first row."""
        for first in range(start, len(self.points), self.rows):
            place = slice(first, min(first + self.rows, len(self.points)))
            assert self.squared is not None
            yield Block(place, self.points[place].double(), self.squared[place], self.rounding)


def squared_distances(rows: Block, columns: Block, *, memory: Tensor) -> Tensor:
    """Return the squared Euclidean distances of all pairs, float64 ``(M, N)``, exactly 0 between equal points.

    In float64: a squared distance is a difference of large terms, and ties decide who is a neighbor.

    Args:
        rows: M features.
        columns: N features.
        memory: float64 with at least M N elements, which the result is written into.
    """
    found = memory[: len(rows.points) * len(columns.points)].view(len(rows.points), len(columns.points))
    torch.addmm(columns.squared, rows.points, columns.points.T, alpha=-2, out=found)
    found += rows.squared[:, None]
    return F.threshold(found, rows.rounding + columns.rounding, 0.0, inplace=True)


def squared_radii(points: Tensor, largest: int) -> Tensor:
    """Return the squared distances of each point to its nearest other points.

    Each pair is looked at once, for both of its points.

    Args:
        points: ``(N, D)`` with N > ``largest``.
        largest: how many neighbors, from 1.

    Returns:
        float64 ``(N, largest)``, ascending.

    Raises:
        ValueError: with ``largest`` points or fewer.
    """
    if not 1 <= largest < len(points):
        raise ValueError(f"k must lie in [1, number of points - 1 = {len(points) - 1}], got {largest}")
    nearest = torch.full((len(points), largest), torch.inf, dtype=torch.float64, device=points.device)
    parts = Blocks(points)
    memory = parts.workspace()

    def enter(place: slice, candidates: Tensor) -> None:
        # few rows find a nearer neighbor in a late block: sort those only
        better = (candidates.amin(1) < nearest[place, -1]).nonzero()[:, 0]
        if len(better):
            found = candidates.index_select(0, better).topk(
                min(largest, candidates.shape[1]), dim=1, largest=False, sorted=False
            )
            both = torch.cat([nearest[place][better], found.values], 1)
            nearest[better + place.start] = both.topk(largest, dim=1, largest=False, sorted=True).values

    for rows in parts:
        for columns in parts.after(rows.place.start):
            found = squared_distances(rows, columns, memory=memory)
            if columns.place == rows.place:
                found.fill_diagonal_(torch.inf)
            else:
                enter(columns.place, found.T)
            enter(rows.place, found)
    return nearest


def neighbor_radii(points: Tensor, k: int) -> Tensor:
    """Return the distance of each point to its k-th nearest other point.

    Args:
        points: ``(N, D)`` with N > k.
        k: which neighbor, from 1.

    Returns:
        float64 ``(N,)``.

    Raises:
        ValueError: with ``k`` points or fewer.
    """
    return squared_radii(points, k)[:, -1].sqrt()
