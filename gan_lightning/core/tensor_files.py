"""Files of tensors that another program wrote: safetensors, and what ``torch.save`` makes of a dictionary."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gan_lightning.core.checkpoint import CheckpointError
from gan_lightning.core.container import ContainerError, NoDigestError, read_container
from gan_lightning.core.machine import memory_bytes


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Load the tensors of a file onto the CPU, without executing anything that it holds.

    Args:
        path: what ends in ``.safetensors`` is read as such, anything else as a file of ``torch.save``. Of nested
            dictionaries the keys are joined by dots.

    Raises:
        CheckpointError: if there is no such file, it is damaged or too large, or it holds no tensors by names.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"there is no file {path}")
        content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    except ContainerError as error:
        raise CheckpointError(str(error)) from error
    tensors = dict(_flat(content, ""))
    if not tensors:
        raise CheckpointError(f"{path} does not hold a mapping of names to tensors")
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    if path.stat().st_size > memory_bytes():
        raise CheckpointError(f"{path} is larger than the memory of this machine")
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or not a safetensors file: {error}") from error


def _read_torch(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is damaged, or not what torch.save has written since PyTorch 1.6")
    try:
        return read_container(path)
    except NoDigestError:
        return read_container(path, digest=False)


def _flat(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
