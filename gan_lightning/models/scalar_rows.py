"""Rows of scalars: when a step logs one, where it goes, and when what it says ends the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from lightning import LightningModule
from torch import Tensor

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.core.progress import CountsImages

RowObserver = Callable[[Mapping[str, float]], Mapping[str, float]]


class LogsRows(CountsImages, LightningModule):
    """A module that logs a row of scalars on some of its steps, and nothing on the others.

    Attributes:
        diverged: whether a logged loss was not finite, or reached ``loss_limit``; training stops then.
        latest_scalars: what was logged last.
        row_observers: called with each row of scalars before it is logged; what they return is logged with it.
        loss_limit: a logged loss whose magnitude reaches it counts as diverged, as one that is not finite does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.diverged = False
        self.latest_scalars: dict[str, float] = {}
        self.row_observers: list[RowObserver] = []
        self.loss_limit = math.inf

    def _log_due(self, generator_due: bool, *, steps: int, since_generator: int) -> bool:
        """Say whether this batch logs: the first in which both players move after every n-th discriminator step.

        It depends on saved counters alone, so a resumed run logs at the same places.
        """
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if not generator_due or every == 0:
            return False
        before = steps - since_generator
        return before == 0 or (steps + 1) // every > before // every

    def _write_log(self, log: dict[str, Tensor | float]) -> None:
        """Send one step's scalars to the loggers, with images seen as their axis, and stop if they are not finite."""
        names = [name for name, value in log.items() if isinstance(value, Tensor)]
        local = torch.stack([log[name].float().reshape(()) for name in names])  # type: ignore[union-attr]
        values = mean_over_ranks(local).tolist()
        scalars = {name: float(value) for name, value in log.items() if not isinstance(value, Tensor)}
        scalars |= dict(zip(names, values, strict=True))
        scalars["images_seen"] = self.images_seen
        for observer in self.row_observers:
            scalars |= observer(scalars)
        self.latest_scalars = scalars
        for logger in self.trainer.loggers:
            logger.log_metrics(scalars, step=self.images_seen)
        # Lightning's own callbacks (EarlyStopping, ModelCheckpoint) read from here; self.log costs milliseconds.
        self.trainer.callback_metrics.update({name: torch.tensor(value) for name, value in scalars.items()})
        diverged = not all(abs(scalars[key]) < self.loss_limit for key in ("d/loss", "g/loss"))  # NaN is below nothing
        # a rank that stopped alone would leave the others waiting for it
        if self.trainer.strategy.reduce_boolean_decision(diverged, all=False):
            self.diverged = True
            self.trainer.should_stop = True
