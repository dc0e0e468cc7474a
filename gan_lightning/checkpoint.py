"""Checkpoints as files: written whole or not at all, read without pickle, and enough to rebuild a run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from lightning import Trainer

    from gan_lightning.models.base import AdversarialModule

FORMAT = 1
RECORD = "gan_lightning"
"""Key of a checkpoint under which a run describes itself: format, version, config, images seen."""

LATEST, PREVIOUS, BEST = "latest.ckpt", "previous.ckpt", "best.ckpt"


class CheckpointError(ValueError):
    """A checkpoint file that is missing, damaged, or not one of ours."""


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
            temporary.unlink(missing_ok=True)
    if trainer.world_size > 1:
        failure = trainer.strategy.broadcast(failure, src=0)
    if failure is not None:
        raise OSError(failure)


def flush(path: Path) -> None:
    """Force a file's content, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def load_model(path: str | os.PathLike[str], *, trust: bool = False) -> AdversarialModule:
    """Rebuild the model of a checkpoint, weights and counters included, on the CPU, in evaluation mode.

    Args:
        path: a file that ``gan-train`` wrote.
        trust: build whatever its configuration names, also outside the packages known to be harmless.

    Raises:
        CheckpointError: if the file cannot be used.
        ConfigError: if its configuration names something that is refused.
    """
    from gan_lightning.instantiate import instantiate
    from gan_lightning.models.base import AdversarialModule

    checkpoint = read_checkpoint(path)
    config = stored_config(checkpoint)
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn and thrown away
        model = instantiate(config["model"], trust=trust, key="model")
    if not isinstance(model, AdversarialModule):
        raise CheckpointError(f"{path} describes a {type(model).__name__}, which is no model of gan-lightning")
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its weights do not fit the model it describes: {error}") from error
    model.run_config = config
    return model.eval()
