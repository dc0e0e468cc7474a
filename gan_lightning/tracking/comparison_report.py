"""The comparison of runs as rows of text, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from gan_lightning.tracking.comparison import (
    Group,
    Moment,
    Run,
    Section,
    Spread,
    protocol_conflicts,
    score_keys,
    sections,
)
from gan_lightning.tracking.config_diff import ABSENT, differing_keys, shown

MOMENTS: tuple[Moment, ...] = ("final", "best")


@dataclass(frozen=True)
class Report:
    """What a comparison says.

    Attributes:
        sections: one for each set of protocols.
        keys: the scores, in the order of the columns.
        differing: the configuration keys in which the groups differ.
        notes: sentences that a reader of the numbers has to know.
    """

    sections: Sequence[Section]
    keys: Sequence[str]
    differing: Sequence[str]
    notes: Sequence[str]


def report(runs: Sequence[Run]) -> Report:
    """Compare runs."""
    found = sections(runs)
    groups = [group for section in found for group in section.groups]
    notes = []
    for key, names in protocol_conflicts([run for run in runs if run.status != "damaged"]).items():
        notes.append(
            f"{key} was measured by different protocols, which differ in {', '.join(names)}: "
            "the sections below are not ranked against each other"
        )
    for group in groups:
        counted = group.counted
        for run in group.runs:
            if run.status == "finished" and run not in counted:
                notes.append(
                    f"{run.folder}: left out of the means, a later run of its group has the same seed {run.seed}"
                )
    notes += [_ending(run) for run in runs if run.status != "finished"]
    return Report(
        found, score_keys(run for group in groups for run in group.runs), differing_keys(_configs(groups)), notes
    )


def _ending(run: Run) -> str:
    reason = f": {run.problem}" if run.problem else ""
    if run.status == "damaged":
        return f"{run.folder}: damaged{reason}"
    status = "running, or killed" if run.status == "running" else run.status
    return f"{run.folder}: {status} at {run.images_seen} images, left out of the means{reason}"


def _configs(groups: Sequence[Group]) -> list[dict[str, object]]:
    return [dict(group.runs[0].config) for group in groups]


def header(keys: Sequence[str]) -> list[str]:
    """The titles of ``row``."""
    return ["group", "seeds", "runs", "images_seen", *(f"{key} {moment}" for key in keys for moment in MOMENTS)]


def row(group: Group, keys: Sequence[str], differing: Sequence[str]) -> list[str]:
    """One group as text: name, what its configuration has of its own, seeds, statuses, images and scores."""
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(group.statuses.items()))
    seen = sorted({run.images_seen for run in group.runs})
    images = f"{seen[0]}" if len(seen) == 1 else f"{seen[0]} to {seen[-1]}"
    values = [spread_text(group.spread(key, moment), len(group.counted)) for key in keys for moment in MOMENTS]
    return [
        "\n".join([f"{group.names} ({group.key})", *_own(group, differing)]),
        str(group.seeds),
        statuses,
        images,
        *values,
    ]


def _own(group: Group, differing: Sequence[str]) -> list[str]:
    config = group.runs[0].config
    return [shown(key, config.get(key, ABSENT)) for key in differing]


def spread_text(spread: Spread | None, expected: int) -> str:
    """A mean with its standard deviation, and the number of seeds where it is not the ``expected`` one."""
    if spread is None:
        return "-"
    text = f"{spread.mean:.4g}" if spread.std is None else f"{spread.mean:.4g} ± {spread.std:.2g}"
    return text if spread.count == expected else f"{text} (n={spread.count})"


def as_csv(content: Report) -> str:
    """One line per group with plain numbers, and one per damaged run's note at the end as a comment column."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    parts = [f"{key} {moment} {part}" for key in content.keys for moment in MOMENTS for part in ("mean", "std", "n")]
    writer.writerow(
        ["section", "group", "config_hash", "seeds", "statuses", "images_seen", *content.differing, *parts, "note"]
    )
    for number, section in enumerate(content.sections, start=1):
        for group in section.groups:
            statuses = " ".join(f"{status}:{count}" for status, count in sorted(group.statuses.items()))
            config = group.runs[0].config
            own = [config.get(key, ABSENT) for key in content.differing]
            scores = [
                value for key in content.keys for moment in MOMENTS for value in _numbers(group.spread(key, moment))
            ]
            images = max(run.images_seen for run in group.runs)
            writer.writerow([number, group.names, group.key, group.seeds, statuses, images, *own, *scores, ""])
    blank = [""] * (5 + len(content.differing) + len(parts))
    writer.writerows(["", *blank, note] for note in content.notes)
    return stream.getvalue()


def _numbers(spread: Spread | None) -> list[float | int | str]:
    if spread is None:
        return ["", "", 0]
    return [spread.mean, "" if spread.std is None else spread.std, spread.count]


def as_markdown(content: Report) -> str:
    """A table per section, and the notes as a list."""
    blocks = []
    for section in content.sections:
        lines = [header(content.keys), ["---"] * len(header(content.keys))]
        lines += [row(group, content.keys, content.differing) for group in section.groups]
        cells = [[cell.replace("|", "\\|").replace("\n", "<br>") for cell in line] for line in lines]
        blocks.append("\n".join(f"| {' | '.join(line)} |" for line in cells))
    if content.notes:
        blocks.append("\n".join(f"- {note}" for note in content.notes))
    return "\n\n".join(blocks) + "\n"
