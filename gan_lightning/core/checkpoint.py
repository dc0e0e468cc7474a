"""Checkpoint files as a reader sees them: without pickle, and with the record of the run that wrote them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gan_lightning.core.container import ContainerError, read_container

FORMAT = 1
RECORD = "gan_lightning"
"""Key of a checkpoint under which a run describes itself: format, version, config, images seen."""

CONFIG_PARTS = ("model", "data", "evaluator")
"""Keys of a stored configuration that commands build parts from."""


class CheckpointError(ValueError):
    """A checkpoint file that is missing, damaged, or not one of ours."""


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Verify a checkpoint of this package and load it onto the CPU, as plain containers and tensors only.

    Raises:
        CheckpointError: if there is no such file, it is damaged, or it is of another program or a newer format.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint at {path}")
        checkpoint = read_container(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint at {path}") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    except ContainerError as error:
        raise CheckpointError(str(error)) from error
    record = checkpoint.get(RECORD) if isinstance(checkpoint, dict) else None
    if not isinstance(record, dict) or not isinstance(checkpoint.get("state_dict"), dict):
        raise CheckpointError(f"{path} is a checkpoint of another program: it has no '{RECORD}' record")
    if record.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {record.get('format')}, this version of gan-lightning reads format {FORMAT}"
        )
    _check_record(record, path)
    return checkpoint


def _check_record(record: dict[str, Any], path: Path) -> None:
    """Refuse a record whose values have types that no run writes.

    Raises:
        CheckpointError: naming the key.
    """
    config = record.get("config")
    parts = config if isinstance(config, dict) else {}
    expected = [
        ("images_seen", record.get("images_seen"), int),
        ("processes", record.get("processes", 1), int),
        ("config", config, dict | None),
        *((f"config.{name}", parts[name], dict | None) for name in CONFIG_PARTS if name in parts),
    ]
    for key, value, kind in expected:
        if not isinstance(value, kind):
            raise CheckpointError(f"{path} is damaged: its {RECORD}.{key} is a {type(value).__name__}")


def processes_problem(before: int | None, now: int) -> str | None:
    """Say why a run of ``before`` processes cannot go on with ``now``, or return None.

    Args:
        before: number of processes that wrote the checkpoint; None: it does not say.
        now: number of processes that would go on.
    """
    if before is None or before == now:
        return None
    processes = "1 process" if before == 1 else f"{before} processes"
    return (
        f"the checkpoint is of a run on {processes} and cannot go on with {now}: each process draws its own "
        f"noise, dropout and augmentation, so the run would be another one; go on with {processes}"
    )


def stored_config(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the run that wrote ``checkpoint``; it has a model.

    Raises:
        CheckpointError: if it was trained without one (in Python rather than by ``gan-train``).
    """
    config = checkpoint[RECORD]["config"]
    if config is None or config.get("model") is None:
        raise CheckpointError(
            "this checkpoint holds no configuration, since it was not written by gan-train; build the model in Python "
            "and load its state_dict"
        )
    return config
