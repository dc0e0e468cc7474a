"""Describe what differs between the record and the present, the earliest update first.

On a machine like the one that made the record every bit counts. Elsewhere rounding differs, and training amplifies it
from update to update: a number may differ by ``FIRST`` of the largest that it is in the whole series, twice as much
with each update, or by ``MARGIN`` times what had changed ``AHEAD`` updates later when the record was made a second time
with other instructions of the same processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tests.record.updates import Series

FIRST = 1e-5
"""Tolerance of norms and scalars on another machine than that of the record, at the first update."""

SCORE = 1e-4
"""Tolerance of scores and samples there."""

MARGIN, AHEAD = 100.0, 2
"""What is allowed elsewhere, in units of what other instructions of the same processor change so many updates later."""


@dataclass(frozen=True)
class Tolerances:
    """How far numbers may be from the record.

    Attributes:
        bits: every bit counts: a machine like this one made the record.
        deviations: by how much, relatively, numbers change by other instructions, where that is more than nothing: of
            a series, up to each update. A bias before a batch norm has gradients that are all rounding, of which Adam
            makes steps of full size: its norm means something on one machine only.
    """

    bits: bool
    deviations: Mapping[str, float | np.ndarray] = field(default_factory=dict)

    def allowed(self, name: str) -> float:
        """Return the relative difference that a score or a sample may have."""
        return 0.0 if self.bits else max(SCORE, MARGIN * float(self.deviations.get(name, 0.0)))

    def agree(self, name: str, expected: np.ndarray, got: np.ndarray) -> np.ndarray:
        """Return for each number of a series, one of each update, whether it is near enough to that of the record."""
        if self.bits:
            return relative(expected, got) == 0
        growing = FIRST * 2.0 ** np.arange(len(expected))
        deviation = np.broadcast_to(self.deviations.get(name, 0.0), len(expected))
        soon = np.append(deviation[AHEAD:], np.repeat(deviation[-1:], AHEAD))[: len(expected)]
        return relative(expected, got) <= np.maximum(growing, MARGIN * soon)

    def near(self, name: str, expected: float, got: float) -> bool:
        """Say whether a score is near enough to that of the record."""
        return bool(relative(np.asarray([expected]), np.asarray([got]))[0] <= self.allowed(name))


def relative(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the differences of numbers, relative to the largest of all; NaN is infinitely far from a number."""
    largest = np.nanmax(np.abs([first, second]), initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(first - second) / largest
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return np.where(same, 0.0, np.nan_to_num(apart, nan=np.inf))


def deviation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest relative difference of two arrays' numbers."""
    return float(relative(first, second).max(initial=0.0))


def key_differences(kind: str, expected: Mapping[str, object], got: Mapping[str, object]) -> list[str]:
    """Name what only one of them has."""
    return [
        *(f"{kind} {name} is missing" for name in sorted(expected.keys() - got.keys())),
        *(f"{kind} {name} is not in the record" for name in sorted(got.keys() - expected.keys())),
    ]


def series_differences(expected: Series, got: Series, *, bits: bool) -> list[str]:
    """Describe where each tensor and each scalar first differs.

    Args:
        expected: from the record.
        got: the present one.
        bits: whether every bit counts.
    """
    tolerances = Tolerances(bits=bits, deviations=expected.deviations)
    texts = key_differences("tensor", expected.norms, got.norms)
    texts += key_differences("scalar", expected.scalars, got.scalars)
    found: list[tuple[int, str]] = []
    for name in expected.norms.keys() & got.norms.keys():
        sums, norms = (expected.checksums[name], got.checksums[name]), (expected.norms[name], got.norms[name])
        if len(norms[0]) != len(norms[1]):
            texts.append(f"tensor {name}: {len(norms[1])} updates instead of {len(norms[0])}")
            continue
        agree = sums[0] == sums[1] if bits else tolerances.agree(name, *norms)
        if not agree.all():
            at = int(np.argmin(agree))
            text = f"update {at + 1}, tensor {name}: norm {norms[1][at]:.9g} instead of {norms[0][at]:.9g}"
            found.append((at, text + f" (checksum {sums[1][at]:08x} instead of {sums[0][at]:08x})"))
    for name in expected.scalars.keys() & got.scalars.keys():
        first, second = expected.scalars[name], got.scalars[name]
        if len(first) != len(second):
            texts.append(f"scalar {name}: {len(second)} rows instead of {len(first)}")
            continue
        agree = tolerances.agree(name, first, second)
        if not agree.all():
            at = int(np.argmin(agree))
            found.append((at, f"row {at + 1}, scalar {name}: {second[at]:.9g} instead of {first[at]:.9g}"))
    return texts + [text for _, text in sorted(found)]


def series_deviations(first: Series, second: Series) -> dict[str, np.ndarray]:
    """Return the largest deviation up to each update of each tensor's norm, and up to each row of each scalar."""
    tables = (first.norms, second.norms), (first.scalars, second.scalars)
    return {
        name: np.maximum.accumulate(relative(one[name], two[name])).astype(np.float32)
        for one, two in tables
        for name in one
    }


def sample_differences(name: str, expected: np.ndarray, got: np.ndarray, tolerances: Tolerances) -> list[str]:
    """Describe how far samples are from the record; elsewhere a pixel may be off by one."""
    if expected.shape != got.shape or expected.dtype != got.dtype:
        return [f"{name}: {got.dtype} {got.shape} instead of {expected.dtype} {expected.shape}"]
    apart = np.abs(got.astype(np.float64) - expected)
    allowed = tolerances.allowed(name) * float(np.abs(expected).max())
    if expected.dtype == np.uint8 and not tolerances.bits:
        allowed = max(1.0, allowed)
    wrong = np.flatnonzero((apart > allowed).reshape(len(apart), -1).any(1)).tolist()
    return [f"{name}: samples {wrong} are off by up to {apart.max():.9g}"] if wrong else []


def sample_deviation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest difference between samples, in units of their largest value."""
    apart = np.abs(first.astype(np.float64) - second).max()
    return 0.0 if first.dtype == np.uint8 and apart <= 1 else float(apart / np.abs(first).max())


Leaves = dict[str, str | float | None]


def leaf_differences(expected: Leaves, got: Leaves, tolerances: Tolerances) -> list[str]:
    """Describe which entries of scores and protocols differ."""
    texts = key_differences("score entry", expected, got)
    for name in sorted(expected.keys() & got.keys()):
        first, second = expected[name], got[name]
        numbers = isinstance(first, float) and isinstance(second, float)
        if not (tolerances.near(name, first, second) if numbers else first == second):
            texts.append(f"{name}: {second!r} instead of {first!r}")
    return texts
