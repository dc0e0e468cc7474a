"""Files of a cache folder, which hold their own name: what stands under another one is of other data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.cache import keep
from gan_lightning.core.container import ContainerError, read_container, write_container
from gan_lightning.core.side_files import SideFileError, read_json

_NAME = "kept_as"


def keep_container(path: Path, content: Mapping[str, Any]) -> None:
    """Keep plain containers and tensors; where that fails, warn and continue without."""
    keep(path, lambda path: write_container(path, {**content, _NAME: path.name}))


def read_kept_container(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Read what ``keep_container`` wrote; for ``read_or_move_aside``.

    Raises:
        FileNotFoundError: if there is no such file.
        ContainerError: if it is damaged, or was kept under another name.
        KeyError, TypeError: if it is another container.
    """
    content: dict[str, Any] = read_container(path, mapped=mapped)
    if (name := content[_NAME]) != path.name:
        raise ContainerError(f"{path} is of other data: it was kept as {name}")
    return content


def keep_json(path: Path, content: Mapping[str, Any]) -> None:
    """Keep plain data; where that fails, warn and continue without."""
    keep(path, lambda path: write_atomic(path, json.dumps({**content, _NAME: path.name})))


def read_kept_json(path: Path, *, most_bytes: int) -> dict[str, Any]:
    """Read what ``keep_json`` wrote; for ``read_or_move_aside``.

    Raises:
        FileNotFoundError: if there is no such file.
        SideFileError: if it is damaged, has more than ``most_bytes``, or was kept under another name.
        KeyError: if it is another file.
    """
    content: dict[str, Any] = read_json(path, most_bytes=most_bytes)
    if (name := content.pop(_NAME)) != path.name:
        raise SideFileError(f"{path} is of other data: it was kept as {name}")
    return content
