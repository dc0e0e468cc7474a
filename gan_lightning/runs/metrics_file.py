"""``metrics.jsonl`` as a reader sees it; what writes it imports Lightning, this does not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gan_lightning.core.strict_json import from_strict


def read_metrics(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """All complete rows of a metrics file, non-finite values as floats; a torn last line is left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a broken line that is not the last one, naming it.
    """
    lines = Path(path).read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline is torn, or empty
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, is not JSON: {error}") from error
        rows.append({key: from_strict(value) for key, value in row.items()})
    return rows
