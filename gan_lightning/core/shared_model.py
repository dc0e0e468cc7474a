"""A model as the Hugging Face Hub keeps one: its record in ``config.json``, its tensors in ``model.safetensors``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.container import ContainerError
from gan_lightning.core.machine import memory_bytes
from gan_lightning.core.side_files import SideFileError, read_json
from gan_lightning.core.strict_json import dumps

CONFIG, WEIGHTS = "config.json", "model.safetensors"

_DIGEST = "weights_xxh3_128"
"""Key of the digest of the file of tensors: flipped bits, and files of two versions, are noticed."""

_OTHER = "extra_state"
"""Key of the values of a state dict that are not tensors."""


def write_shared(folder: Path, record: Mapping[str, Any], state: Mapping[str, Any], *, key: str) -> None:
    """Write both files into a folder, each whole or not at all.

    Args:
        folder: which is made where it is missing.
        record: what describes the model, plain data.
        state: its state dict.
        key: key of the record in ``config.json``.
    """
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in state.items() if _is_tensor(value)}
    others = {name: value for name, value in state.items() if not _is_tensor(value)}
    folder.mkdir(parents=True, exist_ok=True)
    weights = save(tensors, metadata={"format": "pt"})
    digest = xxhash.xxh3_128_hexdigest(weights)
    content = {"library_name": "gan-lightning", key: dict(record), _OTHER: others, _DIGEST: digest}
    write_atomic(folder / WEIGHTS, weights)
    write_atomic(folder / CONFIG, dumps(content, indent=2) + "\n")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def read_shared(weights: Path, *, key: str) -> dict[str, Any]:
    """Return what ``write_shared`` wrote, in the form of a checkpoint.

    Args:
        weights: the file of tensors; the file of the record lies beside it.
        key: key of the record.

    Raises:
        FileNotFoundError: if one of the files is missing.
        ContainerError: if one is damaged, larger than the memory, or of another program.
    """
    config = weights.with_name(CONFIG)
    try:
        content = read_json(config)
        if weights.stat().st_size > memory_bytes():
            raise ContainerError(f"{weights} is larger than the memory of this machine")
        raw = weights.read_bytes()
        if xxhash.xxh3_128_hexdigest(raw) != content.get(_DIGEST):
            raise ContainerError(f"{weights} is damaged or does not belong to {config}: its digest differs")
        tensors = load(raw)
    except SideFileError as error:
        raise ContainerError(str(error)) from error
    except (SafetensorError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError | ContainerError):
            raise
        raise ContainerError(f"{weights} is damaged: {error}") from error
    others = content.get(_OTHER, {})
    if not isinstance(others, dict) or others.keys() & tensors.keys():
        raise ContainerError(
            f"{config} is damaged: its {_OTHER} is not a mapping of values, or repeats the name of a tensor"
        )
    return {"state_dict": {**tensors, **others}, key: content.get(key)}
