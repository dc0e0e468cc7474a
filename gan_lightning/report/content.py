"""What a comparison says, before it is written in any format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gan_lightning.config.errors import did_you_mean
from gan_lightning.report.config_diff import ABSENT, TARGET, brief, differing_keys, shown_value, telling_keys
from gan_lightning.report.fairness import unequal
from gan_lightning.report.group import Group, Section, ordered, ranked, sections
from gan_lightning.report.run import Moment, Run, protocol_conflicts, score_keys
from gan_lightning.report.verdict import published, reasons, verdicts

STATED = (
    "[a, b] is the 95 % confidence interval of the mean (Student's t). Marks: Welch's t-test against the best mean, "
    "two-sided, corrected by Holm over all pairs of configurations: * p < 0.05, ** p < 0.01, *** p < 0.001, "
    "= no significant difference. ≠: the race was another one than that of the best, and the difference is not tested. "
    "No mark: fewer than 3 seeds, or no spread."
)
"""What every table of scores has to say about itself."""

_LONGEST_VERSION = 60  # characters; a commit has 40, and perhaps "-dirty"

LABEL_KEYS = 3
"""So many settings name a configuration in a sentence."""

MAX_AXES = 6
"""So many of them are shown in a table, and are axes of the parallel coordinates."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison says.

    Attributes:
        sections: one for each set of protocols.
        runs: all runs, the damaged ones too.
        keys: the scores, in the order of the columns.
        moment: which value of them is shown.
        differing: the configuration keys in which the groups differ.
        verdicts: a sentence for each score and section: who won, by how much, and whether that is more than noise.
        reasons: a sentence for each group whose runs did not all end well.
        notes: sentences that a reader of the numbers has to know.
        published: a sentence for each published score of each group: the reached mean beside it, or why it is not.
    """

    sections: Sequence[Section]
    runs: Sequence[Run]
    keys: Sequence[str]
    moment: Moment
    differing: Sequence[str]
    verdicts: Sequence[str]
    reasons: Sequence[str]
    notes: Sequence[str]
    published: Sequence[str]

    @property
    def groups(self) -> list[Group]:
        """The groups of all sections."""
        return [group for section in self.sections for group in section.groups]

    def own(self, group: Group) -> list[str]:
        """Return what tells a group apart: its name, where names differ, and settings such as ``loss=Hinge``.

        A group without anything of its own has its name.
        """
        settings = self._settings(group, most=MAX_AXES)
        return [*([group.names] if self.named or not settings else []), *settings]

    @property
    def named(self) -> bool:
        """Whether the groups carry different names."""
        return len({group.names for group in self.groups}) > 1

    def _settings(self, group: Group, *, most: int) -> list[str]:
        keys = self.telling(most=most)
        return [f"{name}={shown_value(key, group.config.get(key, ABSENT))}" for key, name in brief(keys).items()]

    def telling(self, *, most: int = MAX_AXES) -> list[str]:
        """Return the keys of ``differing`` that tell the groups apart."""
        return telling_keys(self.differing, [group.config for group in self.groups], most=most)

    def label(self, group: Group) -> str:
        """Return a group's name, with the settings that tell it apart unless every group has its own name."""
        names = [other.names for other in self.groups]
        if len(set(names)) == len(names):
            return group.names
        return ", ".join([*([group.names] if self.named else []), *self._settings(group, most=LABEL_KEYS)])


def compare(runs: Sequence[Run], *, sort: str | None = None, moment: Moment = "final") -> Comparison:
    """Compare runs.

    Args:
        runs: runs of ``find_runs`` or another source.
        sort: score to sort the groups by, the best first, or a key of the configuration; None: as the runs are.
        moment: which value of each score is shown and ranked.

    Raises:
        ValueError: if the runs have no such score and no such key.
    """
    found = sections(runs)
    groups = [group for section in found for group in section.groups]
    keys = score_keys(runs)
    if sort is not None:
        found = _sorted(found, keys, sort, moment)
        groups = [group for section in found for group in section.groups]
    differing = differing_keys([dict(group.config) for group in groups])
    content = Comparison(found, runs, keys, moment, differing, [], [], _notes(runs, found, groups), [])
    return replace(
        content,
        verdicts=verdicts(found, keys, moment, content.label),
        reasons=reasons(groups, content.label),
        published=published(groups, moment, content.label),
    )


def _sorted(found: Sequence[Section], keys: Sequence[str], sort: str, moment: Moment) -> list[Section]:
    if sort in keys:
        return [ranked(section, sort, moment) for section in found]
    known = list(dict.fromkeys(key for section in found for group in section.groups for key in group.config))
    for key in (sort, f"{sort}.{TARGET}"):
        if key in known:
            return [ordered(section, key) for section in found]
    candidates = [*keys, *(key.removesuffix(f".{TARGET}") for key in known)]
    raise ValueError(
        f"sort = {sort!r}: the runs have the scores {', '.join(keys) or 'none'}, and no such key of their "
        f"configuration{did_you_mean(sort, candidates)}"
    )


def _notes(runs: Sequence[Run], found: Sequence[Section], groups: Sequence[Group]) -> list[str]:
    notes = [
        f"{key} was measured by different protocols, which differ in {', '.join(names)}: "
        "the sections are not ranked against each other"
        for key, names in protocol_conflicts([run for run in runs if run.readable]).items()
    ]
    for number, section in enumerate(found, start=1):
        if names := unequal(section):
            where = f"section {number}: " if len(found) > 1 else ""
            notes.append(f"{where}the configurations differ in {', '.join(names)}: these are not the same race")
    for group in groups:
        counted = group.counted
        notes += [
            f"{run.place}: left out of the means, a later run of its group has the same seed {run.seed}"
            for run in group.runs
            if run.status == "finished" and run not in counted
        ]
    notes += different_code([run for group in groups for run in group.counted])
    notes += [changes_of_precision(run) for run in runs if len(run.precisions) > 1]
    return notes + [ending(run) for run in runs if run.status != "finished"]


def different_code(runs: Sequence[Run]) -> list[str]:
    """Say which versions or commits the runs were made with, where they differ: a change may be that of the code."""
    lines = []
    for name in dict.fromkeys(name for run in runs for name in run.code):
        counts = Counter(run.code[name][:_LONGEST_VERSION] for run in runs if name in run.code)
        if len(counts) > 1:
            found = ", ".join(f"{version} ({count})" for version, count in counts.items())
            lines.append(f"the finished runs were made with different code, {name} (runs): {found}")
    return lines


def changes_of_precision(run: Run) -> str:
    """Say from where on a run was computed with another precision than its configuration names."""
    first, *later = run.precisions.items()
    return f"{run.place}: its precision was {first[1]}, " + ", ".join(
        f"from {images} images on {precision}" for images, precision in later
    )


def ending(run: Run) -> str:
    """Say how a run ended that did not finish."""
    reason = f": {run.problem}" if run.problem else ""
    if not run.readable:
        return f"{run.place}: {run.status}{reason}"
    status = "running, or killed" if run.status == "running" else run.status
    return f"{run.place}: {status} at {run.images_seen} images, left out of the means{reason}"
