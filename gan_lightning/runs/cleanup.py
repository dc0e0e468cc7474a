"""Remove a run folder that was made for nothing, or the run that lies in one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
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
    """Remove what a run has written and leave everything else in its folder, and in the folders below it.

    The caller holds the lock. The record goes first: a folder without one no longer counts as a run.
    """
    run = RunFolder(folder)
    files = (run.results, run.hydra, run.config, run.metrics, run.log, run.real, run.slurm_job)
    for path in (*files, run.wandb, run.tensorboard):
        _remove(path)
    for kind in get_args(PictureKind):
        _remove_files(run.pictures(kind), run.pictures_by_images(kind).values())
    _remove_files(run.checkpoints, (run.latest, run.previous, run.best))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_files(folder: Path, files: Iterable[Path]) -> None:
    """Remove files of a folder, and the folder where nothing else lies in it; of a link only the link."""
    if not folder.is_dir() or folder.is_symlink():
        _remove(folder)
        return
    for path in files:
        if path.is_file() or path.is_symlink():
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
