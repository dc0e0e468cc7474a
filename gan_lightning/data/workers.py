"""Decoding in worker processes."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from gan_lightning.data.errors import DataError

log = logging.getLogger(__name__)

_KILLED = "DataLoader worker (pid"  # how torch's message of a dead worker begins; it is a plain RuntimeError
_MOST_DEATHS = 3  # without a result in between

IGNORED = ("SIGINT", "SIGUSR1", "SIGUSR2")
"""Signals that are meant for the training process: it stops between two steps, and needs its workers until then."""


def heed_the_parent_only(worker: int) -> None:
    """Leave it to the training process to end this worker.

    A cluster sends SIGTERM to every process of a job. It counts here only if the training process sent it, which
    it does when it exits while a worker is still there. Where the sender cannot be told, SIGTERM ends the worker.

    Args:
        worker: number of the process.
    """
    for name in IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_wait_for_the_parents_signal, args=(os.getppid(),), daemon=True).start()


def _wait_for_the_parents_signal(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


class ByRows(Dataset[Any]):
    """Makes something of some rows at a time.

    Args:
        make: takes the rows' indices.
    """

    def __init__(self, make: Callable[[list[int]], Any]) -> None:
        self.make = make

    def __getitem__(self, rows: list[int]) -> Any:
        return self.make(rows)


def parallel(
    make: Callable[[list[int]], Any],
    rows: Iterable[list[int]],
    *,
    workers: int,
    prefetch: int = 2,
    pin_memory: bool = False,
) -> Iterator[Any]:
    """Yield what ``make`` makes of each item of ``rows``, in order, computed ahead by worker processes.

    Workers that are killed, by a system that is short of memory for instance, are started again with what they owe.

    Args:
        make: a picklable callable that takes indices.
        rows: indices, one list per result; it may be endless.
        workers: number of processes; 0: in this process, when a result is asked for.
        prefetch: results that each worker keeps ready.
        pin_memory: put tensors into page-locked memory, from which a GPU copies beside its work.

    Raises:
        DataError: if workers are killed again and again.
    """
    source, owed, deaths = iter(rows), deque[list[int]](), 0

    def handed_out(again: list[list[int]]) -> Iterator[list[int]]:
        yield from again
        for item in source:
            owed.append(item)
            yield item

    while True:
        loader = DataLoader(
            ByRows(make),
            batch_size=None,
            sampler=handed_out(list(owed)),
            num_workers=workers,
            worker_init_fn=heed_the_parent_only,
            prefetch_factor=prefetch if workers else None,
            pin_memory=pin_memory,
            # torch draws the workers' seeds from the global generator unless it is given another
            generator=torch.Generator(),
        )
        try:
            for result in _started(loader):
                owed.popleft()
                deaths = 0
                yield result
        except RuntimeError as error:
            if not str(error).startswith(_KILLED):
                raise
            deaths += 1
            if deaths > _MOST_DEATHS:
                raise DataError(f"processes that read images keep being killed: {error}") from error
            log.warning("a process that reads images was killed and is restarted (%s)", error)
        else:
            return


def _started(loader: DataLoader[Any]) -> Iterator[Any]:
    """Start the workers, and let only who waits for a result hear of their deaths.

    torch would raise at whatever this process does when a worker dies, in the middle of a training step for instance.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        return iter(loader)
    former = signal.getsignal(signal.SIGCHLD)
    results = iter(loader)
    signal.signal(signal.SIGCHLD, former if former is not None else signal.SIG_DFL)
    return results
