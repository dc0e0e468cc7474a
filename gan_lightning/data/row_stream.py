"""Endless batches out of a stream of rows that can only be read from its beginning."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Unpack

import torch
from PIL import Image
from torch import Tensor

from gan_lightning.core.seeding import mix
from gan_lightning.data.errors import DataError
from gan_lightning.data.loader import EndlessLoader, LoaderOptions
from gan_lightning.data.source import integers
from gan_lightning.data.stream import decoded
from gan_lightning.data.transform import Transform


@dataclass(frozen=True, kw_only=True)
class RowDecoder:
    """Makes tensors of the rows of a ``datasets.IterableDataset`` whose images are not decoded.

    Args:
        image_column: column of the pictures.
        label_column: column of the class indices, or None.
        classes: how many classes there are, with a label column.
        open_image: makes a picture of what is in the column.
        transform: what is done to each picture.
    """

    image_column: str
    label_column: str | None
    classes: int | None = None
    open_image: Callable[[Any], Image.Image]
    transform: Transform

    def __call__(self, rows: list[tuple[int, Mapping[str, Any]]]) -> tuple[Tensor, Tensor | None]:
        """Return images, uint8 ``(n, C, R, R)``, and labels, int64 ``(n,)`` or None, of numbered rows.

        Raises:
            DataError: for a row that cannot be used.
        """
        images = decoded(self._named(rows), len(rows), self.transform)
        if self.label_column is None:
            return images, None
        labels = [row[self.label_column] for _, row in rows]
        for (number, _), label in zip(rows, labels, strict=True):
            if label is None or label < 0 or (self.classes is not None and label >= self.classes):
                raise DataError(
                    f"row {number} of the stream: {self.label_column!r} is {label}, "
                    f"data.classes = {self.classes} are numbered from 0"
                )
        return images, integers(labels)

    def _named(self, rows: list[tuple[int, Mapping[str, Any]]]) -> Iterator[tuple[str, Callable[[], Image.Image]]]:
        for number, row in rows:
            if row[self.image_column] is None:
                raise DataError(f"row {number} of the stream: no image in this row")
            yield f"row {number} of the stream", partial(self.open_image, row[self.image_column])


class RowStreamLoader(EndlessLoader):
    """Batches that are a function of (seed, images seen): each epoch is shuffled by a seed of its own.

    A start in the midst of an epoch reads the rows before it again, without decoding them. Each process reads all
    rows and decodes its own. A thread of its own reads and decodes ahead.

    Args:
        rows: a ``datasets.IterableDataset``.
        decode: makes tensors of its rows.
        images_per_epoch: number of rows.
        shuffle_buffer: rows out of which the next one is drawn; 1: the order of the files.
        prefetch: batches that are kept ready.
        options: see ``EndlessLoader``; rows are not balanced.

    Raises:
        ValueError: as ``EndlessLoader``.
    """

    def __init__(
        self,
        rows: Any,
        decode: RowDecoder,
        *,
        images_per_epoch: int,
        shuffle_buffer: int,
        prefetch: int,
        **options: Unpack[LoaderOptions],
    ) -> None:
        super().__init__(images_per_epoch, **options)
        self._rows = rows
        self._decode = decode
        self._images_per_epoch = images_per_epoch
        self._shuffle_buffer = shuffle_buffer
        self._prefetch = prefetch

    def rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield rows and their positions in the shuffled stream for ever, from the start position on.

        Raises:
            DataError: if an epoch does not have as many rows as it was said to have.
        """
        length = self._images_per_epoch
        epoch, done = divmod(self.position, length)
        while True:
            shuffled = self._rows
            if self._shuffle_buffer > 1:
                shuffled = shuffled.shuffle(seed=mix(self.seed, epoch) % 2**32, buffer_size=self._shuffle_buffer)
            count = 0
            for row in islice(shuffled, length + 1):
                if done <= count < length:
                    yield epoch * length + count, row
                count += 1
            if count != length:
                raise DataError(f"data.images is {length}, but the stream has {'more' if count > length else count}")
            epoch, done = epoch + 1, 0

    def samples(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield images and labels, read and decoded ahead."""
        rows, device = self.rows(), self.device or torch.device("cpu")

        def batch() -> tuple[Tensor, Tensor | None]:
            images, labels = self._decode(list(islice(rows, self.batch_size))[self.mine])
            return (images.pin_memory() if device.type == "cuda" else images), labels

        reader = ThreadPoolExecutor(max_workers=1)
        ahead: deque[Future[tuple[Tensor, Tensor | None]]] = deque()
        try:
            while True:
                while len(ahead) < self._prefetch:
                    ahead.append(reader.submit(batch))
                images, labels = ahead.popleft().result()
                yield images.to(device, non_blocking=True), None if labels is None else labels.to(device)
        finally:
            reader.shutdown(wait=True, cancel_futures=True)
