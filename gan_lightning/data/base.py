"""The interfaces of data modules, and how one that holds its samples in memory serves them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from lightning import LightningDataModule, Trainer
from torch import Tensor

from gan_lightning.data.batch import Batch
from gan_lightning.data.images import EvaluationImages, EvaluationSet, TensorImages
from gan_lightning.data.loader import Epochs, InMemoryLoader, LoaderOptions


@runtime_checkable
class CountsImages(Protocol):
    """Something that counts the real images of a run.

    Attributes:
        images_seen: real images shown to the discriminator so far, summed over ranks.
        images_loaded: real images that the loader has handed over so far, likewise.
        budget_images: images after which the run ends, whatever an epoch is; None: the Trainer counts epochs.
    """

    images_seen: int
    images_loaded: int
    budget_images: int | None


class LabelledImages(NamedTuple):
    """Images uint8 ``(N, C, H, W)`` and labels int64 ``(N,)``, or None, as a data set hands them over."""

    images: Tensor
    labels: Tensor | None


class RealDataModule(LightningDataModule):
    """Real samples for training, and what generated ones are compared with.

    Attributes:
        heldout_split: name of a split that training never sees, or None.
        sample_shape: shape of one sample, or None where it is not known before the data are read.

    Args:
        dataset: its name, a part of every score's protocol.
        classes: number of classes, or None without labels.
        batch_size: samples per discriminator update, over all processes.
        seed: seed of the order of the samples.

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

    def fingerprints(self) -> list[str]:
        """Return what tells the training samples from others, wherever they lie.

        Each is a hash of one view of them. Two sets that share one are the same; empty where the configuration says
        all there is to say.
        """
        return []

    def check_split(self, split: str) -> None:
        """Refuse a split that does not exist, before a run begins, where that can be told without generated samples.

        Raises:
            ValueError: naming the known ones.
        """

    def label_counts(self) -> Tensor | None:
        """Return how often each class is shown, up to a factor: int64 ``(classes,)``, or None without labels."""
        return None

    def train_dataloader(self) -> Iterable[Batch]:
        """Return the training batches from where the run stands, in epochs where the Trainer counts them.

        They are endless where the run has a budget, which ends it, and without a trainer. An epoch has as many batches
        as it takes to show every sample, and the next one continues where it ended, so that none is left out.
        """
        batches = self.endless_loader()
        if self.trainer is None or run_has_a_budget(self.trainer):
            return batches
        return Epochs(batches, self.batches_per_epoch)

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches that it takes to show every sample."""
        return math.ceil(self.images_per_epoch / self.batch_size)

    def endless_loader(self) -> Iterable[Batch]:
        """Return training batches without end, each iteration from where the run stands then."""
        raise NotImplementedError

    def evaluation_set(self, split: str) -> EvaluationSet:
        """Return what the evaluator compares generated samples with."""
        raise NotImplementedError

    def loader_options(self, *, flip: bool = False, window: int | None = None, balance: bool = False) -> LoaderOptions:
        """Return the options of a loader for the run; without a trainer it begins, alone, on the CPU."""
        trainer = self.trainer
        return {
            "batch_size": self.batch_size,
            "seed": self.seed,
            "start": self.position,
            "rank": 0 if trainer is None else trainer.global_rank,
            "world_size": 1 if trainer is None else trainer.world_size,
            "flip": flip,
            "window": window,
            "balance": balance,
            "device": torch.device("cpu") if trainer is None else trainer.strategy.root_device,
        }

    def position(self) -> int:
        """Return the run's ``images_loaded``; of a model that does not count them, the beginning of the epoch."""
        if self.trainer is None:
            return 0
        model = self.trainer.lightning_module
        if isinstance(model, CountsImages):
            return model.images_loaded
        return self.trainer.current_epoch * self.batches_per_epoch * self.batch_size

    def loader_in_memory(
        self, samples: Tensor, labels: Tensor | None, options: LoaderOptions, *, resident: bool = True
    ) -> InMemoryLoader:
        """Return an endless loader; ``resident``: all samples are kept on the training device."""
        if resident:
            device = options["device"]
            samples, labels = samples.to(device), None if labels is None else labels.to(device)
        return InMemoryLoader(samples, labels, **options)


def run_has_a_budget(trainer: Trainer) -> bool:
    """Say whether a run ends after a number of images, whatever an epoch is."""
    model = trainer.lightning_module
    return isinstance(model, CountsImages) and model.budget_images is not None


class ImageDataModule(RealDataModule):
    """Real images for training and for evaluation; the one place that knows files, splits and ranges.

    Args:
        dataset: its name, a part of every score's protocol.
        resolution: height and width of the images.
        channels: 1 or 3.
        classes: number of classes, or None without labels.
        batch_size: images per discriminator update, over all processes.
        seed: seed of the order of the images.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self, *, dataset: str, resolution: int, channels: int, classes: int | None, batch_size: int, seed: int
    ) -> None:
        super().__init__(dataset=dataset, classes=classes, batch_size=batch_size, seed=seed)
        if channels not in (1, 3):
            raise ValueError(f"data.channels must be 1 (gray) or 3 (RGB), got {channels}")
        self.resolution = resolution
        self.channels = channels
        self.sample_shape = (channels, resolution, resolution)

    @property
    def class_names(self) -> Sequence[str] | None:
        """What the classes are called, in the order of their indices; None: nobody says, or there are none."""
        return None

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

    def check_split(self, split: str) -> None:
        """Load a split, which is kept.

        Raises:
            ValueError: for a split that the data set does not have.
        """
        self._split(split)

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

    def endless_loader(self) -> InMemoryLoader:
        """Return an endless loader over images on the training device."""
        images, labels = self._split("train")
        return self.loader_in_memory(images, labels, self.loader_options(flip=self.flip))

    def evaluation_images(self, split: str) -> EvaluationImages:
        """Return the real images of ``split`` as the evaluator wants them."""
        images, labels = self._split(split)
        return TensorImages(images=images, labels=labels, name=self.dataset, split=split)
