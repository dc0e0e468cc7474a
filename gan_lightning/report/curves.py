"""Curves over images seen, thinned out to what a screen can show, with the seeds of a group together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

X = "images_seen"
NO_CURVES = (X, "wall_time_s")
MAX_POINTS, MIN_POINTS = 500, 60

Series = tuple[np.ndarray, np.ndarray]
"""Images seen and values, float64, of the same length."""


@dataclass(frozen=True)
class Band:
    """One scalar of the runs of a group.

    Attributes:
        x: images seen, ascending, float64 ``(P,)``.
        runs: values of each run, float32 ``(R, P)``, NaN where a run has none.
        mean: over the runs that have a value there, ``(P,)``.
        low: the smallest of them.
        high: the largest of them.
    """

    x: np.ndarray
    runs: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def series(rows: Sequence[Mapping[str, Any]]) -> dict[str, Series]:
    """Return the curves of one run: each scalar of its rows with the images seen where it was logged."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for row in rows:
        for key, value in row.items():
            if key not in NO_CURVES and isinstance(value, (int, float)):
                xs, ys = found.setdefault(key, ([], []))
                xs.append(row[X])
                ys.append(value)
    return {key: (np.array(xs, np.float64), np.array(ys, np.float64)) for key, (xs, ys) in found.items()}


def points_within(budget: int, *, curves: int) -> int:
    """Return the number of points that ``curves`` curves may have each, within ``budget`` points altogether."""
    return min(MAX_POINTS, max(MIN_POINTS, budget // max(1, curves)))


def band(curves: Sequence[Series], *, points: int) -> Band:
    """Bring the curves of several runs onto common positions.

    Where they have more than ``points`` positions together, the axis is divided into ``points`` equal intervals,
    and a value is the mean of what a run logged in the interval. Infinite values count as missing.

    Args:
        curves: at least one, one for each run; empty ones are allowed.
        points: the largest number of positions.
    """
    positions = np.unique(np.concatenate([x for x, _ in curves]))
    if len(positions) > points:
        edges = np.linspace(positions[0], positions[-1], points + 1)
        bins = np.clip(np.searchsorted(edges, positions, side="right") - 1, 0, points - 1)
        x = np.bincount(bins, positions, points) / np.maximum(np.bincount(bins, minlength=points), 1)
        kept = np.flatnonzero(np.bincount(bins, minlength=points))

        def place(xs: np.ndarray) -> np.ndarray:
            return np.clip(np.searchsorted(edges, xs, side="right") - 1, 0, points - 1)
    else:
        x, kept = positions, np.arange(len(positions))

        def place(xs: np.ndarray) -> np.ndarray:
            return np.searchsorted(positions, xs)

    values = np.full((len(curves), len(x)), np.nan)
    for row, (xs, ys) in enumerate(curves):
        finite = np.isfinite(ys)
        where = place(xs[finite])
        counts = np.bincount(where, minlength=len(x))
        sums = np.bincount(where, ys[finite], len(x))
        values[row, counts > 0] = sums[counts > 0] / counts[counts > 0]
    values = values[:, kept]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no run has a value, the result is NaN, as it should
        mean, low, high = (f(values, axis=0) for f in (np.nanmean, np.nanmin, np.nanmax))
    with np.errstate(over="ignore"):  # a value that no float32 holds becomes infinite
        values, mean, low, high = (found.astype(np.float32) for found in (values, mean, low, high))
    return Band(x[kept], values, mean, low, high)
