"""The answer in a sentence: who won, by how much, whether that is more than the noise of seeds, and why others lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from gan_lightning.report.group import Group, Section
from gan_lightning.report.run import Moment
from gan_lightning.report.spread import MIN_SEEDS, Spread, stars
from gan_lightning.report.standing import Standing, standing
from gan_lightning.runs.published import beside

NAMED = 5
"""So many groups are named one by one behind the best."""


def verdicts(found: Sequence[Section], keys: Sequence[str], moment: Moment, label: Callable[[Group], str]) -> list[str]:
    """Return a sentence for each score of each section that has at least two groups with this score."""
    lines = []
    for number, section in enumerate(found, start=1):
        for key in keys:
            place = standing(section, key, moment)
            if place.best is None or sum(s is not None for s in place.spreads) < 2:
                continue
            where = f"section {number}, " if len(found) > 1 else ""
            lines.append(where + sentence(section, key, moment, place, label))
    return lines


def sentence(section: Section, key: str, moment: Moment, place: Standing, label: Callable[[Group], str]) -> str:
    """Return ``fd2k_train_digits (final, lower is better): Hinge is best with 13 [9.8, 16] over 3 seeds; ...``."""
    assert place.best is not None
    best = place.spreads[place.best]
    assert best is not None
    direction = "higher" if section.higher_is_better(key) else "lower"
    head = (
        f"{key} ({moment}, {direction} is better): {label(section.groups[place.best])} has the best mean, "
        f"{number(best.mean)}{_interval(best)} over {_seeds(best.count)}"
    )
    sign = -1.0 if section.higher_is_better(key) else 1.0
    others = [(sign * s.mean, index) for index, s in enumerate(place.spreads) if s is not None and index != place.best]
    others.sort(key=lambda entry: (math.isnan(entry[0]), entry[0]))
    parts = [
        _other(best, place.spreads[index], place.p_values[index], place.unequal[index], label(section.groups[index]))
        for _, index in others[:NAMED]
    ]
    if len(others) > NAMED:
        parts.append(f"{len(others) - NAMED} more are farther behind")
    return "; ".join([head, *parts])


def _other(best: Spread, spread: Spread | None, p_value: float | None, unequal: Sequence[str], label: str) -> str:
    assert spread is not None
    gap = f"{label} is {abs(spread.mean - best.mean):.3g} behind over {_seeds(spread.count)}"
    if unequal:
        return f"{gap}, in another race ({', '.join(unequal)}, the best first), which is not tested"
    if p_value is not None:
        words = "not significant" if stars(p_value) == "=" else f"significant {stars(p_value)}"
        return f"{gap}, {words} (p = {p_value:.2g})"
    if min(best.count, spread.count) < MIN_SEEDS:
        return f"{gap}, not enough seeds for a test"
    return f"{gap}, no test without spread"


def reasons(groups: Sequence[Group], label: Callable[[Group], str]) -> list[str]:
    """Return why groups may have lost: a sentence for each with unfinished runs, or problems in training."""
    lines = []
    for group in groups:
        ends = [f"{count} {status}" for status, count in sorted(group.statuses.items()) if status != "finished"]
        troubles = [f"{kind.replace('_', ' ')} in {count}" for kind, count in group.warnings.items()]
        if ends or troubles:
            lines.append(f"{label(group)}: of {_count(len(group.runs), 'run')} {', '.join([*ends, *troubles])}")
    return lines


def published(groups: Sequence[Group], moment: Moment, label: Callable[[Group], str]) -> list[str]:
    """Compare each group with its published scores: the mean beside each, or why they are not compared."""
    lines = []
    for group in groups:
        for entry in group.expected:
            found, reason = group.spread(entry.key, moment), group.obstacle(entry)
            reached = "" if found is None else f"{number(found.mean)}{_interval(found)} over {_seeds(found.count)}"
            lines.append(f"{label(group)}: {beside(entry, reached=reached, reason=reason)}")
    return lines


def _interval(spread: Spread) -> str:
    return "" if spread.low is None or spread.high is None else f" [{number(spread.low)}, {number(spread.high)}]"


def _seeds(count: int) -> str:
    return _count(count, "seed")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number(value: float) -> str:
    """Format a score with four significant digits."""
    return f"{value:.4g}"
