"""Endless loaders over real samples, whose order and batches are functions of (seed, images loaded); their epochs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import count as counted
from itertools import islice
from typing import NotRequired, TypedDict, Unpack

import torch
from torch import Tensor

from gan_lightning.core.seeding import generator_for
from gan_lightning.data.batch import Batch

_ORDER, _FLIP, _WINDOW = 1, 2, 4  # distinct streams of one seed


class EndlessOrder:
    """One permutation of the set after the other, so that no image is dropped at an epoch's end.

    Args:
        length: number of images.
        seed: seed of the permutations.
        balance: class indices, int64 ``(length,)``: every epoch then shows all classes equally often (to within one
            image), an epoch being as long as before; images of small classes are repeated, evenly. None: every image
            once.

    Raises:
        ValueError: if there are no images.
    """

    def __init__(self, length: int, *, seed: int, balance: Tensor | None = None) -> None:
        if length == 0:
            raise ValueError("images must hold at least one image, got none")
        self.length = length
        self.seed = seed
        self._members = None
        if balance is not None:
            self._members = [(balance == label).nonzero().squeeze(1) for label in balance.unique()]
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def indices(self, position: int, count: int) -> Tensor:
        """Return the images at stream positions ``position`` to ``position + count``: int64 ``(count,)``."""
        pieces = []
        while count > 0:
            epoch, offset = divmod(position, self.length)
            if epoch != self._epoch:
                self._order, self._epoch = self._permutation(epoch), epoch
            piece = self._order[offset : offset + count]
            pieces.append(piece)
            position += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _permutation(self, epoch: int) -> Tensor:
        random = generator_for(self.seed, _ORDER, epoch)
        if self._members is None:
            return torch.randperm(self.length, generator=random)
        shares = torch.full((len(self._members),), self.length // len(self._members))
        shares[torch.randperm(len(shares), generator=random)[: self.length % len(shares)]] += 1
        rows = torch.cat(
            [
                torch.cat(
                    [members[torch.randperm(len(members), generator=random)] for _ in range(-(-share // len(members)))]
                )[:share]
                for members, share in zip(self._members, shares.tolist(), strict=True)
                if share
            ]
        )
        return rows[torch.randperm(self.length, generator=random)]


def to_unit_range(images: Tensor) -> Tensor:
    """Map uint8 0..255 to float32 [-1, 1], by x / 127.5 - 1."""
    return images.float().div_(127.5).sub_(1.0)


def window_side(resolution: int, crop_from: int | None) -> int | None:
    """Return the side of the windows of images of ``crop_from`` pixels; None: the whole image.

    Raises:
        ValueError: if the images are smaller than the windows.
    """
    if crop_from is not None and crop_from < resolution:
        raise ValueError(f"data.crop_from must be at least data.resolution = {resolution}, got {crop_from}")
    return None if crop_from is None or crop_from == resolution else resolution


def windows(images: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
    """Cut one window out of each image.

    Args:
        images: ``(N, C, H, W)``.
        top: first row of each window, int64 ``(N,)``.
        left: first column, likewise.
        side: height and width of the windows.

    Returns:
        ``(N, C, side, side)``.
    """
    span = torch.arange(side, device=images.device)
    rows, columns = top[:, None] + span, left[:, None] + span
    image = torch.arange(len(images), device=images.device)
    return images[image[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Epochs:
    """The same number of batches of an endless loader at each iteration, for a Trainer that counts epochs.

    Args:
        batches: an endless loader, which starts where the last epoch ended.
        length: batches in an epoch.
    """

    def __init__(self, batches: Iterable[Batch], length: int) -> None:
        self.batches = batches
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Batch]:
        return islice(self.batches, self.length)


class LoaderOptions(TypedDict):
    """The arguments that every loader hands on to ``EndlessLoader``, which describes them."""

    batch_size: int
    seed: NotRequired[int]
    start: NotRequired[int | Callable[[], int]]
    rank: NotRequired[int]
    world_size: NotRequired[int]
    flip: NotRequired[bool]
    window: NotRequired[int | None]
    balance: NotRequired[bool]
    device: NotRequired[torch.device | None]


class EndlessLoader(ABC):
    """Yields batches for ever, from any position; each rank takes its own slice of every global batch.

    The random choices of a batch are made for all ranks together, so that the images of a run do not depend on the
    number of processes.

    Args:
        length: number of images.
        labels: int64 ``(N,)``, or None.
        batch_size: global batch, over all ranks.
        seed: seed of the order, the windows and the flips.
        start: position of the first image of an iteration, the run's ``images_loaded``, or what returns it.
        rank: rank of this process.
        world_size: number of processes.
        flip: mirror each image with probability one half.
        window: side of the window that is cut out of each image at random; None: the whole image.
        balance: show all classes equally often.
        device: where batches are wanted; None: where the images are.

    Attributes:
        order: order of the images.

    Raises:
        ValueError: if there are no images, none has a label to balance by, or the batch does not divide over the
            processes.
    """

    def __init__(
        self,
        length: int,
        labels: Tensor | None = None,
        *,
        batch_size: int,
        seed: int = 0,
        start: int | Callable[[], int] = 0,
        rank: int = 0,
        world_size: int = 1,
        flip: bool = False,
        window: int | None = None,
        balance: bool = False,
        device: torch.device | None = None,
    ) -> None:
        if batch_size < 1 or batch_size % world_size:
            raise ValueError(f"batch_size is global and must divide over {world_size} processes, got {batch_size}")
        if balance and labels is None:
            raise ValueError("data.balance needs images with classes; set data.classes")
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.start = start
        self.rank = rank
        self.world_size = world_size
        self.flip = flip
        self.window = window
        self.device = device
        self.order = EndlessOrder(length, seed=seed, balance=labels.cpu() if balance and labels is not None else None)

    @property
    def position(self) -> int:
        """Position of the first image of an iteration that begins now."""
        return self.start() if callable(self.start) else self.start

    @property
    def mine(self) -> slice:
        """This rank's part of a global batch."""
        share = self.batch_size // self.world_size
        return slice(self.rank * share, (self.rank + 1) * share)

    def shares(self) -> Iterator[Tensor]:
        """Yield this rank's images of each batch, from the start position on."""
        for position in counted(self.position, self.batch_size):
            yield self.order.indices(position, self.batch_size)[self.mine]

    @abstractmethod
    def samples(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield the images of each of ``shares``, uint8 or float32, and their labels, on ``device``.

        The images are the receiver's to change.
        """

    def __iter__(self) -> Iterator[Batch]:
        position = self.position
        for images, labels in self.samples():
            yield Batch(self._finished(images, position), labels)
            position += self.batch_size

    def _finished(self, images: Tensor, position: int) -> Tensor:
        if self.window is not None:
            space = torch.tensor(images.shape[2:]) - self.window + 1
            random = torch.rand(self.batch_size, 2, generator=generator_for(self.seed, _WINDOW, position))
            top, left = (random * space).long()[self.mine].to(images.device).unbind(1)
            images = windows(images, top, left, self.window)
        if self.flip:  # before the conversion: a byte per value instead of four
            random = torch.rand(self.batch_size, generator=generator_for(self.seed, _FLIP, position))
            mirrored = random[self.mine].lt(0.5).nonzero().squeeze(1).to(images.device)
            images.index_copy_(0, mirrored, images.index_select(0, mirrored).flip(-1))
        if images.dtype == torch.uint8:
            images = to_unit_range(images)
        return images


class InMemoryLoader(EndlessLoader):
    """Batches of images in memory, without workers and without Python per image.

    Args:
        images: uint8 ``(N, C, H, W)``, or float32 samples of any shape, which are passed on as they are.
        labels: int64 ``(N,)`` on the same device, or None.
        options: see ``EndlessLoader``.

    Raises:
        ValueError: as ``EndlessLoader``.
    """

    def __init__(self, images: Tensor, labels: Tensor | None = None, **options: Unpack[LoaderOptions]) -> None:
        super().__init__(len(images), labels, **options)
        self.images = images

    def samples(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield images and labels by index."""
        for chosen in self.shares():
            here = chosen.to(self.images.device)
            images, labels = self.images.index_select(0, here), None if self.labels is None else self.labels[here]
            if self.device is not None:
                images = images.to(self.device)
                labels = None if labels is None else labels.to(self.device)
            yield images, labels
