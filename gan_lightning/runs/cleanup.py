"""The folder of a run that was refused before it wrote anything of its own."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from gan_lightning.runs.lock import FILE_NAME as LOCK

HYDRA = ".hydra"


def discard_unused(folder: Path) -> None:
    """Remove a run's folder in which Hydra alone has written, and the folders above it that are empty then.

    Whoever calls it holds the folder's lock. Nothing outside of the present directory is touched.
    """
    here, folder = Path.cwd(), folder.absolute()
    if here not in folder.parents or not (folder / HYDRA).is_dir():
        return
    logs = [h for h in logging.getLogger().handlers if isinstance(h, logging.FileHandler)]
    logs = [handler for handler in logs if Path(handler.baseFilename).parent == folder]
    ours = {HYDRA, LOCK, *(Path(handler.baseFilename).name for handler in logs)}
    if {path.name for path in folder.iterdir()} - ours:
        return
    for handler in logs:
        logging.getLogger().removeHandler(handler)
        handler.close()
    shutil.rmtree(folder)
    for above in folder.parents:
        if above == here or any(above.iterdir()):
            return
        above.rmdir()
