"""What the terminal can do, and what is shown there written into the log files as well."""

from __future__ import annotations

import logging
import os
from typing import TextIO


def can_redraw(stream: TextIO) -> bool:
    """Say whether ``stream`` is a terminal that understands control characters."""
    return stream.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def write_to_log_files(text: str) -> None:
    """Write what standard output shows into the files of the root logger, and into nothing else that it writes to."""
    record = logging.makeLogRecord({"name": __name__, "levelno": logging.INFO, "levelname": "INFO", "msg": text})
    for handler in logging.root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)
