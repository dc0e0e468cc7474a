"""Stopping between two steps, not in the middle of one, when the process is told to."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from gan_lightning.core.signals import STOPS, WARNINGS, Impatience, Stopped, early_warning, replace_handlers

log = logging.getLogger(__name__)

SIGNALS = (*STOPS, *WARNINGS)
"""From the weakest to the strongest: a warning asks for a requeue, which a SIGTERM behind it must not undo."""


class Interruption(Callback):
    """Turns signals that ask to leave, and a cluster's warnings, into a stop at the end of the step, and a save.

    Lightning raises an exception wherever the process stands, between the two players' updates for instance, and
    a state saved then is one that no uninterrupted run passes through. However many signals come, there is one stop;
    only a SIGINT some seconds after the first one ends a step, or an evaluation, that hangs.

    Attributes:
        received: the strongest signal that came so far, or None.
        stopped: the one for which all processes stopped, or None; a run that it came too late for is finished.
        on_stop: called with the trainer at once, since an evaluation that is due may outlast the time that is left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_stop: list[Callable[[Trainer], None]] = []
        self.received: signal.Signals | None = None
        self.stopped: signal.Signals | None = None
        self._impatience = Impatience()
        self._former: dict[signal.Signals, Any] = {}

    @property
    def warned(self) -> bool:
        """Whether a cluster said that it will take the machine away, and left the requeue to us."""
        return self.stopped in WARNINGS

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace the handlers that Lightning has installed by now."""
        self.received, self.stopped, self._impatience = early_warning(), None, Impatience()
        if threading.current_thread() is threading.main_thread():
            self._former = replace_handlers(SIGNALS, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._impatience.grows(number):
            raise Stopped(number)
        if self.received is None or SIGNALS.index(signal.Signals(number)) > SIGNALS.index(self.received):
            self.received = signal.Signals(number)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Ask the trainer to stop if a signal came in."""
        self._stop_together(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave without a last evaluation, for which there may be no time, if a signal came behind the last step."""
        if self.stopped is None:
            self._stop_together(trainer, pl_module)

    def _stop_together(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop if a signal came to any process: all do so at the same step, for the same reason."""
        strongest = 0 if self.received is None else 1 + SIGNALS.index(self.received)
        if trainer.world_size > 1:
            everyone = torch.tensor(strongest, device=pl_module.device)
            strongest = int(trainer.strategy.reduce(everyone, reduce_op="max"))
        if strongest:
            self.received = self.stopped = SIGNALS[strongest - 1]
            log.warning("received %s: saving the state and leaving", self.stopped.name)
            trainer.should_stop = True
            for listener in self.on_stop:
                listener(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Put the former handlers back; Lightning calls no ``teardown`` after an exception."""
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former.clear()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Put the former handlers back, where Lightning has not yet put back those before its own."""
        for number, handler in self._former.items():
            if signal.getsignal(number) == self._note:
                signal.signal(number, handler)
        self._former.clear()


def was_interrupted(trainer: Trainer) -> bool:
    """Say whether a signal ended the training, so that it has not finished and continues another time."""
    return any(
        isinstance(callback, Interruption) and callback.stopped is not None
        for callback in trainer.callbacks  # type: ignore[attr-defined]
    )
