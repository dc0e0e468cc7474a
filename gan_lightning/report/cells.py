"""The two tables of a comparison, groups and runs, as rows of text; every printed format begins here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gan_lightning.report.content import Comparison
from gan_lightning.report.fairness import at_equal_images
from gan_lightning.report.group import Group, Section
from gan_lightning.report.references import Reference, references
from gan_lightning.report.run import Run
from gan_lightning.report.spread import Spread
from gan_lightning.report.standing import Standing, standing
from gan_lightning.report.verdict import number

NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: what it is about; empty where it speaks for itself.
        header: titles of the columns.
        rows: as long as the header.
        best: row and column of the best mean of each score.
        numeric: the columns that are aligned to the right.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: frozenset[tuple[int, int]] = frozenset()
    numeric: frozenset[int] = frozenset()


def without(table: Table, column: int) -> Table:
    """Return the table without one of its columns."""
    place = {old: old - (old > column) for old in range(len(table.header)) if old != column}
    return Table(
        table.title,
        [title for index, title in enumerate(table.header) if index in place],
        [[cell for index, cell in enumerate(row) if index in place] for row in table.rows],
        frozenset((row, place[index]) for row, index in table.best if index in place),
        frozenset(place[index] for index in table.numeric if index in place),
    )


def group_tables(content: Comparison) -> list[Table]:
    """Return one table of groups for each section."""
    several = len(content.sections) > 1
    return [
        _group_table(content, section, f"section {index}: not comparable with the others" if several else "")
        for index, section in enumerate(content.sections, start=1)
    ]


def _group_table(content: Comparison, section: Section, title: str) -> Table:
    places = [standing(section, key, content.moment) for key in content.keys]
    before, after = ["configuration", "seeds"], ["cost of a run", "warnings"]
    header = [*before, *(f"{key} {content.moment}" for key in content.keys), *after]
    rows = [
        [
            "\n".join(content.own(group)),
            "\n".join([str(group.seeds), *statuses(group).split(", ")]),
            *(
                score_text(place, index, len(group.counted), beside=references(group, key))
                for key, place in zip(content.keys, places, strict=True)
            ),
            "\n".join([images_text(group), *_cost(group)]),
            warnings_text(group),
        ]
        for index, group in enumerate(section.groups)
    ]
    best = frozenset((p.best, len(before) + column) for column, p in enumerate(places) if p.best is not None)
    return Table(title, header, rows, best, frozenset(range(len(before), len(header) - 1)))


def equal_tables(content: Comparison) -> list[Table]:
    """Return scores at equal numbers of images, a table for each section whose groups have seen unequal ones."""
    tables = []
    for index, section in enumerate(content.sections, start=1):
        if (found := at_equal_images(section)) is not None:
            moment, then = found
            where = f"section {index} " if len(content.sections) > 1 else ""
            title = f"{where}at {moment / 1000:.4g} kimg, the last evaluation that all have passed"
            table = _group_table(replace(content, moment="final"), then, title)
            for column in ("warnings", "cost of a run"):
                table = without(table, table.header.index(column))
            tables.append(table)
    return tables


def _cost(group: Group) -> list[str]:
    if group.wall_time_s is None or group.images_per_second is None:
        return []
    return [duration(group.wall_time_s), f"{group.images_per_second:.0f} images/s"]


def run_table(content: Comparison) -> Table:
    """Return a row for each run, in the groups' order, then the damaged ones; paths below their shared folder."""
    root = shared_root([run.place for run in content.runs])
    unread = [run for run in content.runs if not run.readable]
    labels = {id(run): content.label(group) for group in content.groups for run in group.runs}
    header = ["run", "configuration", "seed", "status", *content.keys, "kimg", "wall time", "images/s", "warnings"]
    rows = [
        [
            run.place.removeprefix(root),
            labels.get(id(run), NOTHING),
            NOTHING if run.seed is None else str(run.seed),
            run.status,
            *(_value(run, key, content) for key in content.keys),
            f"{run.images_seen / 1000:.4g}",
            duration(run.wall_time_s),
            NOTHING if run.images_per_second is None else f"{run.images_per_second:.0f}",
            ", ".join(dict.fromkeys(words(warning["kind"]) for warning in run.warnings)) or NOTHING,
        ]
        for run in [*(run for group in content.groups for run in group.runs), *unread]
    ]
    return Table(
        f"runs in {root}" if root else "",
        header,
        rows,
        numeric=frozenset(range(len(header))) - {0, 1, 3, len(header) - 1},
    )


def shared_root(places: Sequence[str]) -> str:
    """Return the folder above two or more runs, with a slash at its end; empty if there is none."""
    if len(places) < 2:
        return ""
    parents = zip(*(place.split("/")[:-1] for place in places), strict=False)
    shared = [names[0] for names in itertools.takewhile(lambda names: len(set(names)) == 1, parents)]
    return "/".join([*shared, ""]) if any(shared) else ""


def score_text(place: Standing, index: int, expected: int, *, beside: Sequence[Reference] = ()) -> str:
    """Return mean with deviation and mark, interval, best seed, and what it is set beside, each on its line.

    Args:
        place: places of all groups in the score.
        index: index of the group.
        expected: number of seeds that should have the score; another number is said.
        beside: see ``references``.
    """
    found = place.spreads[index]
    if found is None:
        return NOTHING
    first = f"{mean_text(found)} {place.mark(index)}".rstrip()
    if found.count != expected:
        first += f" (n={found.count})"
    lines = [first, *([] if found.std is None else [interval_text(found), f"best seed {number(found.best)}"])]
    return "\n".join([*lines, *map(str, beside)])


def mean_text(spread: Spread) -> str:
    """Return the mean and standard deviation."""
    return number(spread.mean) if spread.std is None else f"{number(spread.mean)} ± {spread.std:.2g}"


def interval_text(spread: Spread) -> str:
    """Return the confidence interval of the mean."""
    if spread.low is None or spread.high is None:
        return "[no spread]"
    return f"[{number(spread.low)}, {number(spread.high)}]"


def _value(run: Run, key: str, content: Comparison) -> str:
    entry = run.scores.get(content.moment, {}).get(key)
    return NOTHING if entry is None else number(entry["value"])


def statuses(group: Group) -> str:
    """Return how many of the group's runs ended in which way."""
    return ", ".join(f"{count} {status}" for status, count in sorted(group.statuses.items()))


def images_text(group: Group) -> str:
    """Return how many images the group's runs have seen."""
    seen = [run.images_seen for run in group.runs]
    return span(min(seen), max(seen))


def span(first: int, last: int) -> str:
    """Format two numbers of images as ``6 kimg`` or ``6 to 16.4 kimg``."""
    ends = list(dict.fromkeys(f"{images / 1000:.4g}" for images in (first, last)))
    return f"{' to '.join(ends)} kimg"


def warnings_text(group: Group) -> str:
    """Return the kinds of problems, each with the number of runs that had it."""
    return "\n".join(f"{words(kind)} ({count})" for kind, count in group.warnings.items()) or NOTHING


def words(kind: str) -> str:
    """Return the kind of a problem without underscores."""
    return kind.replace("_", " ")


def duration(seconds: float | None) -> str:
    """Format a time as ``45 s``, ``3 min 20 s`` or ``5 h 12 min``."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole // 60 % 60} min"


def advice(content: Comparison) -> list[str]:
    """Return what the monitor of training health said about each configuration, and its remedy."""
    return [_advised(content, group, kind) for group in content.groups for kind in group.warnings]


@dataclass(frozen=True)
class Seen:
    """One kind of trouble in the runs of a group.

    Attributes:
        seeds: where it was seen, such as ``0, 2``.
        count: in how many runs that was.
        when: between the first time in any run and the last one.
        message: what was seen in the first of these runs.
        remedy: what to try.
        config_key: the setting that this is about.
    """

    seeds: str
    count: int
    when: str
    message: str
    remedy: str
    config_key: str


def trouble_in(group: Group, kind: str) -> Seen:
    """Gather what the runs of a group say of one kind of trouble, which at least one of them has seen."""
    found = [(run, warning) for run in group.runs for warning in run.warnings if warning["kind"] == kind]
    run, first = found[0]
    return Seen(
        seeds=", ".join(dict.fromkeys(str(run.seed) for run, _ in found)),
        count=len(found),
        when=span(min(w["first_images_seen"] for _, w in found), max(w["last_images_seen"] for _, w in found)),
        message=f"{first['message']}{f' (seed {run.seed})' if len(found) > 1 else ''}",
        remedy=first["remedy"],
        config_key=first["config_key"],
    )


def _advised(content: Comparison, group: Group, kind: str) -> str:
    seen = trouble_in(group, kind)
    return (
        f"{content.label(group)}: {words(kind)} in {seen.count} of {len(group.runs)} runs (seed {seen.seeds}; "
        f"{seen.when}): {seen.message}. Try: {seen.remedy} [{seen.config_key}]"
    )
