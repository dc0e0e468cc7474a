"""Where the groups of a section stand in a score, and which of the differences can be tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gan_lightning.report.fairness import differences, race
from gan_lightning.report.group import Section
from gan_lightning.report.run import Moment
from gan_lightning.report.spread import Spread, compare_with, stars


@dataclass(frozen=True)
class Standing:
    """Where the groups of a section stand in one score.

    Attributes:
        best: index of the group with the best mean, or None if no group has a finite one.
        spreads: one for each group, None where it has no such score.
        p_values: corrected, against the best, one for each group; None where there is no test.
        unequal: in what the race of each group differs from that of the best, see ``fairness``; there is no test then.
    """

    best: int | None
    spreads: Sequence[Spread | None]
    p_values: Sequence[float | None]
    unequal: Sequence[Sequence[str]]

    def mark(self, index: int) -> str:
        """Return what stands behind the mean of a group: best, stars, = or ≠, or nothing."""
        if index == self.best:
            return "best"
        if self.unequal[index]:
            return "≠"
        p_value = self.p_values[index]
        return "" if p_value is None else stars(p_value)


def standing(section: Section, key: str, moment: Moment) -> Standing:
    """Find the best group in a score, and compare those that ran the same race with it."""
    spreads = [group.spread(key, moment) for group in section.groups]
    sign = -1.0 if section.higher_is_better(key) else 1.0
    means = {index: sign * s.mean for index, s in enumerate(spreads) if s is not None and math.isfinite(s.mean)}
    if not means:
        return Standing(None, spreads, [None] * len(spreads), [[]] * len(spreads))
    best = min(means, key=lambda index: means[index])
    races = [race(group) for group in section.groups]
    unequal = [differences(races[best], other) for other in races]
    p_values = compare_with(best, [() if s is None else s.values for s in spreads])
    tested = [None if unequal[index] else p_value for index, p_value in enumerate(p_values)]
    return Standing(best, spreads, tested, unequal)
