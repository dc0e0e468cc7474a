"""The folder of a run that was refused before it wrote anything of its own."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from gan_lightning.runs.folder import RunFolder


def discard_unused(folder: Path) -> None:
    """Remove a run's folder in which Hydra alone has written, and the folders above it that are empty then.

    Whoever calls it holds the folder's lock. Nothing outside of the present directory is touched.
    """
    here, folder = Path.cwd(), folder.absolute()
    run = RunFolder(folder)
    if here not in folder.parents or not run.hydra.is_dir():
        return
    logs = [h for h in logging.getLogger().handlers if isinstance(h, logging.FileHandler)]
    logs = [handler for handler in logs if Path(handler.baseFilename).parent == folder]
    ours = {run.hydra, run.lock, *(Path(handler.baseFilename) for handler in logs)}
    if set(folder.iterdir()) - ours:
        return
    for handler in logs:
        logging.getLogger().removeHandler(handler)
        handler.close()
    shutil.rmtree(folder)
    for above in folder.parents:
        if above == here or any(above.iterdir()):
            return
        above.rmdir()
