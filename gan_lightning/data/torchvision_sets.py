"""MNIST, FashionMNIST, CIFAR10, CIFAR100 and STL10, which torchvision downloads and tests by checksum."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch

from gan_lightning.data.files import FolderFiles, digest
from gan_lightning.data.official import DOWNLOAD_ERRORS, OfficialDataModule, Remote
from gan_lightning.data.source import ArrayImages, Arrays, ImageSource


def torchvision_datasets() -> Any:
    """Return ``torchvision.datasets``, whose import takes a second that only those who use it should wait."""
    from torchvision import datasets

    return datasets


class TorchvisionDataModule(OfficialDataModule):
    """A published data set that torchvision loads as arrays: 10 classes and one archive, unless a subclass differs."""

    class_count = 10

    @abstractmethod
    def kind(self) -> Any:
        """Return torchvision's class."""

    def remotes(self) -> list[Remote]:
        """List the archive."""
        return [Remote(self.kind().url, self.kind().tgz_md5, ".")]

    def arrays(self, split: str) -> Arrays:
        """Load one split, downloading what is missing.

        Raises:
            Exception: one of ``DOWNLOAD_ERRORS``, if that fails.
        """
        found = self.kind()(str(self.root), train=split == "train", download=self.download)
        return Arrays(np.asarray(found.data), torch.as_tensor(found.targets, dtype=torch.int64), found.classes)

    def is_present(self) -> bool:
        """Return whether the folder is there; ``arrays`` looks closer."""
        return (self.root / self.folder).is_dir()

    def fetch(self) -> None:
        """Download it."""
        self.arrays(self.splits[0])

    def official(self, split: str) -> ImageSource:
        """Return arrays that are loaded only if their decoded images are not in the cache."""

        def load() -> Arrays:
            try:
                return self.arrays(split)
            except DOWNLOAD_ERRORS as error:
                raise self.missing(f"{type(error).__name__}: {error}") from error

        version = digest(FolderFiles(self.root / self.folder).entries())
        return ArrayImages(f"{type(self).__name__} {split} {self.classes is not None} {version}", load)


class MNISTDataModule(TorchvisionDataModule):
    """MNIST: 60,000 training and 10,000 test images of digits, 28x28, gray (LeCun 1998)."""

    title = "MNIST"
    key = "mnist"
    folder = "MNIST/raw"

    def kind(self) -> Any:
        """Return torchvision's class."""
        return torchvision_datasets().MNIST

    def remotes(self) -> list[Remote]:
        """List the four IDX files."""
        return [Remote(self.kind().mirrors[0] + file, md5, self.folder) for file, md5 in self.kind().resources]


class FashionMNISTDataModule(MNISTDataModule):
    """Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28x28, gray (Xiao 2017, arXiv 1708.07747)."""

    title = "Fashion-MNIST"
    key = "fashion_mnist"
    folder = "FashionMNIST/raw"

    def kind(self) -> Any:
        """Return torchvision's class."""
        return torchvision_datasets().FashionMNIST


class CIFAR10DataModule(TorchvisionDataModule):
    """CIFAR-10: 50,000 training and 10,000 test images, 32x32, RGB, 10 classes (Krizhevsky 2009)."""

    title = "CIFAR-10"
    key = "cifar10"
    folder = "cifar-10-batches-py"

    def kind(self) -> Any:
        """Return torchvision's class."""
        return torchvision_datasets().CIFAR10


class CIFAR100DataModule(TorchvisionDataModule):
    """CIFAR-100: 50,000 training and 10,000 test images, 32x32, RGB, 100 fine classes (Krizhevsky 2009)."""

    title = "CIFAR-100"
    key = "cifar100"
    class_count = 100
    folder = "cifar-100-python"

    def kind(self) -> Any:
        """Return torchvision's class."""
        return torchvision_datasets().CIFAR100


class STL10DataModule(TorchvisionDataModule):
    """STL-10: 96x96, RGB (Coates 2011).

    Without classes, the 100,000 unlabeled images are trained on, as the GAN literature does; with ``classes: 10``,
    the 5,000 labeled ones. The 8,000 test images are held out either way.
    """

    title = "STL-10"
    key = "stl10"
    folder = "stl10_binary"

    def kind(self) -> Any:
        """Return torchvision's class."""
        return torchvision_datasets().STL10

    def arrays(self, split: str) -> Arrays:
        """Load one split."""
        part = "unlabeled" if split == "train" and self.classes is None else split
        found = self.kind()(str(self.root), split=part, download=self.download)
        pixels = np.ascontiguousarray(found.data.transpose(0, 2, 3, 1))
        if self.classes is None:
            return Arrays(pixels)
        return Arrays(pixels, torch.as_tensor(found.labels, dtype=torch.int64), found.classes)
