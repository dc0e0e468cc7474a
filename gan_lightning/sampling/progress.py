"""How far a long job of ``gan-sample`` is: a bar on a terminal, lines elsewhere, nothing for a short one."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gan_lightning.core.terminal import can_redraw

SILENT_SECONDS = 1.0
LINE_SECONDS = 10.0


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Give a function that takes the number done, from time to time, and shows it on standard error.

    Args:
        total: number of things.
        what: their name.
    """
    if can_redraw(sys.stderr):
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.advance(task, done)
        return
    yield _Lines(total, what)


class _Lines:
    def __init__(self, total: int, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.started = time.monotonic()
        self.due = self.started + SILENT_SECONDS

    def __call__(self, done: int) -> None:
        self.done += done
        now = time.monotonic()
        if now < self.due or self.done >= self.total:
            return
        rate = self.done / (now - self.started)
        left = (self.total - self.done) / rate
        sys.stderr.write(f"{self.done}/{self.total} {self.what}  {rate:.0f}/s  {left:.0f} s left\n")
        sys.stderr.flush()
        self.due = now + LINE_SECONDS
