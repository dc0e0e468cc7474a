"""The checkpoints of a run: written whole or not at all, the newest whole one found again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gan_lightning.core.atomic import flush
from gan_lightning.core.checkpoint import CheckpointError, read_checkpoint
from gan_lightning.core.container import ContainerError, identity, save_container
from gan_lightning.core.hub import fetch, is_address
from gan_lightning.core.lightning_internals import dump_checkpoint
from gan_lightning.core.shared_model import WEIGHTS
from gan_lightning.core.side_files import move_aside
from gan_lightning.runs.folder import BEST, LATEST, PREVIOUS, RunFolder

if TYPE_CHECKING:
    from lightning import Trainer


_readable: set[tuple[int, ...]] = set()
"""Files that this process wrote or has read, which it need not read again before it replaces them."""


class NonFiniteStateError(ValueError):
    """A state that holds NaN or infinite numbers, which may replace no other one."""


def write_checkpoint(trainer: Trainer, path: Path, *, keep: Path | None = None) -> None:
    """Save the state of a run to ``path`` so that at every moment a whole file stands there or at ``keep``.

    All ranks call this together. Rank 0 writes to a temporary name in the same folder, flushes it to the disk and
    renames it; the former file moves to ``keep`` just before. Files that cannot be read, which may be whole for a newer
    version or at another time, are moved aside instead of being replaced.

    Args:
        trainer: whose state is saved.
        path: where to.
        keep: where the file that ``path`` names so far goes; None: it is replaced.

    Raises:
        OSError: on every rank, if the file cannot be written; ``path`` stands as it was then.
        NonFiniteStateError: on every rank, if a weight, an average or a number of an optimizer is NaN or infinite;
            likewise.
        ContainerError: on every rank, if the state holds more than plain containers and tensors.
    """
    state = dump_checkpoint(trainer)
    failure: OSError | ContainerError | NonFiniteStateError | None = None
    if trainer.is_global_zero and (broken := first_nonfinite(state)) is not None:
        failure = NonFiniteStateError(f"{broken} is not finite")
    elif trainer.is_global_zero:
        temporary = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if temporary.is_dir():
                move_aside(temporary, complaint=f"{temporary} is a folder", consequence="a checkpoint takes its place")
            temporary.unlink(missing_ok=True)  # a link would be written through, a pipe waited for
            save_container(temporary, state)
            flush(temporary)
            _readable.add(identity(temporary.stat()))
            _put_in_place(temporary, path, keep)
        except (OSError, ContainerError) as error:
            failure = type(error)(f"{path}: {error}")
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
    if trainer.world_size > 1:
        failure = trainer.strategy.broadcast(failure, src=0)
    if failure is not None:
        raise failure


def first_nonfinite(state: Mapping[str, Any]) -> str | None:
    """Return the key of the first tensor of a checkpoint's weights and optimizers that is not finite, or None."""
    for key in ("state_dict", "optimizer_states"):
        for name, tensor in _tensors(state[key], key):
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                return name
    return None


def _tensors(value: Any, key: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _tensors(item, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _tensors(item, f"{key}[{index}]")


def _put_in_place(temporary: Path, path: Path, keep: Path | None) -> None:
    present = [name for name in (path, keep) if name is not None and _is_there(name)]
    if keep is not None and path in present:
        os.replace(path, keep)
        try:
            os.replace(temporary, path)
        except OSError:
            os.replace(keep, path)
            raise
    else:
        os.replace(temporary, path)
    flush(path.parent)


def _is_there(path: Path) -> bool:
    """Say whether there is a checkpoint that can be read; anything else is moved aside."""
    if not os.path.lexists(path):
        return False
    if path.is_file() and identity(path.stat()) in _readable:
        return True
    try:
        read_checkpoint(path, mapped=True)
    except CheckpointError as error:
        move_aside(path, complaint=str(error), consequence="a new checkpoint takes its place")
        return False
    _readable.add(identity(path.stat()))
    return True


def checkpoint_in(path: str | os.PathLike[str]) -> Path:
    """Return the checkpoint that a path means: the best one of a run folder, else its latest, or the file itself.

    Args:
        path: a run folder, its folder of checkpoints, the folder of a shared model, ``hf://USER/NAME`` on the Hub,
            which is fetched, or a checkpoint file, which need not exist.

    Raises:
        CheckpointError: for a folder that has no checkpoint.
        InputError: if a model on the Hub cannot be fetched.
    """
    if is_address(path):
        return fetch(os.fspath(path))
    given = Path(path)
    if not os.path.isdir(given):  # false for a name that is too long, where Path.is_dir raises
        return given
    below = RunFolder(given).checkpoints
    folder = below if below.is_dir() else given
    found = next((folder / name for name in (BEST, LATEST, PREVIOUS, WEIGHTS) if (folder / name).is_file()), None)
    if found is None:
        raise CheckpointError(f"{given} is a folder without a checkpoint; name a run folder or a file")
    return found


def newest_whole(folder: str | os.PathLike[str]) -> tuple[Path | None, list[str]]:
    """Find the checkpoint a run should continue from.

    Returns:
        ``latest.ckpt`` if it can be read, else ``previous.ckpt`` if that can, else None; and what is wrong with
        those skipped, one sentence each, none where neither exists.
    """
    folder, complaints = Path(folder), []
    if os.path.lexists(folder) and not os.path.isdir(folder):
        return None, [f"{folder} is not a folder, or is a link to a missing one"]
    for path in (folder / LATEST, folder / PREVIOUS):
        if _is_absent(path):
            continue
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            complaints.append(str(error))
        else:
            return path, complaints
    return None, complaints


def _is_absent(path: Path) -> bool:
    """Return whether nothing of that name exists; a broken link or an unreachable file counts as existing."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
