"""How far a sweep has come, said before each of its jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gan_lightning.report.cells import duration
from gan_lightning.runs.results import read_outcome


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
