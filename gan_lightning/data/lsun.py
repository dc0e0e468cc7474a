"""LSUN: photographs of ten kinds of scenes, in LMDB databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_lightning.data.errors import DataError
from gan_lightning.data.files import Entry, Files
from gan_lightning.data.loading import Loading
from gan_lightning.data.pictures import PicturesDataModule
from gan_lightning.data.preflight import OnBad
from gan_lightning.data.source import FileImages, ImageSource
from gan_lightning.data.subset import Subset
from gan_lightning.data.transform import Filter, Fit, Transform

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
            raise DataError("LSUN needs the package lmdb: pip install lmdb") from error
        try:
            return lmdb.open(str(self.location), readonly=True, lock=False, readahead=False, meminit=False)
        except lmdb.Error as error:
            raise DataError(f"{self.location} is no LMDB database: {error}") from error

    def entries(self) -> list[Entry]:
        """List the keys; the database's own time stands for all of its values."""
        stamp = (self.location / "data.mdb").stat().st_mtime_ns
        with self._open() as database, database.begin() as transaction:
            return [Entry(key.decode("ascii"), 0, stamp) for key in transaction.cursor().iternext(values=False)]

    def read(self, name: str) -> bytes:
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
        resolution: height and width of the images in a batch.
        channels: 1 (grey) or 3 (RGB).
        classes: None: a category has no labels.
        batch_size: images per discriminator update, over all processes.
        seed: of order, flips and windows.
        fit: how a picture that is not square becomes so.
        filter: of the resampling.
        flip: mirror each training image with probability one half.
        crop_from: size of the images out of which windows of ``resolution`` are cut at random, or None.
        fraction: share of the training images to use.
        subset_seed: of the choice of ``fraction``.
        on_bad: "stop" or "skip" when images cannot be used.
        loading: resources for reading; None: the defaults.

    Raises:
        ValueError: for a value out of range.
    """

    heldout_split = "val"

    def __init__(
        self,
        *,
        root: str | None = None,
        category: str,
        resolution: int,
        channels: int = 3,
        classes: None = None,
        batch_size: int = 64,
        seed: int = 0,
        fit: Fit = "center_crop",
        filter: Filter = "lanczos",
        flip: bool = False,
        crop_from: int | None = None,
        fraction: float = 1.0,
        subset_seed: int = 0,
        on_bad: OnBad = "stop",
        loading: Loading | None = None,
    ) -> None:
        if category not in CATEGORIES:
            raise ValueError(f"data.category must be one of {', '.join(CATEGORIES)}, got {category!r}")
        if classes is not None:
            raise ValueError(f"data.classes must be null for LSUN, whose categories have no labels, got {classes}")
        super().__init__(
            dataset=f"lsun_{category}",
            transform=Transform(crop_from or resolution, channels, fit, filter),
            resolution=resolution,
            classes=None,
            batch_size=batch_size,
            seed=seed,
            flip=flip,
            crop_from=crop_from,
            subset=Subset(fraction, None, subset_seed),
            balance=False,
            min_size=None,
            on_bad=on_bad,
            loading=loading,
        )
        self.category = category
        self.root = Path(root).expanduser() if root is not None else self.loading.folder("data") / "lsun"

    def source(self, split: str) -> ImageSource:
        """Return the training or the validation images.

        Raises:
            DataError: for another split, or if its database is missing: nobody downloads tens of gigabytes unasked.
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
