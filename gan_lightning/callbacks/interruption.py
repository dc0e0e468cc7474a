"""Stopping between two steps, not in the middle of one, when the process is told to."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption(Callback):
    """Turns SIGINT and SIGTERM into a stop at the end of the step, after which the last state is saved.

    Lightning raises an exception wherever the process stands, between the two players' updates for instance, and
    a state saved then is one that no uninterrupted run passes through. A second SIGINT interrupts at once.

    Attributes:
        received: the signal that stopped the training, or None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.received: signal.Signals | None = None
        self._former: dict[signal.Signals, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace the handlers that Lightning has installed by now."""
        self.received = None
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._former[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signal.Signals(number)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Ask the trainer to stop if a signal came in; all ranks stop at the same step."""
        stop = self.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            if self.received is None:
                self.received = signal.SIGTERM
            log.warning("received %s: saving the state and leaving", self.received.name)
            trainer.should_stop = True

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
