"""One process at a time trains in a folder, whichever machines they run on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gan_lightning.cli.entry import InputError

log = logging.getLogger(__name__)

FILE_NAME = ".lock"


@contextmanager
def exclusive(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a run's folder; the system lets go of it when the process ends, however that happens.

    Args:
        folder: of the run; it is made if need be.
        wait_s: how long to wait for another process to leave.

    Raises:
        InputError: if another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / FILE_NAME)
    held = False
    try:
        lock.acquire(timeout=wait_s)
        held = True
    except Timeout as error:
        raise InputError(f"output_dir = {folder}: another process trains in this folder") from error
    except OSError as error:
        log.warning("%s cannot be locked (%s): nothing stops a second process from training there", folder, error)
    try:
        yield
    finally:
        if held:
            lock.release()
