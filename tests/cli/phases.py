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
    """Used as a sabotage of a fork; the process that forked it reads.

    Attributes:
        cpu_s: CPU time of the fork since training began in its finished phases, by phase.
    """

    def __init__(self) -> None:
        self._begun = RawValue("d", 0.0)
        self._now = RawValue("i", len(PHASES))
        self._spent = [RawValue("d", 0.0) for _ in PHASES]

    def __call__(self) -> None:
        """Let the present process note what it does."""
        self._wrap(AdversarialModule, "training_step", "step")
        self._wrap(Evaluator, "evaluate", "evaluation")
        self._wrap(checkpoints, "write_checkpoint", "checkpoint")
        start = AdversarialModule.on_fit_start

        def begin(module: AdversarialModule) -> None:
            self._begun.value = time.process_time()
            start(module)

        AdversarialModule.on_fit_start = begin  # type: ignore[method-assign]

    def _wrap(self, owner: Any, name: str, phase: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)
        number = PHASES.index(phase)

        def noting(*args: Any, **kwargs: Any) -> Any:
            outer, entered = self._now.value, time.process_time()
            self._now.value = number
            try:
                return original(*args, **kwargs)
            finally:
                self._now.value = outer
                self._spent[number].value += time.process_time() - entered

        setattr(owner, name, noting)

    @property
    def cpu_s(self) -> dict[str, float]:
        return {phase: spent.value for phase, spent in zip(PHASES, self._spent, strict=True)}

    @property
    def now(self) -> str:
        """What the process does, or did last."""
        return (*PHASES, ELSEWHERE)[self._now.value]

    def kill(self, process: BaseProcess, *, after_cpu_s: float, patience_s: float = 300) -> str:
        """Kill the process when it has trained for so much CPU time, whatever it does; return what that was."""
        assert process.pid is not None
        clock = ~process.pid << 3 | 2  # how Linux names the clock of another process's CPU time
        deadline = time.monotonic() + patience_s
        while not self._begun.value or time.clock_gettime(clock) < self._begun.value + after_cpu_s:
            assert process.is_alive(), "it ended by itself"
            assert time.monotonic() < deadline, f"it has not trained for {after_cpu_s} s of CPU time"
            time.sleep(0.0005)
        process.kill()
        process.join()
        return self.now
