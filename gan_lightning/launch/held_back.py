"""Log records of the time before Hydra has set up logging, shown once it has."""

from __future__ import annotations

import logging
from types import TracebackType


class HeldBack(logging.Handler):
    """Keeps what is logged within its block until ``show``; where an exception ends the block, it is shown at once.

    Hydra sets up a run's logging after its callbacks, and what data and networks say while they are built belongs
    into the run's log. Until then Hydra's own handlers rest, or the terminal would show every record twice.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._records: list[logging.LogRecord] = []
        self._level = logging.NOTSET
        self._resting: list[logging.Handler] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self._records.append(record)

    def show(self) -> None:
        """Hand the records to the handlers that there are by now."""
        records, self._records = self._records, []
        for record in records:
            logger = logging.getLogger(record.name)
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)

    def __enter__(self) -> HeldBack:
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(min(root.level, logging.INFO))
        self._resting, root.handlers[:] = root.handlers[:], [self]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        for handler in self._resting:
            root.addHandler(handler)
        root.setLevel(self._level)
        if error is not None:
            self.show()
