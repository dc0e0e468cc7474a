"""Images and labels in IDX files, the format of MNIST and its descendants."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from gan_lightning.core.machine import memory_bytes
from gan_lightning.data.errors import DataError
from gan_lightning.data.files import FolderFiles, digest
from gan_lightning.data.layout import check_apart
from gan_lightning.data.pictures import Pictures, PicturesDataModule
from gan_lightning.data.source import ArrayImages, Arrays, ImageSource, labeled_arrays

IMAGES, LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"
"""How the names of the two files of a split end, plain or with .gz."""

_UBYTE = 8


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzipped.

    Two zero bytes, the type (8), the number of axes, their lengths as big-endian 32-bit numbers, the values.

    Args:
        path: path of the file.
        axes: number of axes it must have.

    Raises:
        DataError: if it is not an IDX file, or not complete.

    Source: http://yann.lecun.com/exdb/mnist/ (LeCun 1998).
    """
    start = 4 + 4 * axes
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(start)
            if head[:4] != bytes([0, 0, _UBYTE, axes]) or len(head) < start:
                raise DataError(f"{path} is not an IDX file of unsigned bytes with {axes} axes")
            shape = np.frombuffer(head, ">u4", axes, offset=4).tolist()
            count = math.prod(shape)
            if count > memory_bytes():
                raise DataError(f"{path}: its header says {count} values, which do not fit into the memory")
            content = file.read(count + 1)  # a few bytes of a gzipped file may go on for ever
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    if len(content) != count:
        held = "more" if len(content) > count else f"{len(content)}"
        raise DataError(f"{path} holds {held} values, its header says {count}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def splits_in(folder: Path) -> list[str]:
    """Return the names of the splits whose images lie in a folder."""
    names = {entry.name.removesuffix(".gz") for entry in folder.iterdir()} if folder.is_dir() else set()
    return sorted(name.removesuffix(IMAGES) for name in names if name.endswith(IMAGES))


class IdxDataModule(PicturesDataModule):
    """Gray images in a folder of IDX files: ``NAME-images-idx3-ubyte`` and ``NAME-labels-idx1-ubyte``, plain or .gz.

    A split that ``heldout`` names is never trained on.

    Args:
        path: path of the folder.
        train_split: name of the split that is trained on: the part of its files' names before "-images".
        heldout: name of the split that is held out, or None.
        channels: 1 (gray) or 3 (RGB).
        pictures: see ``PicturesDataModule``.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(  # type: ignore[misc]  # channels has another default here
        self,
        *,
        path: str,
        train_split: str = "train",
        heldout: str | None = "t10k",
        channels: int = 1,
        **pictures: Unpack[Pictures],
    ) -> None:
        check_apart(train_split, heldout)
        super().__init__(f"{Path(path).name} {train_split}", channels=channels, **pictures)
        self.path = Path(os.path.expanduser(path))
        self.train_split = train_split
        self.heldout_split = heldout

    def source(self, split: str) -> ImageSource:
        """Return the images of a split.

        Raises:
            DataError: if its files are missing or damaged, or do not fit the config.
        """
        name = self.train_split if split == "train" else split
        pixels, labels = self.file(name + IMAGES), None
        if self.classes is not None:
            labels = self.file(name + LABELS)

        def load() -> Arrays:
            images = read_idx(pixels, 3)
            if labels is None:
                return Arrays(images)
            return labeled_arrays(
                images,
                read_idx(labels, 1).tolist(),
                images_of=pixels,
                labels_of=labels,
                classes=self.stored_classes,
            )

        used = {path.name for path in (pixels, labels) if path is not None}
        version = digest([entry for entry in FolderFiles(self.path).entries() if entry.name in used])
        return ArrayImages(f"idx {name} {self.classes is not None} {version}", load)

    def file(self, name: str) -> Path:
        """Return the path of a file, plain or gzipped.

        Raises:
            DataError: if there is neither, saying which splits there are.
        """
        for path in (self.path / name, self.path / f"{name}.gz"):
            if path.is_file():
                return path
        found = splits_in(self.path)
        others = f"it has images of {', '.join(found)}" if found else "it has no images in IDX files"
        lines = [f"data.path = {self.path}: there is no {name} or {name}.gz; {others}"]
        if self.train_split not in found and found:
            lines.append(f"data.train_split={found[0]} data.heldout=null would train on {found[0]}")
        elif name == f"{self.heldout_split}{IMAGES}":
            lines.append("data.heldout=null holds nothing out")
        raise DataError("\n  ".join(lines))
