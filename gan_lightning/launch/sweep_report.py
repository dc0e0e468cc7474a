"""How far a sweep has come, and what became of its jobs: a line before each, a table at the end, an exit code."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gan_lightning.core import slurm
from gan_lightning.core.terminal import printable, say, shell_quoted, short_path
from gan_lightning.launch.slurm_submission import submitted
from gan_lightning.report.cells import duration
from gan_lightning.runs.folder import RunFolder
from gan_lightning.runs.lock import occupied
from gan_lightning.runs.results import Outcome, read_outcome
from gan_lightning.runs.status import MEANINGS, WORST


@dataclass
class SweepProgress:
    """Counts the jobs that have ended, in whatever process they run: their folders tell.

    Attributes:
        folders: folders of all jobs.
        done_before: number that had ended when this start of the sweep began; an earlier start may have ended some.
        started_s: when that was.
    """

    folders: Sequence[Path]
    done_before: int = 0
    started_s: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.done_before = self.done()

    def done(self) -> int:
        """Return how many jobs have ended."""
        outcomes = [read_outcome(folder) for folder in self.folders]
        return sum(outcome is not None and outcome.over for outcome in outcomes)

    def describe(self, now_s: float | None = None) -> str:
        """Return ``3 of 9 jobs done, about 4 min 12 s left``, for example, estimated from the jobs that have ended."""
        done, total = self.done(), len(self.folders)
        elapsed = (time.time() if now_s is None else now_s) - self.started_s
        said = f"{done} of {total} jobs done"
        if done == self.done_before or done == total:
            return said
        return f"{said}, about {duration(elapsed / (done - self.done_before) * (total - done))} left"


PLAIN_WIDTH = 1000
"""Of a table in a file: wide enough for whole rows."""


def folders_below(folder: Path) -> list[Path]:
    """Return the folders of jobs in a sweep's folder, for a sweeper that chooses its jobs as it goes."""
    return sorted(path for path in folder.glob("*") if RunFolder(path).results.is_file())


def outcome_of_job(folder: Path) -> Outcome:
    """Return how a job ended whose sweep is over; one that never said so was lost, unless it is another sweep's."""
    outcome = read_outcome(folder)
    if outcome is not None and outcome.over:
        return outcome
    if occupied(folder):
        return Outcome("refused", message="another process trains in this folder")
    message = None
    if (job := submitted(folder)) is not None:
        message = f"SLURM job {job} is {slurm.last_state(job) or 'gone'}; its output lies in .submitit/{job}"
    return Outcome("lost", message=message)


def sweep_code(outcomes: Sequence[Outcome]) -> int:
    """Return the exit code of a sweep: 0 if all its jobs are done, otherwise the gravest of theirs."""
    found = {outcome.status for outcome in outcomes}
    return next((meaning.exit_code or 0 for status, meaning in MEANINGS.items() if status in found), 0)


def report(folders: Sequence[Path]) -> int:
    """Print a row for each job, and return the exit code."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    outcomes = [outcome_of_job(folder) for folder in folders]
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    table = Table(title=f"the sweep's {len(folders)} jobs", title_justify="left")
    for column in ("job", "status", "objective"):
        table.add_column(column, overflow="fold")
    table.add_column("message", overflow="fold")
    for folder, outcome in zip(folders, outcomes, strict=True):
        objective = "" if outcome.value == WORST else f"{outcome.value + 0.0:.6g}"  # + 0.0: no negative zero
        message = (outcome.message or "").strip().splitlines() or [""]
        cells = (short_path(folder), outcome.status, objective, message[-1])
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
    for line in answer([folder for folder in folders if RunFolder(folder).results.is_file()]):
        say(console, line)
    return sweep_code(outcomes)


def answer(folders: Sequence[Path]) -> list[str]:
    """Return which configuration won, by how much, and why others lost; and the command that shows all of it."""
    from gan_lightning.report import compare, find_runs

    if not folders:
        return []
    content = compare(find_runs(folders))
    shared = short_path(Path(os.path.commonpath(folders)))
    return [*content.verdicts, *content.reasons, f"more: gan-compare runs={shell_quoted(shared)} out=report.html"]
