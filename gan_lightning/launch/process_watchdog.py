"""The end of a run whose processes do not all live: the others must not wait for the dead one.

A collective operation over gloo fails at once when a process is gone, one over NCCL waits for up to half an hour.
Where a launcher started the processes (srun with ``--kill-on-bad-exit``, torchrun), ending them all is its task.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.plugins.environments import LightningEnvironment

from gan_lightning.core.lightning_internals import started_processes, stop_child_observers

FIRST = "GAN_LIGHTNING_FIRST_PROCESS"
"""Variable of the environment that tells the others the PID of process 0, which may be gone before they look."""

POLL_SECONDS = 0.2
EXIT_SECONDS = 2.0
"""Time in which the end of another process is noticed once a collective operation with it has failed."""

GRACE_SECONDS = 20.0
"""Time for a failing collective operation to end this process in the usual way, its record written."""


def describe(code: int) -> str:
    """Say how a process ended, from ``Popen.returncode``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def dead_child(children: Sequence[subprocess.Popen]) -> str | None:
    """Say which of ``children`` failed, or return None."""
    for number, child in enumerate(children, start=1):
        code = child.poll()
        if code:
            return f"process {number} of this run (PID {child.pid}) ended with {describe(code)}"
    return None


def dead_parent(parent: int) -> str | None:
    """Say that the process that started this one is gone, or return None."""
    return None if os.getppid() == parent else f"process 0 of this run (PID {parent}) is gone"


class Companions(Callback):
    """Ends this process when another one of its run has died, and says so first.

    Attributes:
        on_death: called with the reason before this process is ended, unless it ended by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_death: Callable[[str], None] = print
        self._over = threading.Event()
        self._look: Callable[[], str | None] | None = None

    def begin(self, trainer: Trainer) -> None:
        """Begin to watch, before there are other processes: they may die while they find one another."""
        if trainer.world_size == 1:
            return
        if trainer.local_rank > 0:
            environment = trainer.strategy.cluster_environment  # type: ignore[attr-defined]
            started_by_us = isinstance(environment, LightningEnvironment) and FIRST in os.environ
            parent = int(os.environ[FIRST]) if started_by_us else os.getppid()
            self._watch(lambda: dead_parent(parent))
        elif (children := started_processes(trainer)) is not None:
            os.environ[FIRST] = str(os.getpid())
            self._watch(lambda: dead_child(children()))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Watch no longer."""
        self._over.set()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Watch no longer, however the fit ended."""
        self._over.set()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Say so if the exception came of the death of another process."""
        deadline = time.monotonic() + EXIT_SECONDS
        while self._look is not None and isinstance(exception, RuntimeError) and time.monotonic() < deadline:
            if (death := self._look()) is not None:
                exception.add_note(f"This came of another failure: {death}.")
                return
            time.sleep(POLL_SECONDS)

    def _watch(self, look: Callable[[], str | None]) -> None:
        self._look = look
        self._over.clear()
        threading.Thread(target=self._until_one_dies, args=(look,), name="companions", daemon=True).start()

    def _until_one_dies(self, look: Callable[[], str | None]) -> None:
        while not self._over.wait(POLL_SECONDS):
            stop_child_observers()
            if (death := look()) is not None:
                print(f"{death}: the run cannot continue, so this process ends too", file=sys.stderr, flush=True)
                if self._over.wait(GRACE_SECONDS):
                    return
                self.on_death(death)
                os._exit(1)
