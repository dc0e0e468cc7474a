"""What published data sets share: files that are downloaded once, and an official split that is held out."""

from __future__ import annotations

import os
import tarfile
import zipfile
from abc import abstractmethod
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple, Unpack

from gan_lightning.data.errors import DataError
from gan_lightning.data.loading import locked
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import ImageSource

DOWNLOAD_ERRORS = (
    OSError,
    RuntimeError,
    ImportError,
    HTTPException,
    EOFError,
    tarfile.TarError,
    zipfile.BadZipFile,
)
"""What torchvision's downloads and checksum tests raise."""


class Remote(NamedTuple):
    """A file to download: where it is, its MD5, and the folder below the root that it belongs in."""

    url: str
    md5: str
    folder: str


class OfficialDataModule(PicturesDataModule):
    """A published data set; a subclass states its facts and loads it.

    The official held-out split is never trained on; it is what the evaluator calls ``heldout_split``.

    Attributes:
        title: its usual name.
        key: its name in configs and beside scores.
        class_count: number of its classes, or None without labels.
        splits: the official ones.
        folder: below the root, where its files lie.

    Args:
        root: folder of downloaded data sets; None: ``data`` in the cache folder.
        download: fetch missing files.
        pictures: see ``PicturesDataModule``; ``classes`` is the number of its classes, or None.

    Raises:
        ValueError: for a value out of range.
    """

    title: str
    key: str
    class_count: int | None = None
    splits: tuple[str, ...] = ("train", "test")
    heldout_split = "test"
    folder: str

    def __init__(self, *, root: str | None = None, download: bool = True, **pictures: Unpack[Pictures]) -> None:
        super().__init__(self.key, **pictures)
        if self.classes is not None and self.class_count is None:
            raise ValueError(f"data.classes must be null for {self.title}, which has no labels, got {self.classes}")
        if self.stored_classes not in (None, self.class_count):
            raise ValueError(f"data.classes must be {self.class_count} or null for {self.title}, got {self.classes}")
        self.root = Path(os.path.expanduser(root)) if root is not None else self.loading.folder("data")
        self.download = download

    @abstractmethod
    def remotes(self) -> list[Remote]:
        """List the files it consists of."""

    @abstractmethod
    def official(self, split: str) -> ImageSource:
        """Return one of ``splits``; the files are there."""

    @abstractmethod
    def is_present(self) -> bool:
        """Return whether the files seem to be there, after a quick look."""

    @abstractmethod
    def fetch(self) -> None:
        """Download what is missing and test its checksum."""

    def source(self, split: str) -> ImageSource:
        """Return one of the official splits.

        Raises:
            DataError: for another split, or if the files are missing and cannot be downloaded.
        """
        if split not in self.splits:
            raise DataError(f"{self.title} has the splits {', '.join(self.splits)}, not {split!r}")
        if not self.is_present():
            if not self.download:
                raise self.missing("data.download is false")
            with locked(self.root / self.key):
                if not self.is_present():
                    try:
                        self.fetch()
                    except DOWNLOAD_ERRORS as error:
                        raise self.missing(f"{type(error).__name__}: {error}") from error
        return self.official(split)

    def missing(self, reason: str) -> DataError:
        """Say what to fetch, and where to put it."""
        lines = [
            f"fetch {remote.url} (MD5 {remote.md5})\n    and put it into {self.root / remote.folder}"
            for remote in self.remotes()
        ]
        return DataError(
            "\n  ".join(
                [
                    f"{self.title} is not in {self.root}, and it was not downloaded: {reason.strip()}",
                    *lines,
                    "archives may stay packed; data.root=FOLDER looks elsewhere",
                ]
            )
        )
