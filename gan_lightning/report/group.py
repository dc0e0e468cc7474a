"""Runs grouped so that only what is comparable is compared.

A group is a configuration (everything but the seed), its runs are seeds. Groups whose scores were measured by
different protocols come into different sections, and no order is given across sections.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gan_lightning.config.expected import Expected
from gan_lightning.report.folders import natural
from gan_lightning.report.run import MOMENTS, Moment, Run, protocol_conflicts, score_keys
from gan_lightning.report.spread import Spread, spread
from gan_lightning.runs.published import obstacle


@dataclass(frozen=True)
class Group:
    """The runs of one configuration; only finished ones, one for each seed, enter the means."""

    key: str
    runs: Sequence[Run]

    @property
    def names(self) -> str:
        """The names its runs carry."""
        return ", ".join(dict.fromkeys(run.name for run in self.runs))

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration that its runs share, flat."""
        return self.runs[0].config

    @property
    def seeds(self) -> int:
        """How many different seeds there are."""
        return len({run.seed for run in self.runs})

    @property
    def statuses(self) -> Counter[str]:
        """How many runs ended how."""
        return Counter(run.status for run in self.runs)

    @property
    def counted(self) -> list[Run]:
        """The finished runs; of those with the same seed the last one."""
        return list({run.seed: run for run in self.runs if run.status == "finished"}.values())

    @property
    def wall_time_s(self) -> float | None:
        """Mean over the counted runs."""
        return _mean([run.wall_time_s for run in self.counted])

    @property
    def images_per_second(self) -> float | None:
        """Mean over the counted runs."""
        return _mean([run.images_per_second for run in self.counted])

    @property
    def warnings(self) -> Counter[str]:
        """Kind of trouble to the number of runs in which it was seen."""
        return Counter(kind for run in self.runs for kind in dict.fromkeys(w["kind"] for w in run.warnings))

    @property
    def expected(self) -> Sequence[Expected]:
        """The published scores that its runs name; those of the first run that names any."""
        return next((run.expected for run in self.runs if run.expected), ())

    def obstacle(self, expected: Expected) -> str | None:
        """Say why the mean over the counted runs may not be compared with a published score, or return None."""
        counted = self.counted
        protocols = {key: run.protocol(key) or {} for run in counted or self.runs for key in score_keys([run])}
        seen = [run.images_seen for run in counted] or [max(run.images_seen for run in self.runs)]
        reason = obstacle(expected, protocols, images_seen=min(seen), budget_images=None)
        return "no run is finished" if reason is None and not counted else reason

    def real_parts(self, key: str) -> Mapping[str, float] | None:
        """Return what parts of the real images score; of the first run that knows, since seeds share the images."""
        return next((run.real_parts[key] for run in self.counted if key in run.real_parts), None)

    def spread(self, key: str, moment: Moment) -> Spread | None:
        """Return a score over the seeds, or None where no finished run has it."""
        entries = [run.scores[moment][key] for run in self.counted if key in run.scores[moment]]
        if not entries:
            return None
        return spread([entry["value"] for entry in entries], higher_is_better=entries[0]["higher_is_better"])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Section:
    """Groups whose scores may be ranked.

    Attributes:
        groups: in the order of the folders, or sorted.
        protocols: score key to the protocol, for the keys whose protocols differ between sections.
    """

    groups: Sequence[Group]
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def runs(self) -> list[Run]:
        """All runs of all groups."""
        return [run for group in self.groups for run in group.runs]

    def higher_is_better(self, key: str) -> bool | None:
        """Return the direction of a score; None if no run has it."""
        entries = (run.scores[moment].get(key) for run in self.runs for moment in MOMENTS)
        return next((entry["higher_is_better"] for entry in entries if entry is not None), None)


def sections(runs: Sequence[Run]) -> list[Section]:
    """Group the readable runs by configuration, and the groups by the protocols that their scores have.

    Runs that ended before their first evaluation stand in the section where others of their configuration are.
    """
    readable = [run for run in runs if run.readable]
    conflicts = protocol_conflicts(readable)
    found: dict[str, tuple[dict[str, Any], dict[str, list[Run]]]] = {}
    for run in sorted(readable, key=lambda run: not score_keys([run])):
        protocols = {key: protocol for key in conflicts if (protocol := run.protocol(key)) is not None}
        mark = json.dumps(protocols, sort_keys=True)
        if not protocols and not score_keys([run]):
            mark = next((known for known, (_, groups) in found.items() if run.group in groups), mark)
        found.setdefault(mark, (protocols, {}))[1].setdefault(run.group, []).append(run)
    return [Section(_in_order(groups), protocols) for protocols, groups in found.values()]


def _in_order(groups: Mapping[str, Sequence[Run]]) -> list[Group]:
    """Sort groups by folder, and their runs by seed, then by folder."""

    def rank(run: Run) -> tuple[bool, int, list[tuple[int, int | str]]]:
        return run.seed is None, run.seed or 0, natural(run.place)

    made = [Group(key, sorted(runs, key=rank)) for key, runs in groups.items()]
    return sorted(made, key=lambda group: min(natural(run.place) for run in group.runs))


def ranked(section: Section, key: str, moment: Moment = "final") -> Section:
    """Sort the groups of a section by a score, the best first; groups without it come last."""
    sign = -1.0 if section.higher_is_better(key) else 1.0

    def rank(group: Group) -> tuple[bool, float]:
        found = group.spread(key, moment)
        missing = found is None or math.isnan(found.mean)  # NaN beats nothing
        return missing, 0.0 if found is None or missing else sign * found.mean

    return Section(sorted(section.groups, key=rank), section.protocols)


def ordered(section: Section, key: str) -> Section:
    """Sort the groups of a section by a key of their flat configuration; groups without it come last."""

    def rank(group: Group) -> tuple[int, float, str]:
        value = group.config.get(key)
        if value is None:
            return 2, 0.0, ""
        if isinstance(value, (int, float)):
            return 0, float(value), ""
        return 1, 0.0, str(value)

    return Section(sorted(section.groups, key=rank), section.protocols)
