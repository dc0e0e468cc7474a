"""A progress bar that redraws in place, and keeps log messages above itself."""

from __future__ import annotations

import logging
import sys

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

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
