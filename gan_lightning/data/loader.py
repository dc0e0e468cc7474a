"""An endless loader over samples in memory, whose order is a function of (seed, images seen)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gan_lightning.data.batch import Batch
from gan_lightning.seeding import generator_for

_ORDER, _FLIP = 1, 2  # distinct streams of one seed


def to_unit_range(images: Tensor) -> Tensor:
    """Map uint8 0..255 to float32 [-1, 1], by x / 127.5 - 1."""
    return images.float().div_(127.5).sub_(1.0)


class InMemoryLoader:
    """Yields batches for ever, from any position, without workers and without Python per image.

    The stream of image k is a permutation of the set per epoch, one after the other, so that no image is dropped
    at an epoch's end. Each rank takes its own slice of every global batch.

    Args:
        images: uint8 ``(N, C, H, W)``, or float32 samples of any shape, which are passed on as they are; on the
            device on which batches are wanted.
        labels: int64 ``(N,)``, or None.
        batch_size: global batch, over all ranks.
        seed: of the order and the flips.
        start: position of the first image, the run's ``images_seen``.
        rank: of this process.
        world_size: number of processes.
        flip: mirror each image with probability one half.

    Raises:
        ValueError: if there are no images, or the batch does not divide over the processes.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        *,
        batch_size: int,
        seed: int = 0,
        start: int = 0,
        rank: int = 0,
        world_size: int = 1,
        flip: bool = False,
    ) -> None:
        if batch_size < 1 or batch_size % world_size:
            raise ValueError(f"batch_size is global and must divide over {world_size} processes, got {batch_size}")
        if len(images) == 0:
            raise ValueError("images must hold at least one image, got none")
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.start = start
        self.rank = rank
        self.world_size = world_size
        self.flip = flip
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            self._order = torch.randperm(len(self.images), generator=generator_for(self.seed, _ORDER, epoch))
            self._epoch = epoch
        return self._order

    def indices(self, position: int, count: int) -> Tensor:
        """Return the images at stream positions ``position`` to ``position + count``: int64 ``(count,)``."""
        pieces = []
        while count > 0:
            epoch, offset = divmod(position, len(self.images))
            piece = self._permutation(epoch)[offset : offset + count]
            pieces.append(piece)
            position += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def __iter__(self) -> Iterator[Batch]:
        position = self.start
        share = self.batch_size // self.world_size
        while True:
            chosen = self.indices(position, self.batch_size)[self.rank * share : (self.rank + 1) * share]
            chosen = chosen.to(self.images.device)
            images = self.images[chosen]
            if images.dtype == torch.uint8:
                images = to_unit_range(images)
            if self.flip:
                mirrored = self._mirrored(position)[self.rank * share : (self.rank + 1) * share].to(images.device)
                images = torch.where(mirrored.view(-1, *[1] * (images.ndim - 1)), images.flip(-1), images)
            yield Batch(images, None if self.labels is None else self.labels[chosen])
            position += self.batch_size

    def _mirrored(self, position: int) -> Tensor:
        """Say which images of the global batch at ``position`` are mirrored: bool ``(batch_size,)``."""
        return torch.rand(self.batch_size, generator=generator_for(self.seed, _FLIP, position)).lt(0.5)
