"""What tells the folder of a run from any other, for rooms that know nothing of runs."""

from __future__ import annotations

import os
from pathlib import Path

LOCK = ".lock"
"""The first file that a run makes in its folder, and the last that it leaves there."""


def is_of_run(folder: str | os.PathLike[str]) -> bool:
    """Return whether a run has worked in a folder."""
    return Path(folder, LOCK).is_file()
