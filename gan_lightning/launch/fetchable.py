"""What can be fetched beforehand, by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from gan_lightning.core.cache import cache_root
from gan_lightning.data import (
    CelebADataModule,
    CIFAR10DataModule,
    CIFAR100DataModule,
    FashionMNISTDataModule,
    MNISTDataModule,
    OfficialDataModule,
    STL10DataModule,
)
from gan_lightning.metrics import DINOv2Extractor
from gan_lightning.metrics.known_weights import BACKBONES, CLIP, DINOV2, EFFICIENTNET_LITE0, INCEPTION, KnownWeights
from gan_lightning.metrics.weights_file import find_weights


class Fetchable(ABC):
    """Something that can be fetched.

    Attributes:
        title: what it is.
    """

    title: str

    @abstractmethod
    def is_here(self) -> bool:
        """Return whether its files are in the cache folder; their content is not checked."""

    @abstractmethod
    def fetch(self) -> Path:
        """Fetch it, unless it is here, and return where it lies.

        Raises:
            ValueError: if it cannot be fetched; the message says what to put where.
            OSError: if it cannot be written.
        """


@dataclass(frozen=True)
class WeightsFile(Fetchable):
    """A file of weights in the cache folder."""

    known: KnownWeights
    use: str

    @property
    def title(self) -> str:  # type: ignore[override]
        """The network and what it is for."""
        return f"{self.known.title} weights, {self.use}"

    def is_here(self) -> bool:
        """Return whether the file is there."""
        return (cache_root() / self.known.file_name).is_file()

    def fetch(self) -> Path:
        """Download it and test its checksum."""
        return find_weights(self.known, weights_path=None, cache_dir=None)


@dataclass(frozen=True)
class HubNetwork(Fetchable):
    """A network whose code and weights ``torch.hub`` keeps in the cache folder."""

    variant: str

    @property
    def title(self) -> str:  # type: ignore[override]
        """The network and what it is for."""
        return f"{DINOV2[self.variant].title}, code and weights, of DINOv2Extractor"

    @property
    def folder(self) -> Path:
        """Where ``torch.hub`` keeps it."""
        return cache_root() / "hub"

    def is_here(self) -> bool:
        """Return whether the file with its weights is there."""
        return (self.folder / "checkpoints" / DINOV2[self.variant].file_name).is_file()

    def fetch(self) -> Path:
        """Load it once."""
        DINOv2Extractor(variant=self.variant)  # type: ignore[arg-type]
        return self.folder


@dataclass(frozen=True)
class DataSet(Fetchable):
    """A published data set, in ``data`` of the cache folder."""

    module: type[OfficialDataModule]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Its usual name."""
        return f"{self.module.title}, data={self.module.key}"

    def _open(self) -> OfficialDataModule:
        return self.module(resolution=64)  # of no account: nothing is decoded

    def is_here(self) -> bool:
        """Return whether its files are there; their content is not checked."""
        return self._open().is_present()

    def fetch(self) -> Path:
        """Download it and test its checksums."""
        data = self._open()
        data.source("train")
        return data.root


_SETS: list[type[OfficialDataModule]] = [
    MNISTDataModule,
    FashionMNISTDataModule,
    CIFAR10DataModule,
    CIFAR100DataModule,
    STL10DataModule,
    CelebADataModule,
]

FETCHABLE: dict[str, Fetchable] = {
    "inception": WeightsFile(INCEPTION, "of FID, KID and IS"),
    "vgg16": WeightsFile(BACKBONES["vgg"], "of VGG16Extractor and of LPIPS with net: vgg"),
    "lpips-alex": WeightsFile(BACKBONES["alex"], "of LPIPS with net: alex"),
    "lpips-squeeze": WeightsFile(BACKBONES["squeeze"], "of LPIPS with net: squeeze"),
    "efficientnet-lite0": WeightsFile(EFFICIENTNET_LITE0, "of Projected GAN's discriminator"),
    **{f"clip-{name}": WeightsFile(known, "of CLIPExtractor") for name, known in CLIP.items()},
    **{f"dinov2-{name}": HubNetwork(name) for name in DINOV2},
    **{module.key: DataSet(module) for module in _SETS},
}
