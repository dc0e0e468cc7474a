"""Untrusted text, such as names of runs, escaped for each format of a comparison."""

from __future__ import annotations

import html
import re
from typing import Any

from gan_lightning.core.terminal import printable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)|-", re.IGNORECASE)
_MARKDOWN = re.compile(r"[\\`*|]|\](?=[(\[:])")
_HTML = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_TEX = {"\\": "\\textbackslash{}", "±": "$\\pm$", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
_TEX |= {sign: f"\\{sign}" for sign in "&%$#_{}"} | {sign: f"${sign}$" for sign in "<>*="}


def one_line(text: str) -> str:
    """Return text in one line, without control characters."""
    return printable(" ".join(text.splitlines()))


def csv_cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula; numbers stay as they are."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if value.startswith(_FORMULA) and not _NUMBER.fullmatch(value) else shown


def markdown(text: str) -> str:
    """Return a line of text for Markdown, in which nothing is markup, HTML or a link."""
    escaped = _MARKDOWN.sub(lambda found: f"\\{found[0]}", one_line(text))
    return _HTML.sub(lambda found: html.escape(found[0]), escaped)


def tex(text: str) -> str:
    """Escape what LaTeX would read as a command; square brackets, which follow a line break, are shielded."""
    escaped = re.sub("|".join(map(re.escape, _TEX)), lambda match: _TEX[match[0]], one_line(text))
    return f"{{}}{escaped}" if escaped.startswith("[") else escaped


def tex_comment(text: str) -> str:
    """Return a comment of one line."""
    return f"% {one_line(text)}"
