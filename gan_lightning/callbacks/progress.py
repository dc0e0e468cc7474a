"""The progress of a run: a live bar on a terminal, plain lines in a log file."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO, cast

from lightning import Callback, LightningModule, Trainer

from gan_lightning.callbacks.live_bar import LiveBar
from gan_lightning.callbacks.throughput import Throughput, describe_progress, describe_values
from gan_lightning.core.terminal import can_redraw, write_to_log_files
from gan_lightning.models.players import PlayersModule

SHOWN_SCALARS = ("d/loss", "g/loss")


class _Lines:
    """Writes each reading as a line without control characters."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, progress: str, values: str, fraction: float | None) -> None:
        self._stream.write(as_line(progress, values) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Do nothing: nothing is open."""


def as_line(progress: str, values: str) -> str:
    """Join what is shown into one line."""
    return "  ".join(part for part in (progress, values) if part)


class Progress(Callback):
    """Shows images seen, throughput, time left, the players' losses and the last scores; rank zero only.

    Between two refreshes a training step costs one look at the clock.

    Args:
        refresh_seconds: between two refreshes of the bar on a terminal.
        log_every_seconds: between two lines where standard output is not a terminal, and in the run's log file.

    Raises:
        ValueError: for an interval that is not positive.
    """

    def __init__(self, *, refresh_seconds: float = 0.5, log_every_seconds: float = 10.0) -> None:
        super().__init__()
        for name, value in (("refresh_seconds", refresh_seconds), ("log_every_seconds", log_every_seconds)):
            if not value > 0:
                raise ValueError(f"callbacks.progress.{name} must be positive, got {value}")
        self.refresh_seconds = refresh_seconds
        self.log_every_seconds = log_every_seconds
        self._scores: dict[str, float] = {}
        self._troubles: list[str] = []
        self._display: LiveBar | _Lines | None = None
        self._module: PlayersModule | None = None
        self._throughput = Throughput()
        self._interval_s = log_every_seconds
        self._due_s = self._logged_s = math.inf
        self._shown: int | None = None

    def report_scores(self, scores: Mapping[str, float]) -> None:
        """Show these scores from now on; a log file gets a line at once."""
        self._scores = {key.removeprefix("score/"): value for key, value in scores.items()}
        if self._display is not None:
            self._show()

    def report_health(self, troubles: list[str]) -> None:
        """Show these kinds of trouble from now on."""
        self._troubles = list(troubles)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the display."""
        if not trainer.is_global_zero:
            return
        self._close()
        self._module = cast(PlayersModule, pl_module)
        self._throughput = Throughput()
        terminal = can_redraw(sys.stdout)
        self._interval_s = self.refresh_seconds if terminal else self.log_every_seconds
        self._display = LiveBar() if terminal else _Lines(sys.stdout)
        self._logged_s = -math.inf
        self._show()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Refresh when it is time."""
        if time.monotonic() >= self._due_s:
            self._show()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the last state, once every callback has ended its training."""
        if self._module is not None and self._shown != self._module.images_seen:
            self._show()
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self._close()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the terminal as it was, however the run ended."""
        self._close()

    def _show(self) -> None:
        if self._display is None or self._module is None:
            return
        now, seen, budget = time.monotonic(), self._module.images_seen, self._module.budget_images
        self._throughput.add(now, seen)
        scalars = self._module.latest_scalars
        values = {key: scalars[key] for key in SHOWN_SCALARS if key in scalars} | self._scores
        progress = describe_progress(seen, budget, self._throughput.images_per_second())
        told = describe_values(values) + "".join(f"  ! {kind.replace('_', ' ')}" for kind in self._troubles)
        self._display.show(progress, told, None if budget is None else min(1.0, seen / budget))
        if now >= self._logged_s + self.log_every_seconds or seen == budget:
            write_to_log_files(as_line(progress, told))
            self._logged_s = now
        self._shown = seen
        self._due_s = now + self._interval_s

    def _close(self) -> None:
        if self._display is not None:
            self._display.close()
        self._display = None
        self._module = None
        self._due_s = math.inf
        self._shown = None
