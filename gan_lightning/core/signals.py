"""Signals that ask a process to leave, and the warnings by which a cluster says that it will take a machine away."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM)
"""Ctrl-C, a terminal that is closed, Ctrl-\\, and the end itself."""

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
"""Sent some time before the end: by ``sbatch --signal=USR1@90``, and USR2 by submitit."""

PATIENCE_S = 10.0
"""A SIGINT that comes so long after the first one means that the orderly way out hangs."""

_early: list[signal.Signals] = []


class Stopped(SystemExit):
    """A signal asked the process to leave; by default it ends with 128 plus the signal's number.

    Not a ``KeyboardInterrupt``: Lightning turns that into an exit with code 1.

    Attributes:
        number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = signal.Signals(number)


class Impatience:
    """Tells a SIGINT that a user sends because nothing happens from one of many sent at once."""

    def __init__(self) -> None:
        self._first_s: float | None = None

    def grows(self, number: int) -> bool:
        """Return whether ``number`` is a SIGINT that came ``PATIENCE_S`` or more after the first one."""
        if number != signal.SIGINT:
            return False
        now = time.monotonic()
        self._first_s = now if self._first_s is None else self._first_s
        return now - self._first_s >= PATIENCE_S


@contextlib.contextmanager
def stops_raised() -> Iterator[Callable[[], None]]:
    """Raise ``Stopped`` in the block for the first of ``STOPS`` that comes, so that the block can put things in order.

    Further ones do nothing, however many there are, except for an impatient SIGINT. A signal that is ignored where the
    block begins, such as SIGHUP under ``nohup``, stays so; only the main thread can handle signals.

    Yields:
        A function to call where the block is about to leave anyhow: from then on the first one does nothing either.
    """
    impatience, leaving = Impatience(), False

    def leave() -> None:
        nonlocal leaving
        leaving = True

    def stop(number: int, frame: FrameType | None) -> None:
        impatient = impatience.grows(number)
        if not leaving or impatient:
            leave()
            raise Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        yield leave
        return
    former = replace_handlers(STOPS, stop)
    try:
        yield leave
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def replace_handlers(numbers: tuple[signal.Signals, ...], handler: Any) -> dict[signal.Signals, Any]:
    """Handle signals, except a SIGHUP or SIGQUIT that is ignored, and return the former handlers."""
    former: dict[signal.Signals, Any] = {}
    for number in numbers:
        present = signal.getsignal(number)
        if number in (signal.SIGHUP, signal.SIGQUIT) and present == signal.SIG_IGN:
            continue  # nohup, or a shell that puts its children into the background
        former[number] = signal.signal(number, handler)
    return former


def hold_warnings() -> None:
    """Keep the warnings until training begins; by default each would end the process at once."""
    for number in WARNINGS:
        signal.signal(number, _keep)


def ignore_warnings() -> None:
    """Let the warnings do nothing any more, for a process that only has to leave.

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
