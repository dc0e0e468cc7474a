"""How a run stands or how it ended: one word, and what follows from it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "lost", "failed", "refused", "interrupted", "preempted", "diverged", "stopped", "finished", "queued", "running"
]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What follows from a status.

    Attributes:
        meaning: in a few words.
        exit_code: exit code of the command; None while the run is not over.
        settled: whether the same config would end in the same way again, so that a sweep does not start it again.
        failure: whether an error ended the run, which its other processes may not know of.
        resumable: whether ``resume=`` has something left to train with the same config.
    """

    meaning: str
    exit_code: int | None
    settled: bool = False
    failure: bool = False
    resumable: bool = False


BAD_INPUT = 2
"""Exit code of every command for a bad config or bad input."""

MEANINGS: Mapping[Status, Meaning] = {
    "lost": Meaning(meaning="the process vanished without a word", exit_code=1, failure=True, resumable=True),
    "failed": Meaning(
        meaning="an error ended it, or its last state could not be saved", exit_code=1, failure=True, resumable=True
    ),
    "refused": Meaning(meaning="its config or its data cannot be used", exit_code=BAD_INPUT, failure=True),
    "interrupted": Meaning(meaning="stopped by SIGINT (Ctrl-C)", exit_code=128 + signal.SIGINT, resumable=True),
    "preempted": Meaning(
        meaning="stopped by another signal, as clusters send", exit_code=128 + signal.SIGTERM, resumable=True
    ),
    "diverged": Meaning(meaning="a loss or a sample is not finite", exit_code=3, settled=True),
    "stopped": Meaning(meaning="ended in order before its budget was reached", exit_code=0, resumable=True),
    "finished": Meaning(meaning="its budget was reached", exit_code=0, settled=True),
    "queued": Meaning(meaning="waits for a machine", exit_code=None),
    "running": Meaning(meaning="trains, or was killed", exit_code=None, resumable=True),
}
"""Every status, the gravest first: a sweep ends with the code of its gravest job."""

WORST = 1e9
"""Objective of a job without a score: finite, since a NaN would end a whole sweep."""


def status_of_signal(number: int) -> Status:
    """Return how a run ends that a signal asked to stop."""
    return "interrupted" if number == signal.SIGINT else "preempted"


def is_failure(exit_code: int) -> bool:
    """Return whether an exit code means that a command failed."""
    return any(meaning.failure and meaning.exit_code == exit_code for meaning in MEANINGS.values())


@dataclass(frozen=True)
class Way:
    """A way in which a run can end.

    Attributes:
        happens: what happens to it.
        status: what ``results.json`` says then; ``running`` if the process died before it could write.
    """

    happens: str
    status: Status


WAYS: Mapping[str, Way] = {
    "budget": Way("as many images were seen as the budget allows", "finished"),
    "trainer_limit": Way("a limit of the Trainer (`max_steps`, `max_time`, `fast_dev_run`) comes first", "stopped"),
    "callback": Way("a callback sets `trainer.should_stop`", "stopped"),
    "data": Way("a data module of another package has no more batches", "stopped"),
    "sigint": Way("SIGINT, once or many times", "interrupted"),
    "sigterm": Way("SIGTERM", "preempted"),
    "sighup": Way("SIGHUP", "preempted"),
    "sigquit": Way("SIGQUIT", "preempted"),
    "sigusr1": Way("SIGUSR1", "preempted"),
    "sigusr2": Way("SIGUSR2", "preempted"),
    "nan": Way("a loss or a sample is not finite", "diverged"),
    "error": Way("an exception", "failed"),
    "no_checkpoint": Way("the last state cannot be written", "failed"),
    "full_disk": Way("the disk is full for a while, and not at the end", "finished"),
    "refused": Way("its config, its data or its checkpoint cannot be used", "refused"),
    "kill": Way("SIGKILL, no memory left, a power cut", "running"),
}
"""Every way in which a run can end; ``docs/reference/endings.md`` shows the table."""
