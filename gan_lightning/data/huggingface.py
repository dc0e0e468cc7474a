"""Data sets in the format of Hugging Face's ``datasets``, from the hub or from disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

from PIL import Image

from gan_lightning.core.datasets_internals import fingerprint
from gan_lightning.core.errors import missing_library
from gan_lightning.data.errors import DataError
from gan_lightning.data.layout import check_apart
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import ImageSource, integers


def from_hub(config: str, where: str, load: Callable[[Any], Any], *, hint: str = "") -> Any:
    """Return what ``load`` gets from the package ``datasets``; the other arguments are for messages.

    Raises:
        DataError: if the package is missing, or finds no such data set.
    """
    try:
        import datasets  # type: ignore[import, unused-ignore]
    except ImportError as error:
        raise DataError(missing_library(f"data={config}", "datasets", extra="huggingface", error=error)) from error
    try:
        return load(datasets)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"{where}: {type(error).__name__}: {error}{hint}") from error


def load_rows(path: str, subset: str | None, revision: str | None, cache_dir: str | None) -> Any:
    """Return the splits of a data set: a folder that ``save_to_disk`` wrote, or what ``load_dataset`` finds."""
    hint = "\nwhere there is no network, save the data set elsewhere with save_to_disk and give that folder"

    def load(datasets: Any) -> Any:
        if Path(path, "dataset_dict.json").is_file() or Path(path, "state.json").is_file():
            return datasets.load_from_disk(path)
        return datasets.load_dataset(path, subset, revision=revision, cache_dir=cache_dir)

    return from_hub("huggingface", f"data.path = {path}", load, hint=hint)


class RowImages(ImageSource):
    """One split, whose images are read row by row.

    Args:
        rows: a ``datasets.Dataset``.
        image_column: column of the pictures.
        label_column: column of the class indices, or None.
    """

    def __init__(self, rows: Any, image_column: str, label_column: str | None) -> None:
        from datasets import Image as ImageFeature  # type: ignore[import, unused-ignore]

        for key, column in (("image_column", image_column), ("label_column", label_column)):
            if column is not None and column not in rows.column_names:
                raise DataError(f"data.{key} = {column!r}: the columns are {', '.join(rows.column_names)}")
        if not isinstance(rows.features[image_column], ImageFeature):
            raise DataError(f"data.image_column = {image_column!r} holds {rows.features[image_column]}, not images")
        self._rows = rows.select_columns([image_column])
        self._column = image_column
        self.labels = self.class_names = None
        if label_column is not None:
            feature, values = rows.features[label_column], rows[label_column][:]
            if any(isinstance(value, bool) or not isinstance(value, int) or value < 0 for value in values):
                raise DataError(f"data.label_column = {label_column!r} holds {feature}, not class indices")
            self.labels = integers(values)
            names = getattr(feature, "names", None)
            self.class_names = list(names or map(str, range(max(values, default=-1) + 1)))

    @property
    def key(self) -> str:
        """Sha256 of the library's fingerprint of the rows, and of the labels."""
        labels = None if self.labels is None else self.labels.tolist()
        return hashlib.sha256(json.dumps([fingerprint(self._rows), self._column, labels]).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._rows)

    def name(self, index: int) -> str:
        """Return the row's number."""
        return f"row {index}"

    def open(self, index: int) -> Image.Image:
        """Let the library open the image."""
        image = self._rows[index][self._column]
        if image is None:
            raise ValueError("no image in this row")
        return image


class HuggingFaceDataModule(PicturesDataModule):
    """Images in a data set of the Hugging Face hub, or in a folder that ``save_to_disk`` wrote.

    Rows are memory-mapped by the library. A set that fits in memory is decoded once, a larger one read again in every
    epoch, as ``memory_fraction`` says.

    Args:
        path: path of the folder, or the name on the hub.
        subset_name: the data set's configuration ("name" of ``load_dataset``), or None.
        revision: version on the hub, or None: the newest.
        train_split: name of the rows that are trained on.
        heldout: name of the rows that are held out, or None.
        image_column: column of the pictures.
        label_column: column of the class indices; used with ``classes`` only.
        download_dir: folder of the library's downloads; None: its own rule.
        pictures: see ``PicturesDataModule``.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self,
        *,
        path: str,
        subset_name: str | None = None,
        revision: str | None = None,
        train_split: str = "train",
        heldout: str | None = None,
        image_column: str = "image",
        label_column: str = "label",
        download_dir: str | None = None,
        **pictures: Unpack[Pictures],
    ) -> None:
        check_apart(train_split, heldout)
        super().__init__(Path(path).name, **pictures)
        self.path = path
        self.subset_name = subset_name
        self.revision = revision
        self.train_split = train_split
        self.heldout_split = heldout
        self.image_column = image_column
        self.label_column = label_column
        self.download_dir = download_dir
        self._splits: Any = None

    def source(self, split: str) -> ImageSource:
        """Return the rows of a split.

        Raises:
            DataError: for a split that the data set does not have, or the wrong number of classes.
        """
        if self._splits is None:
            loaded = load_rows(self.path, self.subset_name, self.revision, self.download_dir)
            self._splits = loaded if isinstance(loaded, dict) else {self.train_split: loaded}
        name = self.train_split if split == "train" else split
        if name not in self._splits:
            raise DataError(f"{self.path} has no split {name!r}, only {', '.join(self._splits)}")
        source = RowImages(self._splits[name], self.image_column, None if self.classes is None else self.label_column)
        names = source.class_names
        if names is not None and self.stored_classes not in (None, len(names)):
            raise DataError(f"data.classes is {self.classes}, but there are {len(names)} classes in {self.path}")
        return source
