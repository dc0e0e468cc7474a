"""Images that are decoded again in every epoch, ahead of the training, by worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lightning.data.errors import BadImage, DataError, decoding
from gan_lightning.data.images import EvaluationImages, TensorImages
from gan_lightning.data.loader import EndlessLoader, LoaderOptions
from gan_lightning.data.loading import Loading
from gan_lightning.data.source import ImageSource
from gan_lightning.data.store import Looked
from gan_lightning.data.transform import Transform
from gan_lightning.data.workers import parallel


def decoded(images: Iterable[tuple[str, Callable[[], Image.Image]]], count: int, transform: Transform) -> Tensor:
    """Decode images into one tensor.

    Args:
        images: for each, the complaint if it cannot be used, and what opens it.
        count: how many there are.
        transform: what is done to each.

    Returns:
        uint8 ``(count, C, R, R)``.

    Raises:
        DataError: for an image that cannot be used.
    """
    side = transform.resolution
    pixels = np.empty((count, transform.channels, side, side), np.uint8)
    for place, (complaint, open_image) in enumerate(images):
        try:
            with decoding():
                image = open_image()
                image.load()
            pixels[place] = transform(image)
        except ValueError as error:
            reason = error.reason if isinstance(error, BadImage) else error
            raise DataError(f"{complaint}: {type(reason).__name__}: {reason}") from reason
    return torch.from_numpy(pixels)


@dataclass(frozen=True)
class Decoder:
    """Decodes some images of a source into one tensor.

    Args:
        source: the images.
        transform: what is done to each.
    """

    source: ImageSource
    transform: Transform

    def __call__(self, rows: list[int]) -> Tensor:
        """Return uint8 ``(n, C, R, R)``.

        Raises:
            DataError: for an image that was good before the run.
        """
        named = ((f"{self.source.name(row)} cannot be read any more", partial(self.source.open, row)) for row in rows)
        return decoded(named, len(rows), self.transform)


class StreamLoader(EndlessLoader):
    """The same batches as ``InMemoryLoader`` has of the decoded images, without holding them.

    Args:
        source: the images, all of them good.
        transform: what is done to each.
        loading: number of workers, and how far they work ahead.
        options: see ``EndlessLoader``.

    Raises:
        ValueError: as ``EndlessLoader``.
    """

    def __init__(
        self, source: ImageSource, transform: Transform, loading: Loading, **options: Unpack[LoaderOptions]
    ) -> None:
        super().__init__(len(source), source.labels, **options)
        self._decoder = Decoder(source, transform)
        self._loading = loading

    def samples(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield images as the workers deliver them."""
        device = self.device or torch.device("cpu")
        decoded = parallel(
            self._decoder,
            (rows.tolist() for rows in self.shares()),
            workers=self._loading.processes,
            prefetch=self._loading.prefetch,
            pin_memory=device.type == "cuda",
        )
        for rows, images in zip(self.shares(), decoded, strict=True):
            labels = None if self.labels is None else self.labels[rows].to(device)
            yield images.to(device, non_blocking=True), labels


class StreamedImages(EvaluationImages):
    """Real images for the evaluator, decoded as they are asked for.

    Args:
        source: the images, all of them good.
        transform: what is done to each.
        loading: number of workers, and how far they work ahead.
        name: name of the data set.
        split: name of the part.
        fingerprint: sha256 over all that determines the pixels.
        class_names: what the classes are called, or None.
        window: side of the window cut out of the middle; None: the whole image.
    """

    def __init__(
        self,
        source: ImageSource,
        transform: Transform,
        loading: Loading,
        *,
        name: str,
        split: str,
        fingerprint: str,
        class_names: Sequence[str] | None = None,
        window: int | None = None,
    ) -> None:
        self.name = name
        self.split = split
        self.fingerprint = fingerprint
        self.labels = source.labels
        self.class_names = class_names
        self._decoder = Decoder(source, transform)
        self._loading = loading
        self._window = window
        self._length = len(source)

    def __len__(self) -> int:
        return self._length

    def batches(self, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Iterator[Tensor]:
        """Yield this rank's images; see ``EvaluationImages.batches``."""
        mine = list(range(rank, self._length, world_size))
        rows = [mine[start : start + batch_size] for start in range(0, len(mine), batch_size)]
        for images in parallel(self._decoder, rows, workers=self._loading.processes, prefetch=self._loading.prefetch):
            yield centered(images, self._window)

    def take(self, rows: list[int]) -> Tensor:
        """Return some of the images."""
        return centered(self._decoder(rows), self._window)


def for_evaluation(
    found: Looked, loading: Loading, *, name: str, split: str, window: int | None = None
) -> EvaluationImages:
    """Return the images of a split that has been looked at, or their middles, from memory if they are there."""
    # of the report, which may be kept: asking the source would read data that are not needed otherwise
    names = None if found.report.classes is None else list(found.report.classes)
    if found.pixels is None:
        return StreamedImages(
            found.source,
            found.transform,
            loading,
            name=name,
            split=split,
            fingerprint=found.fingerprint if window is None else f"{found.fingerprint} {window}",
            class_names=names,
            window=window,
        )
    return TensorImages(
        images=centered(found.pixels, window),
        labels=found.labels,
        name=name,
        split=split,
        class_names=names,
        fingerprint=found.fingerprint if window is None else None,
    )


def centered(images: Tensor, window: int | None) -> Tensor:
    """Cut the middle out of images ``(N, C, H, W)``; None: leave them."""
    if window is None or images.shape[-1] == window:
        return images
    top, left = ((side - window) // 2 for side in images.shape[2:])
    return images[:, :, top : top + window, left : left + window].contiguous()
