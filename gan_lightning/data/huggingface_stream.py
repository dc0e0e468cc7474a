"""Data sets in the format of Hugging Face's ``datasets``, read while they arrive and never kept."""

from __future__ import annotations

from itertools import islice
from typing import Any, Unpack

from gan_lightning.core.datasets_internals import with_features
from gan_lightning.data.decoded import DecodedImageDataModule, DecodedImages
from gan_lightning.data.errors import DataError
from gan_lightning.data.huggingface import from_hub
from gan_lightning.data.images import TensorImages
from gan_lightning.data.layout import check_apart
from gan_lightning.data.row_stream import RowDecoder, RowStreamLoader
from gan_lightning.data.stream import centered


class HuggingFaceStreamDataModule(DecodedImageDataModule):
    """Images of the Hugging Face hub, or of a folder that ``load_dataset`` understands, without a copy on disk.

    Images are not checked beforehand: a bad one ends the run when it is read. Classes are not counted, and
    count as equally frequent when samples are drawn. Scores compare with the first rows of a split, which
    are kept in memory. ``HuggingFaceDataModule`` knows no such limits.

    Args:
        path: name on the hub, or a folder.
        subset_name: the data set's configuration ("name" of ``load_dataset``), or None.
        revision: version on the hub, or None: the newest.
        train_split: name of the rows that are trained on.
        heldout: name of the rows that are held out, or None.
        images: number of training rows, which says where an epoch ends; None: as the data set itself says.
        reference_images: number of rows, the first ones, that scores compare with.
        shuffle_buffer: rows out of which the next one is drawn; 1: the order of the files.
        prefetch: batches that are kept ready.
        image_column: column of the pictures.
        label_column: column of the class indices; used with ``classes`` only.
        decoded: see ``DecodedImageDataModule``.

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
        images: int | None = None,
        reference_images: int = 2000,
        shuffle_buffer: int = 1000,
        prefetch: int = 4,
        image_column: str = "image",
        label_column: str = "label",
        **decoded: Unpack[DecodedImages],
    ) -> None:
        counts = {"images": images, "reference_images": reference_images, "shuffle_buffer": shuffle_buffer}
        for key, value in {**counts, "prefetch": prefetch}.items():
            if value is not None and value < 1:
                raise ValueError(f"data.{key} must be at least 1, got {value}")
        check_apart(train_split, heldout)
        super().__init__(path.rstrip("/").rsplit("/", 1)[-1], **decoded)
        self.path, self.subset_name, self.revision = path, subset_name, revision
        self.train_split = train_split
        self.heldout_split = heldout
        self.images = images
        self.reference_images = reference_images
        self.shuffle_buffer = shuffle_buffer
        self.prefetch = prefetch
        self.image_column, self.label_column = image_column, label_column
        self._streams: dict[str, tuple[Any, RowDecoder]] = {}
        self._references: dict[str, TensorImages] = {}

    def stream(self, split: str) -> tuple[Any, RowDecoder]:
        """Return the rows of a split, their images as stored, and what decodes them.

        Raises:
            DataError: if it cannot be opened, or its columns or classes are not those of the config.
        """
        if split not in self._streams:
            from datasets import Image as ImageFeature  # type: ignore[import, unused-ignore]

            name = self.train_split if split == "train" else split
            rows = from_hub(
                "huggingface_stream",
                f"data.path = {self.path}, split {name!r}",
                lambda datasets: datasets.load_dataset(
                    self.path, self.subset_name, revision=self.revision, split=name, streaming=True
                ),
            )
            rows = with_features(rows)
            image = rows.features.get(self.image_column)
            columns = f"the columns are {', '.join(rows.features)}"
            if not isinstance(image, ImageFeature):
                raise DataError(f"data.image_column = {self.image_column!r} is not a column of images; {columns}")
            used = [self.image_column]
            if self.classes is not None:
                label = rows.features.get(self.label_column)
                names = getattr(label, "names", None)
                if label is None or (names is None and not str(getattr(label, "dtype", "")).startswith("int")):
                    raise DataError(f"data.label_column = {self.label_column!r} does not hold class indices; {columns}")
                if names is not None and len(names) != self.classes:
                    raise DataError(f"data.classes is {self.classes}, but there are {len(names)} classes: {names}")
                used.append(self.label_column)
            decoder = RowDecoder(
                image_column=self.image_column,
                label_column=None if self.classes is None else self.label_column,
                classes=self.classes,
                open_image=ImageFeature().decode_example,
                transform=self.transform,
            )
            undecoded = rows.cast_column(self.image_column, ImageFeature(decode=False))
            self._streams[split] = undecoded.select_columns(used), decoder
        return self._streams[split]

    @property
    def images_per_epoch(self) -> int:
        """Number of training rows.

        Raises:
            DataError: if their number is unknown.
        """
        if self.images is None:
            rows, _ = self.stream("train")
            said = (rows.info.splits or {}).get(self.train_split)
            if said is None or not said.num_examples:
                raise DataError(f"{self.path} does not say how many rows {self.train_split!r} has; set data.images")
            self.images = int(said.num_examples)
        return self.images

    def endless_loader(self) -> RowStreamLoader:
        """Return an endless loader onto the training device, from where the run stands."""
        rows, decode = self.stream("train")
        return RowStreamLoader(
            rows,
            decode,
            images_per_epoch=self.images_per_epoch,
            shuffle_buffer=self.shuffle_buffer,
            prefetch=self.prefetch,
            **self.loader_options(flip=self.flip, window=self.window),
        )

    def evaluation_images(self, split: str) -> TensorImages:
        """Return the first rows of ``split``, decoded."""
        if split not in self._references:
            rows, decode = self.stream(split)
            numbered = list(enumerate(islice(rows, self.reference_images)))
            if not numbered:
                raise DataError(f"{self.path}: the split {split!r} has no rows")
            images, labels = decode(numbered)
            name = f"{self.dataset} (first {len(images)} rows)"
            window = centered(images, self.window)
            names = None if labels is None else getattr(rows.features[self.label_column], "names", None)
            self._references[split] = TensorImages(
                images=window, labels=labels, name=name, split=split, class_names=names
            )
        return self._references[split]
