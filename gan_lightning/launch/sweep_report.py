"""What became of the jobs of a sweep: a table at its end, and an exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gan_lightning.launch.job import FILE_NAME, Ending, read_ending
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.status import EXIT_CODES, WORST

GRAVEST_FIRST = (1, EXIT_CODES["refused"], EXIT_CODES["interrupted"], EXIT_CODES["preempted"], EXIT_CODES["diverged"])
PLAIN_WIDTH = 1000
"""Of a table in a file: wide enough for whole rows."""


def folders_below(folder: Path) -> list[Path]:
    """Return the folders of jobs in a sweep's folder, for a sweeper that chooses its jobs as it goes."""
    return sorted(path.parent for path in folder.glob(f"*/{FILE_NAME}"))


def sweep_code(endings: Sequence[Ending | None]) -> int:
    """Return the exit code of a sweep: 0 if all its jobs are done, otherwise the gravest of theirs.

    Failed before refused, before interrupted, before diverged; a job without an ending was lost, and has failed.
    """
    codes = {1 if ending is None else ending.code for ending in endings}
    return next((code for code in GRAVEST_FIRST if code in codes), 0)


def report(folders: Sequence[Path]) -> int:
    """Print a row for each job, and return the exit code."""
    from rich.console import Console
    from rich.table import Table

    endings = [read_ending(folder) for folder in folders]
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    table = Table(title=f"the sweep's {len(folders)} jobs", title_justify="left")
    for column in ("job", "state", "objective"):
        table.add_column(column, overflow="fold")
    table.add_column("message", overflow="fold")
    for folder, ending in zip(folders, endings, strict=True):
        ending = ending or Ending("lost")
        scored = ending.state == "finished" and ending.objective != WORST
        objective = f"{ending.objective + 0.0:.6g}" if scored else ""  # + 0.0: no negative zero
        message = ending.message.strip().splitlines() or [""]
        table.add_row(shown(folder), ending.state, objective, message[-1])
    console.print(table)
    for line in answer([folder for folder in folders if RunFolder(folder).results.is_file()]):
        console.print(line, highlight=False, markup=False)
    return sweep_code(endings)


def answer(folders: Sequence[Path]) -> list[str]:
    """Return which configuration won, by how much, and why others lost; and the command that shows all of it."""
    from gan_lightning.report import compare, find_runs

    if not folders:
        return []
    content = compare(find_runs(folders))
    shared = shown(Path(os.path.commonpath(folders)))
    return [*content.verdicts, *content.reasons, f"more: gan-compare runs={shared} out=report.html"]


def shown(folder: Path) -> str:
    """Return a path as it is shortest to read."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
