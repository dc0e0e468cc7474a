"""Find the folders of runs in a tree of folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from gan_lightning.runs.folder import RunFolder


def find_folders(roots: Iterable[Path], wanted: Callable[[RunFolder], bool]) -> list[Path]:
    """Return the wanted folders at or below ``roots``; of what lies in a wanted one, nothing.

    Links are followed, and a folder that is reached in several ways counts once, by the way that was found first.

    Args:
        roots: where to look; what is no folder has nothing below it.
        wanted: asked about every folder, but hidden ones and those of a run's large files.
    """
    found: dict[str, Path] = {}
    seen: set[str] = set()
    for root in roots:
        for place, below, _ in os.walk(root, followlinks=True):
            folder, real = RunFolder(place), os.path.realpath(place)
            if real not in found and wanted(folder):
                found[real] = folder.path
            skipped = [path.name for path in folder.subfolders()]
            leave = real in found or real in seen
            below[:] = [] if leave else [name for name in below if not name.startswith(".") and name not in skipped]
            seen.add(real)
    return list(found.values())
