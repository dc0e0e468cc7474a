"""LSUN: photographs of ten kinds of scenes, in LMDB databases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Unpack

from gan_lightning.core.errors import missing_library
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import Entry, Files
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import FileImages, ImageSource

CATEGORIES = (
    "bedroom",
    "bridge",
    "church_outdoor",
    "classroom",
    "conference_room",
    "dining_room",
    "kitchen",
    "living_room",
    "restaurant",
    "tower",
)
_URL = "http://dl.yf.io/lsun/scenes/{category}_{split}_lmdb.zip"


class LmdbFiles(Files):
    """Values of an LMDB database, by key.

    It is opened for each access, which takes little beside decoding: an open database does not survive the start of
    a worker process.
    """

    def _open(self) -> Any:
        try:
            import lmdb  # type: ignore[import, unused-ignore]
        except ImportError as error:
            raise DataError(missing_library("LSUN", "lmdb", extra="lsun", error=error)) from error
        try:
            return lmdb.open(str(self.location), readonly=True, lock=False, readahead=False, meminit=False)
        except lmdb.Error as error:
            raise DataError(f"{self.location} is not an LMDB database: {error}") from error

    def stored_entries(self) -> list[Entry]:
        """List the keys; the database's own time stands for all of its values."""
        stamp = (self.location / "data.mdb").stat().st_mtime_ns
        with self._open() as database, database.begin() as transaction:
            return [Entry(key.decode("ascii"), 0, stamp) for key in transaction.cursor().iternext(values=False)]

    def read_stored(self, name: str) -> bytes:
        """Return a value."""
        with self._open() as database, database.begin() as transaction:
            value = transaction.get(name.encode("ascii"))
        if value is None:
            raise OSError("no such key in the database")
        return bytes(value)


class LSUNDataModule(PicturesDataModule):
    """One category of LSUN's scenes (Yu 2015, arXiv 1506.03365); its 300 validation images are held out.

    Args:
        root: folder that the databases ("bedroom_train_lmdb") lie in; None: ``data/lsun`` in the cache folder.
        category: one of ``CATEGORIES``.
        pictures: see ``PicturesDataModule``; ``classes`` is None: a category has no labels.

    Raises:
        ValueError: for a value out of range.
    """

    heldout_split = "val"

    def __init__(self, *, root: str | None = None, category: str, **pictures: Unpack[Pictures]) -> None:
        if category not in CATEGORIES:
            raise ValueError(f"data.category must be one of {', '.join(CATEGORIES)}, got {category!r}")
        super().__init__(f"lsun_{category}", **pictures)
        if self.classes is not None:
            raise ValueError(f"data.classes must be null for LSUN, whose categories have no labels, got {self.classes}")
        self.category = category
        self.root = Path(os.path.expanduser(root)) if root is not None else self.loading.folder("data") / "lsun"

    def source(self, split: str) -> ImageSource:
        """Return the training or the validation images.

        Raises:
            DataError: for another split, or if its database is missing: tens of gigabytes are not downloaded unasked.
        """
        if split not in ("train", "val"):
            raise DataError(f"LSUN has the splits train and val, not {split!r}")
        place = self.root / f"{self.category}_{split}_lmdb"
        if not (place / "data.mdb").is_file():
            url = _URL.format(category=self.category, split=split)
            archive = place.with_name(f"{place.name}.zip")
            fetch = f"unpack {archive} there" if archive.is_file() else f"fetch {url}\n    and unpack it in {self.root}"
            raise DataError(
                f"LSUN's {self.category} ({split}) is not at {place}\n  {fetch}\n  data.root=FOLDER looks elsewhere"
            )
        files = LmdbFiles(place)
        return FileImages(files, files.entries())
