"""The signals by which a cluster says that it will take a machine away soon."""

from __future__ import annotations

import signal
from types import FrameType

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
"""Sent some time before the end: by ``sbatch --signal=USR1@90``, and USR2 by submitit. SIGTERM is the end itself."""

_early: list[signal.Signals] = []


def hold_warnings() -> None:
    """Keep the signals until training begins; by default each would end the process at once."""
    for number in WARNINGS:
        signal.signal(number, _keep)


def ignore_warnings() -> None:
    """Let the signals do nothing any more, for a process that only has to leave.

    Python gives up its handlers well before it has left, and the next signal would end a finished job as a failed one.
    """
    for number in WARNINGS:
        signal.signal(number, signal.SIG_IGN)


def _keep(number: int, frame: FrameType | None) -> None:
    _early.append(signal.Signals(number))


def early_warning() -> signal.Signals | None:
    """Return a signal that came before training began, once."""
    received = _early[0] if _early else None
    _early.clear()
    return received
