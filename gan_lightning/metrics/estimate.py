"""A number with what is known of its error."""

from __future__ import annotations

from typing import NamedTuple

DRAWING_SEED = 2020
"""Seed of shuffles and subsets; the default of torch-fidelity, so that the numbers can be compared."""


class Estimate(NamedTuple):
    """A score.

    Attributes:
        mean: the value to report.
        std: standard deviation between parts of the samples, dividing by their number, as papers print it after the
            sign ±; None if the samples were not divided.
        stderr: standard error of ``mean``, or None if the samples do not tell it.
    """

    mean: float
    std: float | None
    stderr: float | None


def share(hits: int, total: int) -> Estimate:
    """A share of independent samples, with the binomial standard error."""
    p = hits / total
    return Estimate(p, None, (p * (1 - p) / total) ** 0.5)
