"""Checkpoint files as a reader sees them: without pickle, and with the record of the run that wrote them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

FORMAT = 1
RECORD = "gan_lightning"
"""Key of a checkpoint under which a run describes itself: format, version, config, images seen."""


class CheckpointError(ValueError):
    """A checkpoint file that is missing, damaged, or not one of ours."""


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Load a checkpoint of this package onto the CPU, as plain containers and tensors only.

    Raises:
        CheckpointError: if there is no such file, it is damaged, or it is of another program or a newer format.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint at {path}")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is not a checkpoint of gan-lightning: it holds something other than plain containers and tensors"
        ) from error
    except PermissionError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error}") from error
    except Exception as error:  # arbitrary bytes make the reader fail in any way (IndexError, TypeError, ...)
        raise CheckpointError(f"the checkpoint {path} is damaged or truncated, or no checkpoint at all") from error
    record = checkpoint.get(RECORD) if isinstance(checkpoint, dict) else None
    if not isinstance(record, dict) or "state_dict" not in checkpoint:
        raise CheckpointError(f"{path} is a checkpoint of another program: it has no '{RECORD}' record")
    if record.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {record.get('format')}, this version of gan-lightning reads format {FORMAT}"
        )
    return checkpoint


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
    """Return the configuration of the run that wrote ``checkpoint``.

    Raises:
        CheckpointError: if it was trained without one (in Python rather than by ``gan-train``).
    """
    config = checkpoint[RECORD]["config"]
    if config is None:
        raise CheckpointError(
            "this checkpoint holds no configuration, since it was not written by gan-train; build the model in Python "
            "and load its state_dict"
        )
    return config
