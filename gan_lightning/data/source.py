"""Images that are still to be decoded, by index."""

from __future__ import annotations

import hashlib
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gan_lightning.data.errors import BadImage, DataError, decoding
from gan_lightning.data.files import Entry, Files, digest, image_formats

_JPEG, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_ZEROS = 64  # bytes; fewer may be pixels
_SAMPLED = 16  # files at most, spread over all, whose content tells them from files that look the same


class ImageSource(ABC):
    """One split of a data set, before decoding.

    Attributes:
        labels: class indices, int64 ``(N,)``, or None.
        class_names: one per class, or None without labels.
    """

    labels: Tensor | None
    class_names: Sequence[str] | None

    @property
    @abstractmethod
    def key(self) -> str:
        """Sha256 of all that determines the images and labels; finding it decodes no image."""

    @abstractmethod
    def __len__(self) -> int:
        """Return how many images there are."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Return what to call an image in a message."""

    @abstractmethod
    def open(self, index: int) -> Image.Image:
        """Open an image.

        Raises:
            Exception: of any kind, for a damaged one.
        """

    def only(self, rows: Tensor) -> ImageSource:
        """Return some of the images, in the order of ``rows``, with their labels."""
        labels = None if self.labels is None else self.labels[rows]
        return self.select(rows, labels=labels, class_names=self.class_names)

    def select(self, rows: Tensor, *, labels: Tensor | None, class_names: Sequence[str] | None) -> ImageSource:
        """Return some of the images, in the order of ``rows``, with new labels."""
        return Selection(self, rows, labels, class_names)


@dataclass(eq=False)
class Selection(ImageSource):
    """Some images of another source; see ``ImageSource.select``."""

    whole: ImageSource
    rows: Tensor
    labels: Tensor | None
    class_names: Sequence[str] | None

    @cached_property
    def key(self) -> str:
        """Sha256 of the whole's key, the rows and the labels."""
        hashed = hashlib.sha256(json.dumps([self.whole.key, self.class_names]).encode())
        for tensor in (self.rows, self.labels):
            hashed.update(b"" if tensor is None else tensor.numpy().tobytes())
        return hashed.hexdigest()

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:
        """Name of the image in the whole."""
        return self.whole.name(int(self.rows[index]))

    def open(self, index: int) -> Image.Image:
        """Open the image of the whole."""
        return self.whole.open(int(self.rows[index]))


@dataclass(eq=False)
class FileImages(ImageSource):
    """Image files.

    Args:
        files: where they lie.
        entries: which files.
    """

    files: Files
    entries: Sequence[Entry]
    labels: Tensor | None = None
    class_names: Sequence[str] | None = None

    @cached_property
    def key(self) -> str:
        """Sha256 of names, sizes, times or checksums, labels, and of the content of some files.

        Files of a fixed size that were unpacked with a fixed time look like those of another set.
        """
        labels = None if self.labels is None else self.labels.tolist()
        hashed = hashlib.sha256(json.dumps([digest(self.entries), self.class_names, labels]).encode())
        for entry in self.entries[:: max(1, -(-len(self) // _SAMPLED))]:
            with suppress(BadImage), decoding():
                hashed.update(self.files.read(entry.name))
        return hashed.hexdigest()

    def __len__(self) -> int:
        return len(self.entries)

    def name(self, index: int) -> str:
        """Return the file's name below the folder or in the archive."""
        return self.files.prefix + self.entries[index].name

    def open(self, index: int) -> Image.Image:
        """Open the file's first picture."""
        content = self.files.read(self.entries[index].name)
        if not content:
            raise ValueError("empty file")
        if ends_in_zeros(content):
            raise ValueError("the file ends in zeros: it was not written to its end")
        return Image.open(io.BytesIO(content), formats=image_formats())


def ends_in_zeros(content: bytes) -> bool:
    """Return whether the last pixels of a JPEG file are zero bytes, as interrupted copies leave; decoders draw gray."""
    written = content.rstrip(b"\0")
    if not content.startswith(_JPEG) or len(content) - len(written) < _ZEROS:
        return False
    return written.rfind(_JPEG_END) < written.rfind(_JPEG_SCAN)


@dataclass(frozen=True)
class Arrays:
    """Decoded images: uint8 ``(N, H, W)`` or ``(N, H, W, 3)``, labels int64 ``(N,)`` or None, names of classes."""

    pixels: NDArray[np.uint8]
    labels: Tensor | None = None
    class_names: Sequence[str] | None = None


@dataclass
class ArrayImages(ImageSource):
    """Images that a library hands over as arrays, fetched when the first one is needed.

    Attributes:
        identity: all that determines what ``fetch`` returns.
        fetch: loads the arrays.
    """

    identity: str
    fetch: Callable[[], Arrays]

    @cached_property
    def arrays(self) -> Arrays:
        """The arrays, fetched once."""
        return self.fetch()

    @property
    def key(self) -> str:
        """Sha256 of the identity."""
        return hashlib.sha256(self.identity.encode()).hexdigest()

    @property
    def labels(self) -> Tensor | None:  # type: ignore[override]
        """Class indices."""
        return self.arrays.labels

    @property
    def class_names(self) -> Sequence[str] | None:  # type: ignore[override]
        """Names of the classes."""
        return self.arrays.class_names

    def __len__(self) -> int:
        return len(self.arrays.pixels)

    def name(self, index: int) -> str:
        """Return the image's number."""
        return f"image {index}"

    def open(self, index: int) -> Image.Image:
        """Wrap the image's pixels."""
        return Image.fromarray(np.ascontiguousarray(self.arrays.pixels[index]))


def labeled_arrays(
    pixels: NDArray[np.uint8], indices: Sequence[int], *, images_of: object, labels_of: object, classes: int | None
) -> Arrays:
    """Return images with class indices, whose names are their numbers.

    Args:
        pixels: the images.
        indices: class of each.
        images_of: what the images are of, for messages.
        labels_of: what the labels are of, likewise.
        classes: most classes that there may be, or None.

    Raises:
        DataError: if there are not as many labels as images, or labels that are no class.
    """
    if len(indices) != len(pixels):
        raise DataError(f"{labels_of} has {len(indices)} labels, {images_of} {len(pixels)} images")
    least, most = min(indices, default=0), max(indices, default=-1)
    if least < 0:
        raise DataError(f"{labels_of} has labels down to {least}; classes are numbered from 0")
    if classes is not None and most >= classes:
        raise DataError(f"data.classes is {classes}, but {labels_of} has labels up to {most}")
    return Arrays(pixels, integers(indices), [str(index) for index in range(most + 1)])


def integers(values: Sequence[int]) -> Tensor:
    """Return int64 ``(N,)``."""
    return torch.tensor(values, dtype=torch.int64)
