"""The checkpoints of a run: written whole or not at all, the newest whole one found again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gan_lightning.core.atomic import flush
from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint
from gan_lightning.runs.folder import LATEST, PREVIOUS

if TYPE_CHECKING:
    from lightning import Trainer


def write_checkpoint(trainer: Trainer, path: Path, *, keep: Path | None = None) -> None:
    """Save the state of a run to ``path`` so that at every moment a whole file stands there.

    All ranks call this together. Rank 0 writes to a temporary name in the same folder, flushes it to the disk and
    renames it; the former file moves to ``keep`` just before.

    Args:
        trainer: whose state is saved.
        path: where to.
        keep: where the file that ``path`` names so far goes; None: it is replaced.

    Raises:
        OSError: on every rank, if the file cannot be written; ``path`` stands as it was then.
    """
    # `trainer.save_checkpoint` would leave the other ranks in its barrier when rank 0's disk is full.
    state = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
    failure = None
    if trainer.is_global_zero:
        temporary = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(state, temporary)
            flush(temporary)
            if keep is not None and path.exists():
                os.replace(path, keep)
            os.replace(temporary, path)
            flush(path.parent)
        except (OSError, RuntimeError) as error:  # torch's writer reports a full disk as a RuntimeError
            failure = f"{path}: {error}"
            if keep is not None and keep.exists() and not path.exists():
                os.replace(keep, path)
        finally:
            with contextlib.suppress(OSError):  # the other ranks wait to hear what was wrong
                temporary.unlink(missing_ok=True)
    if trainer.world_size > 1:
        failure = trainer.strategy.broadcast(failure, src=0)
    if failure is not None:
        raise OSError(failure)


def newest_whole(folder: str | os.PathLike[str]) -> tuple[Path | None, list[str]]:
    """Find the checkpoint a run should continue from.

    Returns:
        ``latest.ckpt`` if it can be read, else ``previous.ckpt`` if that can, else None; and what is wrong with
        those passed over, one sentence each.
    """
    complaints = []
    for name in (LATEST, PREVIOUS):
        path = Path(folder) / name
        if not path.exists():
            continue
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            complaints.append(str(error))
        else:
            return path, complaints
    return None, complaints
