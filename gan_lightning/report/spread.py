"""A score over the seeds of a configuration: its spread, and whether a difference is more than that of seeds.

The mean of a few seeds is uncertain by Student's t: mean +- t(0.975, n - 1) s / sqrt(n) covers the expectation in
95 % of all cases, if the values are normally distributed.

Two configurations are compared by Welch's t-test, which does not assume equal variances. The best one is chosen by
the very data that the tests use, and with many configurations the best of equals is far from the worst by chance.
So the p-values are corrected over all pairs of configurations by Holm's step-down procedure: whichever of them
turns out best, and with all of them equal, a mark appears in at most 5 % of all comparisons.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MIN_SEEDS = 3
"""Of each configuration in a test: the variance of two values says next to nothing."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """A score over the seeds of a group.

    Attributes:
        mean: over the seeds.
        std: standard deviation with n - 1 in the denominator; None for a single seed.
        best: best value of all seeds.
        low: lower end of the 95 % confidence interval of the mean; None where there is no spread to tell it from. Where
            lower is better the score is a distance, and the interval is cut off at 0.
        high: its upper end.
        values: one for each seed.
    """

    mean: float
    std: float | None
    best: float
    low: float | None
    high: float | None
    values: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of seeds."""
        return len(self.values)


def spread(values: Sequence[float], *, higher_is_better: bool) -> Spread:
    """Summarize at least one value.

    Args:
        values: one for each seed.
        higher_is_better: what ``best`` means; NaN is never the best of several.
    """
    mean = sum(values) / len(values)
    std = _std(values)
    numbers = [value for value in values if not math.isnan(value)] or [math.nan]
    half = None
    if std is not None and math.isfinite(std) and std > 0:
        from scipy.stats import t

        half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * std / math.sqrt(len(values))
    low = None if half is None else mean - half
    if low is not None and not higher_is_better and mean >= 0:
        low = max(0.0, low)
    return Spread(
        mean,
        std,
        max(numbers) if higher_is_better else min(numbers),
        low,
        None if half is None else mean + half,
        tuple(values),
    )


def _std(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan


def compare_with(best: int, samples: Sequence[Sequence[float]]) -> list[float | None]:
    """Return each sample's p-value of its difference to sample ``best``, corrected over all pairs.

    Args:
        best: which of the samples the others are compared with.
        samples: the scores of each configuration, one for each seed.

    Returns:
        The two-sided p-values; None for ``best`` itself, and where there is no test: fewer than ``MIN_SEEDS``
        seeds, a non-finite value, or no spread at all.
    """
    pairs = list(itertools.combinations(range(len(samples)), 2))
    raw = {pair: p for pair in pairs if (p := welch(samples[pair[0]], samples[pair[1]])) is not None}
    corrected = dict(zip(raw, holm(list(raw.values())), strict=True))
    return [corrected.get((min(best, other), max(best, other))) for other in range(len(samples))]


def welch(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the two-sided p-value of Welch's t-test, or None where it does not apply; see ``compare_with``."""
    if min(len(first), len(second)) < MIN_SEEDS or not all(map(math.isfinite, [*first, *second])):
        return None
    if len(set(first)) == 1 and len(set(second)) == 1:
        return None
    from scipy.stats import ttest_ind_from_stats

    described = [(statistics.fmean(v), statistics.stdev(v), len(v)) for v in (first, second)]
    return float(ttest_ind_from_stats(*described[0], *described[1], equal_var=False).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Apply Holm's step-down correction, which bounds the family-wise error rate whatever the dependence.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def stars(p_value: float) -> str:
    """Return the usual mark: ``***`` below 0.001, ``**`` below 0.01, ``*`` below 0.05, else ``=``."""
    return next((mark for level, mark in ((0.001, "***"), (0.01, "**"), (0.05, "*")) if p_value < level), "=")
