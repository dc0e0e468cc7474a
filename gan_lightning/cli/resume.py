"""What ``resume=`` means: which file a run continues from, and in which folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = "checkpoints"


def continued_run(argv: Sequence[str]) -> list[str]:
    """Expand ``resume=<run folder>`` to that run's own overrides and folder; what is given besides still wins.

    Args:
        argv: the command line without the program's name.
    """
    arguments = list(argv)
    value = next((a.removeprefix("resume=") for a in arguments if a.startswith("resume=")), None)
    if value is None or not (Path(value) / FOLDER).is_dir():
        return arguments
    if any(a.startswith("hydra.run.dir=") for a in arguments):
        return arguments
    stored = Path(value) / ".hydra" / "overrides.yaml"
    former = yaml.safe_load(stored.read_text(encoding="utf-8")) or [] if stored.is_file() else []
    former = [override for override in former if not override.startswith("resume=")]
    return [*former, *arguments, f"hydra.run.dir={quoted(value)}"]


def quoted(value: str) -> str:
    """Quote a value for Hydra's override grammar."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def find_checkpoint(resume: str | None, output_dir: Path) -> tuple[Path | None, list[str]]:
    """Return the checkpoint to continue from, and what is wrong with damaged ones that were passed over.

    Args:
        resume: "auto", a run folder, a checkpoint file, or None.
        output_dir: folder of this run, where "auto" looks.

    Raises:
        CheckpointError: if what was asked for is not there or not usable.
    """
    from gan_lightning.checkpoint import CheckpointError, newest_whole, read_checkpoint

    if resume is None:
        return None, []
    if resume == "auto":
        return newest_whole(output_dir / FOLDER)
    path = Path(resume)
    if path.is_dir():
        found, complaints = newest_whole(path / FOLDER if (path / FOLDER).is_dir() else path)
        if found is None:
            raise CheckpointError("; ".join(complaints) or f"resume={resume}: no checkpoint in that folder")
        return found, complaints
    read_checkpoint(path)
    return path, []


ESSENTIAL = ("seed", "batch_size", "data", "model")
"""Parts of a config that must be the same before and after: with others, the run would be another one."""


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say in which essential keys two configs differ, one line each."""
    lines: list[str] = []
    for key in ESSENTIAL:
        _compare(before.get(key), now.get(key), key, lines)
    return lines


def _compare(before: Any, now: Any, key: str, lines: list[str]) -> None:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            _compare(before.get(name), now.get(name), f"{key}.{name}", lines)
    elif before != now:
        lines.append(f"{key} was {before!r} and is now {now!r}")
