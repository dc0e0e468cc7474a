"""``metrics.jsonl`` as a reader sees it; what writes it imports Lightning, this does not."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from gan_lightning.core.side_files import SideFileError, move_aside, read_json_lines
from gan_lightning.core.strict_json import from_strict

MOST_BYTES = 2**29
MOST_ROWS = 2_000_000
"""Of a file that another run wrote."""

_MOST_IMAGES = 2**53


def read_metrics(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return all rows of a metrics file, non-finite values as floats; a torn last line is left out.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: for a broken line that is not the last one, naming it; or if the file cannot be read or is too
            large.
    """
    path = Path(path)
    rows = []
    for number, line in read_json_lines(path, most_bytes=MOST_BYTES):
        try:
            rows.append(_row(line))
        except ValueError as error:
            raise SideFileError(f"{path} is damaged: line {number}: {error}") from error
        if number > MOST_ROWS:
            raise SideFileError(f"{path} has more than {MOST_ROWS} lines")
    return rows


def recover_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of the run's own metrics file that are whole; move a file with broken ones aside, and warn.

    The caller owns the file, and writes the rows again where they are to stay.
    """
    rows, problems = [], []
    consequence = "the rows that are whole are kept"
    try:
        for number, line in read_json_lines(path, most_bytes=None):
            try:
                rows.append(_row(line))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    except FileNotFoundError:
        return []
    except SideFileError as error:
        move_aside(path, complaint=str(error), consequence=consequence)
        return []
    if problems:
        others = f", and {len(problems) - 1} other lines" if problems[1:] else ""
        move_aside(path, complaint=f"{path} is damaged: {problems[0]}{others}", consequence=consequence)
    return rows


def _row(line: dict[str, Any] | ValueError) -> dict[str, Any]:
    """Check a row.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if isinstance(line, ValueError):
        raise line
    images_seen, wall_time_s = line.get("images_seen"), line.get("wall_time_s", 0.0)
    if type(images_seen) is not int or not 0 <= images_seen <= _MOST_IMAGES:
        raise ValueError(f"its images_seen is {images_seen!r}")
    if not isinstance(wall_time_s, (int, float)) or not math.isfinite(wall_time_s):
        raise ValueError(f"its wall_time_s is {wall_time_s!r}")
    if nested := [key for key, value in line.items() if isinstance(value, (dict, list))]:
        raise ValueError(f"its {nested[0]} is not a number")
    return {key: from_strict(value) for key, value in line.items()}
