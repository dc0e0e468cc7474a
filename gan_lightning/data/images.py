"""What the evaluator sees of a set of real images: uint8 pictures, a name, and a fingerprint to cache under."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


class EvaluationSet(ABC):
    """What an evaluator compares generated samples with.

    Attributes:
        name: the data set, as it is to appear beside a score.
        split: the part of it, "train" for instance.
    """

    name: str
    split: str


class EvaluationImages(EvaluationSet):
    """A finite set of real images in a fixed order.

    Attributes:
        fingerprint: sha256 over all that determines the pixels: the key of cached statistics.
        labels: int64 ``(N,)`` class indices, or None.
        class_names: what the classes are called, in the order of their indices; None: unknown.
    """

    fingerprint: str
    labels: Tensor | None
    class_names: Sequence[str] | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Return how many images there are, over all ranks."""

    @abstractmethod
    def batches(self, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Iterator[Tensor]:
        """Yield the images ``rank, rank + world_size, ...`` in order, each exactly once over all ranks.

        Args:
            batch_size: images per batch; the last batch may be smaller.
            rank: this process, in [0, world_size).
            world_size: the number of processes that share the work.

        Yields:
            uint8 ``(n, C, H, W)`` with ``1 <= n <= batch_size``, on the CPU.
        """

    def take(self, rows: list[int]) -> Tensor:
        """Return some of the images by their places: uint8 ``(len(rows), C, H, W)`` on the CPU."""
        raise NotImplementedError


class TensorImages(EvaluationImages):
    """Real images that are already a tensor in memory.

    Args:
        images: uint8 ``(N, C, H, W)``.
        name: name of the data set.
        split: name of the part.
        labels: int64 ``(N,)`` class indices, or None.
        class_names: what the classes are called, or None.
        fingerprint: sha256 over shape and pixels, if it is known already; None: it is computed.

    Raises:
        ValueError: if the images are not uint8 of four axes, or the labels do not match them.
    """

    def __init__(
        self,
        *,
        images: Tensor,
        name: str,
        split: str,
        labels: Tensor | None = None,
        class_names: Sequence[str] | None = None,
        fingerprint: str | None = None,
    ) -> None:
        if images.dtype != torch.uint8 or images.ndim != 4:
            raise ValueError(f"images must be uint8 (N, C, H, W), got {images.dtype} {tuple(images.shape)}")
        if labels is not None and labels.shape != images.shape[:1]:
            raise ValueError(f"labels must have shape ({len(images)},), got {tuple(labels.shape)}")
        self.name = name
        self.split = split
        self.labels = labels
        self.class_names = class_names
        self._images = images.cpu().contiguous()
        self.fingerprint = fingerprint or pixels_fingerprint(self._images)

    def __len__(self) -> int:
        return self._images.shape[0]

    def batches(self, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Iterator[Tensor]:
        """Yield this rank's images; see ``EvaluationImages.batches``."""
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must lie in [0, {world_size}), got {rank}")
        mine = self._images[rank::world_size]
        for start in range(0, len(mine), batch_size):
            yield mine[start : start + batch_size]

    def take(self, rows: list[int]) -> Tensor:
        """Return some of the images."""
        return self._images[rows]


def pixels_fingerprint(images: Tensor) -> str:
    """Return the SHA-256 of the shape and the pixels of uint8 images on the CPU."""
    digest = hashlib.sha256(repr(tuple(images.shape)).encode())
    digest.update(images.contiguous().numpy().data)
    return digest.hexdigest()
