"""The progress of a run: a live bar on a terminal, plain lines in a log file."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, TextIO, cast

from lightning import Callback, LightningModule, Trainer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gan_lightning.core.terminal import can_redraw, write_to_log_files
from gan_lightning.models.players import PlayersModule


class Throughput:
    """Images per second over a sliding window.

    Args:
        window_seconds: length of the window.
    """

    def __init__(self, *, window_seconds: float = 30.0) -> None:
        self.window_seconds = window_seconds
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, images_seen: int) -> None:
        """Enter a reading; at least one older than the window is kept, so that the window is always covered."""
        self._points.append((now_s, images_seen))
        while len(self._points) > 2 and self._points[1][0] <= now_s - self.window_seconds:
            self._points.popleft()

    def images_per_second(self) -> float | None:
        """Return the mean rate over the window; None before two readings at different times."""
        if len(self._points) < 2:
            return None
        (start, before), (now, after) = self._points[0], self._points[-1]
        return (after - before) / (now - start) if now > start else None


def format_seconds(seconds: float) -> str:
    """Format a time as hours, minutes and seconds, for example ``1:02:03``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def describe_progress(images_seen: int, budget_images: int | None, images_per_second: float | None) -> str:
    """Return ``12.8/128.0 kimg  10.0%  1280 images/s  0:01:30 left``, for example, as far as it is known."""
    if budget_images is None:
        parts = [f"{images_seen / 1000:.1f} kimg"]
    else:
        parts = [f"{images_seen / 1000:.1f}/{budget_images / 1000:.1f} kimg"]
        parts.append(f"{100 * images_seen / budget_images:.1f}%")
    if images_per_second is not None:
        parts.append(f"{images_per_second:.4g} images/s")
        if budget_images is not None and images_per_second > 0:
            left = max(0, budget_images - images_seen)
            parts.append(f"{format_seconds(left / images_per_second)} left")
    return "  ".join(parts)


def describe_values(values: Mapping[str, float]) -> str:
    """Return the values as text, for example ``d/loss 0.6931  g/loss 1.2``."""
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


_BAR_WIDTH = 30


class LiveBar:
    """Two lines at the bottom of the terminal: a bar with the progress, and the values.

    Nothing redraws by itself: no thread runs beside the training.

    Args:
        console: where to draw; None: standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._moved: list[tuple[logging.StreamHandler, object]] = []
        before = (sys.stdout, sys.stderr)
        self._live = Live(console=console or Console(), auto_refresh=False)
        self._live.start()
        loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
        for handler in (handler for logger in [logging.root, *loggers] for handler in logger.handlers):
            # Handlers made earlier hold the real streams and would write into the bar.
            if isinstance(handler, logging.StreamHandler) and handler.stream in before:
                self._moved.append((handler, handler.stream))
                handler.setStream(sys.stdout if handler.stream is before[0] else sys.stderr)

    def show(self, progress: str, values: str, fraction: float | None) -> None:
        """Redraw; ``fraction`` of the budget in [0, 1] fills the bar, None leaves it out."""
        first = Table.grid(padding=(0, 1))
        text = Text(progress, no_wrap=True, overflow="ellipsis")
        if fraction is None:
            first.add_row(text)
        else:
            first.add_row(ProgressBar(total=1.0, completed=fraction, width=_BAR_WIDTH), text)
        second = Text(values, no_wrap=True, overflow="ellipsis", style="dim")
        self._live.update(Group(first, second), refresh=True)

    def close(self) -> None:
        """Leave the last picture where it is and give the streams back."""
        for handler, stream in self._moved:
            handler.setStream(stream)
        self._moved.clear()
        self._live.stop()


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
