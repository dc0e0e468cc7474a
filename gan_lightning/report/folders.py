"""Runs in folders: single ones, and the trees that a sweep leaves, in any mixture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gan_lightning.core.side_files import read_bytes, read_json, read_yaml, written_as_text
from gan_lightning.report.run import DAMAGED, UNREADABLE, Run, damaged, make_run
from gan_lightning.runs.find import find_folders
from gan_lightning.runs.folder import SAMPLES, RunFolder
from gan_lightning.runs.metrics_file import read_metrics

MOST_PICTURE_BYTES = 64 * 2**20
"""A grid of samples has about a hundredth of it; another person's run may hold anything."""


class FolderDetails:
    """Curves and pictures of a run's folder.

    Args:
        folder: folder of the run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def metrics(self) -> list[dict[str, Any]]:
        """Return the rows of ``metrics.jsonl``; none where there is no such file."""
        return read_metrics(self.folder.metrics) if self.folder.metrics.is_file() else []

    def picture_moments(self) -> list[int]:
        """Return the numbers of images seen that the files of ``samples/`` are named by."""
        return list(self.folder.pictures_by_images(SAMPLES))

    def picture(self, images_seen: int) -> bytes:
        """Return the content of one of those files."""
        path = self.folder.pictures_by_images(SAMPLES).get(images_seen)
        if path is None:
            raise ValueError(f"{self.folder.pictures(SAMPLES)} has no picture at {images_seen} images")
        return read_bytes(path, MOST_PICTURE_BYTES)

    def real_picture(self) -> bytes | None:
        """Return the content of ``real.png``, if there is one."""
        return read_bytes(self.folder.real, MOST_PICTURE_BYTES) if self.folder.real.is_file() else None


def find_runs(roots: Iterable[str | os.PathLike[str]]) -> list[Run]:
    """Read every run at or below ``roots``, in the natural order of their paths; see ``find_folders``.

    Raises:
        FileNotFoundError: if a root does not exist, or no run lies below any of them.
    """
    places = [Path(root) for root in roots]
    for root in places:
        if _run_around(root) is None and not os.path.isdir(root):  # false for a name that is too long
            raise FileNotFoundError(f"runs: there is no folder {root}")
    folders = find_folders((_run_around(root) or root for root in places), RunFolder.holds_run)
    if not folders:
        name = RunFolder("").results.name
        raise FileNotFoundError(f"runs: there is no {name} below {' or '.join(map(str, places))}")
    return [read_run(folder) for folder in sorted(folders, key=lambda folder: natural(str(folder)))]


def _run_around(path: Path) -> Path | None:
    """Return the run in whose folder a file lies, or a folder of checkpoints; None for any other path."""
    if os.path.isdir(path) and RunFolder(path.parent).checkpoints != path:
        return None
    above = [place for place in list(path.parents)[:2] if os.path.exists(path) and RunFolder(place).holds_run()]
    return above[0] if above else None


def read_run(folder: Path) -> Run:
    """Read one run; what cannot be read makes it a damaged one, with the reason."""
    files, place = RunFolder(folder), written_as_text(str(folder))
    if not files.results.is_file() and not files.config.is_file():
        return Run(place, DAMAGED, problem="it did not begin to train", readable=False)
    try:
        results = read_json(files.results)
        if results.get("status") in ("refused", "queued") and not files.config.is_file():
            return Run(place, results["status"], problem=results["message"], readable=False)
        config = read_yaml(files.config)
        run = make_run(place, config, results, details=FolderDetails(files))
        checkpoint = next((path for path in (files.best, files.latest) if path.is_file()), None)
        return run if checkpoint is None else replace(run, checkpoint=written_as_text(str(checkpoint)))
    except UNREADABLE as error:
        return damaged(place, error)


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a sort key that puts ``run/10`` after ``run/9``."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]
