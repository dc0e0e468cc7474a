"""A comparison as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from gan_lightning.core.foreign_text import csv_cell, markdown, tex, tex_comment
from gan_lightning.report.cells import Table, advice, equal_tables, group_tables, run_table, statuses
from gan_lightning.report.config_diff import ABSENT
from gan_lightning.report.content import STATED, Comparison
from gan_lightning.report.run import MOMENTS, Run
from gan_lightning.report.standing import standing

PARTS = ("mean", "std", "best", "low", "high", "n", "p", "unequal")
"""Of a score in CSV; ``low`` and ``high`` bound the 95 % interval, ``p`` is the corrected p-value against the best,
``unequal`` says in what the group's race differs from that of the best.
"""


def as_csv(content: Comparison) -> str:
    """Return plain numbers: a line for each group, then each run, then each note; ``level`` says which."""
    fields = ["level", "section", "name", "config_hash", "place", "seed", "status", "images_seen", "wall_time_s"]
    fields += ["images_per_second", "warnings", *content.differing]
    fields += [f"{key} {moment} {part}" for key in content.keys for moment in MOMENTS for part in PARTS]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")

    def write(line: Mapping[str, Any]) -> None:
        writer.writerow([csv_cell(line.get(name, "")) for name in (*fields, "note")])

    write({name: name for name in (*fields, "note")})
    for number, section in enumerate(content.sections, start=1):
        places = {(key, moment): standing(section, key, moment) for key in content.keys for moment in MOMENTS}
        for index, group in enumerate(section.groups):
            line: dict[str, Any] = {
                "level": "group",
                "section": number,
                "name": group.names,
                "config_hash": group.key,
                "seed": group.seeds,
                "status": statuses(group),
                "images_seen": max(run.images_seen for run in group.runs),
                "wall_time_s": _blank(group.wall_time_s),
                "images_per_second": _blank(group.images_per_second),
                "warnings": " ".join(f"{kind}:{count}" for kind, count in group.warnings.items()),
                **_own(group.config, content.differing),
            }
            for (key, moment), place in places.items():
                found = place.spreads[index]
                if found is not None:
                    values = (found.mean, found.std, found.best, found.low, found.high, found.count)
                    numbers = [*values, place.p_values[index], ", ".join(place.unequal[index])]
                    line |= {f"{key} {moment} {part}": _blank(v) for part, v in zip(PARTS, numbers, strict=True)}
            write(line)
    for run in content.runs:
        write(_run_line(run, content))
    for level, notes in (("published", content.published), ("note", content.notes)):
        for note in notes:
            write({"level": level, "note": note})
    return stream.getvalue()


def _run_line(run: Run, content: Comparison) -> dict[str, Any]:
    values = {
        f"{key} {moment} mean": run.scores[moment][key]["value"]
        for key in content.keys
        for moment in MOMENTS
        if key in run.scores.get(moment, {})
    }
    return {
        "level": "run",
        "section": next((n for n, s in enumerate(content.sections, start=1) if run in s.runs), ""),
        "name": run.name,
        "config_hash": run.group,
        "place": run.place,
        "seed": _blank(run.seed),
        "status": run.status,
        "images_seen": run.images_seen,
        "wall_time_s": _blank(run.wall_time_s),
        "images_per_second": _blank(run.images_per_second),
        "warnings": " ".join(warning["kind"] for warning in run.warnings),
        "note": run.problem or "",
        **(_own(run.config, content.differing) if run.config else {}),
        **values,
    }


def _own(config: Mapping[str, Any], differing: Sequence[str]) -> dict[str, Any]:
    return {key: config.get(key, ABSENT) for key in differing}


def _blank(value: Any) -> Any:
    return "" if value is None else value


def as_markdown(content: Comparison) -> str:
    """Return the verdicts, a table of groups for each section, the table of runs, and the notes."""
    blocks = [_bullets([*content.verdicts, *content.reasons, *content.published])]
    for table in (*group_tables(content), *equal_tables(content)):
        blocks += [table.title and f"**{markdown(table.title)}**", _markdown(table)]
    runs = run_table(content)
    blocks += [markdown(STATED), runs.title and f"**{markdown(runs.title)}**", _markdown(runs)]
    blocks += [_bullets([*content.notes, *advice(content)])]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {markdown(line)}" for line in lines)


def _markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join('<br>'.join(map(markdown, cell.split(chr(10)))) for cell in cells)} |"

    rule = ["--:" if column in table.numeric else "---" for column in range(len(table.header))]
    return "\n".join([line(table.header), f"| {' | '.join(rule)} |", *map(line, table.rows)])


def as_latex(content: Comparison) -> str:
    """Return the tables of groups, best means bold; LaTeX needs the packages booktabs and makecell."""
    blocks = ["% \\usepackage{booktabs,makecell}"]
    blocks += [tex_comment(line) for line in content.verdicts]
    for table in (*group_tables(content), *equal_tables(content)):
        columns = "".join("r" if column in table.numeric else "l" for column in range(len(table.header)))
        lines = [tex_comment(table.title)] if table.title else []
        lines += [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _latex(table.header, frozenset()), "\\midrule"]
        lines += [
            _latex(row, frozenset(column for r, column in table.best if r == index))
            for index, row in enumerate(table.rows)
        ]
        blocks.append("\n".join([*lines, "\\bottomrule", "\\end{tabular}"]))
    blocks.append("\n".join(tex_comment(line) for line in [STATED, *content.published, *content.notes]))
    return "\n\n".join(blocks) + "\n"


def _latex(cells: Sequence[str], bold: frozenset[int]) -> str:
    shown = []
    for column, cell in enumerate(cells):
        lines = [tex(line) for line in cell.split("\n")]
        if column in bold:
            lines[0] = f"\\textbf{{{lines[0]}}}"
        stacked = " \\\\ ".join(lines)
        shown.append(stacked if len(lines) == 1 else f"\\makecell[{'lr'[column > 0]}t]{{{stacked}}}")
    return " & ".join(shown) + " \\\\"
