"""What the terminal can do, what of it the log files get, and foreign text, which must not make it do anything."""

from __future__ import annotations

import logging
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, marks that turn the direction of text, and what is not text."""

_LOST = re.compile(rf"\t|\n|{_CONTROLS.pattern}")
"""What does not come out of a terminal as it went in."""


def can_redraw(stream: TextIO) -> bool:
    """Say whether ``stream`` is a terminal that understands control characters."""
    return stream.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def write_to_log_files(text: str) -> None:
    """Write what standard output shows into the files of the root logger, and into nothing else that it writes to."""
    record = logging.makeLogRecord({"name": __name__, "levelno": logging.INFO, "levelname": "INFO", "msg": text})
    for handler in logging.root.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def printable(text: str) -> str:
    r"""Return text with escapes such as ``\x1b`` for the control characters in it; tabs and newlines stay."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shell_quoted(path: str) -> str:
    r"""Quote a path for a shell; one with control characters as ``$'a\x09b'``, which bash and zsh read.

    As they are, they would be lost on the way: a terminal shows a tab as spaces.
    """
    if _LOST.search(path) is None:
        return shlex.quote(path)
    quoted = path.replace("\\", r"\\").replace("'", r"\'")
    return "$'" + _LOST.sub(lambda found: "".join(f"\\x{byte:02x}" for byte in os.fsencode(found[0])), quoted) + "'"


def say(console: Console, line: str) -> None:
    """Print a line as it is, unwrapped: nothing in it is taken for a style, a link or an emoji."""
    from rich.text import Text

    console.print(Text(printable(line)), soft_wrap=True)


def short_path(path: Path) -> str:
    """Return a path as it is shortest to read: relative to the present directory if it lies in it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
