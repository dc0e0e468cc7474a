"""The interfaces of data modules, and how one that holds its samples in memory serves them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from lightning import LightningDataModule
from torch import Tensor

from gan_lightning.core.progress import CountsImages
from gan_lightning.data.batch import Batch
from gan_lightning.data.images import EvaluationImages, EvaluationSet, TensorImages
from gan_lightning.data.loader import InMemoryLoader


class LabelledImages(NamedTuple):
    """Images uint8 ``(N, C, H, W)`` and labels int64 ``(N,)``, or None, as a data set hands them over."""

    images: Tensor
    labels: Tensor | None


class Standing(NamedTuple):
    """Where a loader is to start: the run's device and ``images_loaded``, and this process among how many."""

    device: torch.device
    start: int
    rank: int
    world_size: int


class RealDataModule(LightningDataModule):
    """Real samples for training, and what generated ones are compared with.

    Attributes:
        heldout_split: name of a split that training never sees, or None.
        sample_shape: shape of one sample, or None where it is not known before the data are read.

    Args:
        dataset: its name, a part of every score's protocol.
        classes: number of classes, or None without labels.
        batch_size: samples per discriminator update, over all processes.
        seed: of the order of the samples.

    Raises:
        ValueError: for a value out of range.
    """

    heldout_split: str | None = None
    sample_shape: tuple[int, ...] | None = None

    def __init__(self, *, dataset: str, classes: int | None, batch_size: int, seed: int) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.dataset = dataset
        self.classes = classes
        self.batch_size = batch_size
        self.seed = seed

    @property
    def images_per_epoch(self) -> int:
        """Number of training samples."""
        raise NotImplementedError

    def label_counts(self) -> Tensor | None:
        """Return how often each class is shown, up to a factor: int64 ``(classes,)``, or None without labels."""
        return None

    def train_dataloader(self) -> Iterable[Batch]:
        """Return an endless loader that starts where the module stands."""
        raise NotImplementedError

    def evaluation_set(self, split: str) -> EvaluationSet:
        """Return what the evaluator compares generated samples with."""
        raise NotImplementedError

    def standing(self) -> Standing:
        """Return where the module stands; without a trainer, at the beginning, alone, on the CPU."""
        trainer = self.trainer
        if trainer is None:
            return Standing(torch.device("cpu"), start=0, rank=0, world_size=1)
        model = trainer.lightning_module
        start = model.images_loaded if isinstance(model, CountsImages) else 0
        return Standing(trainer.strategy.root_device, start, trainer.global_rank, trainer.world_size)

    def loader_in_memory(
        self,
        samples: Tensor,
        labels: Tensor | None = None,
        *,
        flip: bool = False,
        window: int | None = None,
        balance: bool = False,
        resident: bool = True,
    ) -> InMemoryLoader:
        """Return an endless loader from ``standing`` on; ``resident``: all samples are kept on the training device."""
        device, start, rank, world_size = self.standing()
        if resident:
            samples, labels = samples.to(device), None if labels is None else labels.to(device)
        return InMemoryLoader(
            samples,
            labels,
            batch_size=self.batch_size,
            seed=self.seed,
            start=start,
            rank=rank,
            world_size=world_size,
            flip=flip,
            window=window,
            balance=balance,
            device=device,
        )


class ImageDataModule(RealDataModule):
    """Real images for training and for evaluation; the one place that knows files, splits and ranges.

    Args:
        dataset: its name, a part of every score's protocol.
        resolution: height and width of the images.
        channels: 1 or 3.
        classes: number of classes, or None without labels.
        batch_size: images per discriminator update, over all processes.
        seed: of the order of the images.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self, *, dataset: str, resolution: int, channels: int, classes: int | None, batch_size: int, seed: int
    ) -> None:
        super().__init__(dataset=dataset, classes=classes, batch_size=batch_size, seed=seed)
        if channels not in (1, 3):
            raise ValueError(f"data.channels must be 1 (grey) or 3 (RGB), got {channels}")
        self.resolution = resolution
        self.channels = channels
        self.sample_shape = (channels, resolution, resolution)

    def evaluation_images(self, split: str) -> EvaluationImages:
        """Return the real images of ``split`` as the evaluator wants them."""
        raise NotImplementedError

    def evaluation_set(self, split: str) -> EvaluationImages:
        """Return ``evaluation_images``."""
        return self.evaluation_images(split)


class InMemoryDataModule(ImageDataModule):
    """A data module whose images fit in memory as uint8; a subclass loads one split."""

    flip = False

    def load(self, split: str) -> LabelledImages:
        """Return one split.

        Raises:
            ValueError: for a split that the data set does not have.
        """
        raise NotImplementedError

    def _split(self, split: str) -> LabelledImages:
        cache: dict[str, LabelledImages] = self.__dict__.setdefault("_splits", {})
        if split not in cache:
            cache[split] = self.load(split)
        return cache[split]

    @property
    def images_per_epoch(self) -> int:
        """Number of training images."""
        return len(self._split("train").images)

    def label_counts(self) -> Tensor | None:
        """Return the number of training images per class: int64 ``(classes,)``, or None without labels."""
        labels = self._split("train").labels
        return None if labels is None else labels.bincount(minlength=self.classes or 0)

    def train_dataloader(self) -> InMemoryLoader:
        """Return an endless loader over images on the training device."""
        images, labels = self._split("train")
        return self.loader_in_memory(images, labels, flip=self.flip)

    def evaluation_images(self, split: str) -> EvaluationImages:
        """Return the real images of ``split`` as the evaluator wants them."""
        images, labels = self._split(split)
        return TensorImages(images=images, labels=labels, name=self.dataset, split=split)
