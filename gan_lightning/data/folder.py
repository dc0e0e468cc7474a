"""Your own images: a folder or a zip archive."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

from gan_lightning.data.archive import open_files
from gan_lightning.data.arrangement import Arrangement, arrange
from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import Split
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import ImageSource
from gan_lightning.data.store import FOLDER


class FolderDataModule(PicturesDataModule):
    """Images below a folder or in a zip archive, of mixed sizes and modes, with or without classes.

    Classes are named by a label file (``labels.csv``, ``labels.json`` or StyleGAN's ``dataset.json``), at the top or
    in a split's folder, or by the folders that the images lie in.

    Args:
        path: path of the folder or archive.
        split: "folders": ``train/`` at the top is trained on, ``test/`` or ``val/`` is held out, in any case and
            perhaps with words such as "images" ("Training", "test_images"); "hash": a fraction is held out by the
            hash of each file's name; "auto": "folders" if there is ``train/``, else "hash".
        heldout_fraction: share of what is trained on, where no folder is held out; 0: nothing is held out.
        name: name of the data set, beside its scores; None: the folder's or archive's name.
        pictures: see ``PicturesDataModule``.

    Raises:
        ValueError: for a value out of range, or if there is nothing at ``path``.
    """

    def __init__(
        self,
        *,
        path: str,
        split: Split = "auto",
        heldout_fraction: float = 0.0,
        name: str | None = None,
        **pictures: Unpack[Pictures],
    ) -> None:
        if split not in ("auto", "folders", "hash"):
            raise ValueError(f"data.split must be 'auto', 'folders' or 'hash', got {split!r}")
        if not 0 <= heldout_fraction < 1:
            raise ValueError(f"data.heldout_fraction must lie in [0, 1), got {heldout_fraction}")
        super().__init__(name or Path(os.path.expanduser(path)).absolute().stem, **pictures)
        self.split: Split = split
        self.heldout_fraction = heldout_fraction
        self._files = open_files(path, cache=self.loading.folder(FOLDER) if self.loading.keep else None)

    @cached_property
    def arrangement(self) -> Arrangement:
        """The files, sorted into splits and labeled."""
        return arrange(
            self._files,
            split=self.split,
            heldout_fraction=self.heldout_fraction,
            labeled=self.classes is not None,
            classes=self.stored_classes,
        )

    def facts(self) -> dict[str, Any]:
        """Return how many images each split has, and which files are not used."""
        return self.arrangement.facts()

    @property
    def heldout_split(self) -> str | None:  # type: ignore[override]
        """Name of the split that training never sees, or None."""
        return self.arrangement.heldout_split

    def source(self, split: str) -> ImageSource:
        """Return the images of a split."""
        splits = self.arrangement.splits
        if split not in splits:
            hint = "" if len(splits) > 1 else "; data.heldout_fraction=0.1 would hold out a tenth of the images"
            raise DataError(f"{self._files.location} has no split {split!r}, only {', '.join(splits)}{hint}")
        return splits[split]
