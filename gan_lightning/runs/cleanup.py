"""Remove a run folder that was made for nothing, or the run that lies in one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

from gan_lightning.runs.folder import PictureKind, RunFolder


def discard_unused(folder: Path) -> None:
    """Remove a folder in which nothing lies but its lock, and the folders above it that are empty then.

    The caller holds the lock. Nothing outside of the present directory is touched.
    """
    here, folder = Path.cwd(), folder.absolute()
    if here not in folder.parents or set(folder.iterdir()) - {RunFolder(folder).lock}:
        return
    shutil.rmtree(folder)
    for above in folder.parents:
        if above == here or any(above.iterdir()):
            return
        above.rmdir()


def empty_run(folder: Path) -> None:
    """Remove the files of a run and leave everything else in its folder.

    The caller holds the lock. The record goes first: a folder without one no longer counts as a run.
    """
    run = RunFolder(folder)
    pictures = [run.pictures(kind) for kind in get_args(PictureKind)]
    files = (run.results, run.hydra, run.config, run.metrics, run.log, run.real, run.slurm_job)
    for path in (*files, *run.subfolders(), *pictures):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
