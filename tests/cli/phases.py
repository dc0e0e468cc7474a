"""What a process was doing when it was killed: it notes that in memory that outlives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawValue
from typing import Any

from gan_lightning.callbacks import checkpoints
from gan_lightning.metrics import Evaluator
from gan_lightning.models import AdversarialModule

PHASES = ("step", "evaluation", "checkpoint")
ELSEWHERE = "elsewhere"


class Phases:
    """Used as a sabotage of a fork; the process that forked it reads."""

    def __init__(self) -> None:
        self._begun = RawValue("b", 0)
        self._now = RawValue("i", len(PHASES))

    def __call__(self) -> None:
        """Let the present process note what it does."""
        self._wrap(AdversarialModule, "training_step", "step")
        self._wrap(Evaluator, "evaluate", "evaluation")
        self._wrap(checkpoints, "write_checkpoint", "checkpoint")
        start = AdversarialModule.on_fit_start

        def begin(module: AdversarialModule) -> None:
            self._begun.value = 1
            start(module)

        AdversarialModule.on_fit_start = begin  # type: ignore[method-assign]

    def _wrap(self, owner: Any, name: str, phase: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)
        number = PHASES.index(phase)

        def noting(*args: Any, **kwargs: Any) -> Any:
            outer = self._now.value
            self._now.value = number
            try:
                return original(*args, **kwargs)
            finally:
                self._now.value = outer

        setattr(owner, name, noting)

    @property
    def now(self) -> str:
        """What the process does, or did last."""
        if not self._begun.value:
            return "start"
        return (*PHASES, ELSEWHERE)[self._now.value]

    def wait(self, process: BaseProcess, *, after_cpu_s: float, patience_s: float = 300) -> str:
        """Wait until the process has taken so much CPU time, or has ended; return what it does then."""
        assert process.pid is not None
        clock = ~process.pid << 3 | 2  # how Linux names the clock of another process's CPU time
        deadline = time.monotonic() + patience_s
        while process.is_alive() and time.clock_gettime(clock) < after_cpu_s:
            assert time.monotonic() < deadline, f"it has not taken {after_cpu_s} s of CPU time"
            time.sleep(0.0005)
        return self.now
