"""One process at a time trains or searches in a folder, whichever machines they run on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gan_lightning.core.errors import InputError
from gan_lightning.runs.folder import RunFolder

log = logging.getLogger(__name__)


def occupied(folder: Path) -> bool:
    """Return whether a process holds a folder."""
    path = RunFolder(folder).lock
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # one that cannot be locked
        return False


def check_can_be_made(folder: Path, *, key: str) -> None:
    """Refuse a folder that cannot be made, or in which nothing can be written, without making it.

    Raises:
        InputError: naming the key.
    """
    try:
        there = next(place for place in (folder, *folder.parents) if not _is_missing(place))
    except OSError as error:
        raise InputError(f"{key} = {folder}: the folder cannot be made: {error.strerror or error}") from error
    if not there.is_dir():
        raise InputError(f"{key} = {folder}: the folder cannot be made: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{key} = {folder}: the folder cannot be made: {there} is read-only")


def make_folder(folder: Path, *, key: str) -> None:
    """Make a folder in which files can be written, if need be.

    Raises:
        InputError: if that fails, naming the key.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{key} = {folder}: the folder cannot be made: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{key} = {folder}: the folder is read-only")


def _is_missing(path: Path) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


class Occupied(InputError):
    """Another process holds the folder."""


@contextmanager
def exclusive(
    folder: Path, *, wait_s: float = 0.0, key: str = "output_dir", purpose: str = "trains in this folder"
) -> Iterator[None]:
    """Hold a folder; the system lets go of it when the process ends, however that happens.

    Args:
        folder: it is made if need be.
        wait_s: how long to wait for another process to leave.
        key: key of the config, which names the folder.
        purpose: what the processes do there.

    Raises:
        Occupied: if another process holds it.
        InputError: if it cannot be made, or nothing can be written in it.
    """
    make_folder(folder, key=key)
    lock = FileLock(RunFolder(folder).lock)
    held = False
    try:
        lock.acquire(timeout=wait_s)
        held = True
    except Timeout as error:
        raise Occupied(f"{key} = {folder}: another process {purpose}") from error
    except OSError as error:
        reason = "its .lock is a symbolic link" if RunFolder(folder).lock.is_symlink() else error.strerror or error
        log.warning("%s cannot be locked, %s: nothing prevents a second process from using it", folder, reason)
    try:
        yield
    finally:
        if held:
            lock.release()
