"""MNIST, FashionMNIST, CIFAR10, CIFAR100 and STL10, which torchvision downloads and tests by checksum."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_lightning.data.official import LoadedDataModule, Remote
from gan_lightning.data.source import Arrays, integers


def torchvision_datasets() -> Any:
    """Return ``torchvision.datasets``, whose import takes a second that only those who use it should wait."""
    from torchvision import datasets

    return datasets


class MNISTDataModule(LoadedDataModule):
    """MNIST: 60,000 training and 10,000 test images of digits, 28x28, gray (LeCun 1998)."""

    title = "MNIST"
    key = "mnist"
    class_count = 10
    folder = "MNIST/raw"

    def _class(self) -> Any:
        return torchvision_datasets().MNIST

    def remotes(self) -> list[Remote]:
        """List the four IDX files."""
        kind = self._class()
        return [Remote(kind.mirrors[0] + file, md5, self.folder) for file, md5 in kind.resources]

    def arrays(self, split: str) -> Arrays:
        """Load one split."""
        found = self._class()(str(self.root), train=split == "train", download=self.download)
        return Arrays(found.data.numpy(), found.targets.long(), found.classes)


class FashionMNISTDataModule(MNISTDataModule):
    """Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28x28, gray (Xiao 2017, arXiv 1708.07747)."""

    title = "Fashion-MNIST"
    key = "fashion_mnist"
    folder = "FashionMNIST/raw"

    def _class(self) -> Any:
        return torchvision_datasets().FashionMNIST


class CIFAR10DataModule(LoadedDataModule):
    """CIFAR-10: 50,000 training and 10,000 test images, 32x32, RGB, 10 classes (Krizhevsky 2009)."""

    title = "CIFAR-10"
    key = "cifar10"
    class_count = 10
    folder = "cifar-10-batches-py"

    def _class(self) -> Any:
        return torchvision_datasets().CIFAR10

    def remotes(self) -> list[Remote]:
        """List the archive."""
        kind = self._class()
        return [Remote(kind.url, kind.tgz_md5, ".")]

    def arrays(self, split: str) -> Arrays:
        """Load one split."""
        found = self._class()(str(self.root), train=split == "train", download=self.download)
        return Arrays(found.data, integers(found.targets), found.classes)


class CIFAR100DataModule(CIFAR10DataModule):
    """CIFAR-100: 50,000 training and 10,000 test images, 32x32, RGB, 100 fine classes (Krizhevsky 2009)."""

    title = "CIFAR-100"
    key = "cifar100"
    class_count = 100
    folder = "cifar-100-python"

    def _class(self) -> Any:
        return torchvision_datasets().CIFAR100


class STL10DataModule(LoadedDataModule):
    """STL-10: 96x96, RGB (Coates 2011).

    Without classes, the 100,000 unlabeled images are trained on, as the GAN literature does; with ``classes: 10``,
    the 5,000 labeled ones. The 8,000 test images are held out either way.
    """

    title = "STL-10"
    key = "stl10"
    class_count = 10
    folder = "stl10_binary"

    def remotes(self) -> list[Remote]:
        """List the archive."""
        kind = torchvision_datasets().STL10
        return [Remote(kind.url, kind.tgz_md5, ".")]

    def arrays(self, split: str) -> Arrays:
        """Load one split."""
        part = "unlabeled" if split == "train" and self.classes is None else split
        found = torchvision_datasets().STL10(str(self.root), split=part, download=self.download)
        pixels = np.ascontiguousarray(found.data.transpose(0, 2, 3, 1))
        if self.classes is None:
            return Arrays(pixels)
        return Arrays(pixels, integers(found.labels.tolist()), found.classes)
