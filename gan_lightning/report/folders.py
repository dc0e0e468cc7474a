"""Runs in folders: single ones, and the trees that a sweep leaves, in any mixture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gan_lightning.core.side_files import read_json, read_yaml
from gan_lightning.report.run import DAMAGED, UNREADABLE, Run, damaged, make_run
from gan_lightning.runs.metrics_file import FILE_NAME as METRICS
from gan_lightning.runs.metrics_file import read_metrics

RESULTS, CONFIG, COMPOSED, SAMPLES = "results.json", "config.yaml", ".hydra", "samples"
NOT_SEARCHED = ("wandb", "checkpoints", SAMPLES, "tensorboard")
_MOMENT = re.compile("[0-9]{1,15}")


class FolderDetails:
    """Curves and pictures of a run's folder.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``; none where there is no such file."""
        path = self.folder / METRICS
        return read_metrics(path) if path.is_file() else []

    def picture_moments(self) -> list[int]:
        """The numbers that the files of ``samples/`` are called by."""
        return sorted(int(path.stem) for path in (self.folder / SAMPLES).glob("*.png") if _MOMENT.fullmatch(path.stem))

    def picture(self, images_seen: int) -> bytes:
        """The content of one of those files."""
        for path in (self.folder / SAMPLES).glob("*.png"):
            if _MOMENT.fullmatch(path.stem) and int(path.stem) == images_seen:
                return path.read_bytes()
        raise ValueError(f"{self.folder / SAMPLES} has no picture at {images_seen} images")


def find_runs(roots: Iterable[str | os.PathLike[str]]) -> list[Run]:
    """Read every run at or below ``roots``, in the natural order of their paths.

    Raises:
        FileNotFoundError: if a root does not exist, or no run lies below any of them.
    """
    folders: set[Path] = set()
    places = [Path(root) for root in roots]
    for root in places:
        if not root.is_dir():
            raise FileNotFoundError(f"runs: there is no folder {root}")
        for folder, below, files in os.walk(root):
            if RESULTS in files or COMPOSED in below:
                folders.add(Path(folder))
                below[:] = []
            below[:] = [name for name in below if not name.startswith(".") and name not in NOT_SEARCHED]
    if not folders:
        raise FileNotFoundError(f"runs: there is no {RESULTS} below {' or '.join(map(str, places))}")
    return [read_run(folder) for folder in sorted(folders, key=lambda folder: natural(str(folder)))]


def read_run(folder: Path) -> Run:
    """Read one run; what cannot be read makes it a damaged one, with the reason."""
    if not (folder / RESULTS).is_file() and not (folder / CONFIG).is_file():
        return Run(str(folder), DAMAGED, problem="the job did not begin to train: its config was refused, or it waits")
    try:
        results, config = read_json(folder / RESULTS), read_yaml(folder / CONFIG)
        return make_run(str(folder), config, results, details=FolderDetails(folder))
    except UNREADABLE as error:
        return damaged(str(folder), error)


def natural(text: str) -> list[tuple[int, int | str]]:
    """A key to sort by under which ``run/10`` follows ``run/9``."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]
