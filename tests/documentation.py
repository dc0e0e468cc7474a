"""The pages that users read, and the commands and programs that they show.

The language of a block says what the tests do with it: ``bash`` and ``python`` are run. Commands in ``sh``, ``console``
and sentences need machines, data or weights from elsewhere, or take long; they are checked without being run.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
}
TEXT = "\n".join(PAGES.values())

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    """Return the blocks of a language, each once."""
    return list(dict.fromkeys(block for found, block in BLOCK.findall(TEXT) if found == language))


def lines(language: str) -> list[str]:
    """Return the commands in the blocks of a language, each once, without prompts, comments and line breaks."""
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(blocks(language))).splitlines()
    found = (line.split("  #")[0].removeprefix("$ ").strip() for line in joined)
    return list(dict.fromkeys(line for line in found if line))


def in_sentences() -> list[str]:
    """Return the commands within sentences and tables, each once, unless they leave a place to fill in."""
    found = re.findall(r"`(gan-[a-z]+ [^`]+)`", BLOCK.sub("", TEXT))
    return [line for line in dict.fromkeys(found) if not re.search(r"<|\.\.\.", line)]


def at_row_ends() -> list[str]:
    """Return the commands at the ends of table rows, each once."""
    return list(dict.fromkeys(re.findall(r"^\|.*`(gan-[a-z]+ [^`]+)` \|$", TEXT, flags=re.MULTILINE)))
