"""Files and folders that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


def flush(path: Path) -> None:
    """Force a file's content, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_ADDED = 20
"""Number of characters by which a temporary file's name is longer than the name of the file it replaces."""


def _token() -> str:
    """Return a part of a name that no other file has: a process's number is not unique.

    Other machines share the disk, and in a container each start may have the number of one that was killed before.
    """
    return secrets.token_hex(4)


def obstacle_to_writing(path: Path) -> str | None:
    """Say what keeps a file from being written, as far as can be told without writing; None if nothing does."""
    if os.path.isdir(path):  # false for a name that is too long, where Path.is_dir raises
        return "it is a folder"
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} is not a folder, or is read-only"
    longest = os.pathconf(folder, "PC_NAME_MAX") - _ADDED
    if any(len(os.fsencode(part)) > longest for part in path.absolute().relative_to(folder).parts):
        return f"its name is longer than {longest} bytes"
    return None


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary file beside ``path``, with the same ending, that takes its place at the end of the block.

    It lies there since ``os.replace`` is atomic within one file system only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{_token()}.tmp{path.suffix}")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` that takes its place; ``path`` must be empty or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{_token()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        for entry in sorted(temporary.iterdir()):
            flush(entry)
        flush(temporary)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new one, never a part."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
