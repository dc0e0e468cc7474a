"""A data module as somebody else writes one, which knows nothing of this package."""

from __future__ import annotations

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, IterableDataset, TensorDataset


class SomebodysDataModule(LightningDataModule):
    """Noise with labels, made in ``setup`` and moved into [-1, 1] by one of Lightning's hooks."""

    def __init__(self, *, resolution: int, channels: int, classes: int | None, batch_size: int, seed: int) -> None:
        super().__init__()
        self.shape = (channels, resolution, resolution)
        self.classes = classes or 10
        self.batch_size = batch_size
        self.seed = seed

    def setup(self, stage: str) -> None:
        random = torch.Generator().manual_seed(self.seed)
        images = torch.rand(40, *self.shape, generator=random)
        self.train = TensorDataset(images, torch.randint(self.classes, (40,), generator=random))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def on_after_batch_transfer(self, batch, dataloader_idx):
        images, labels = batch
        return 2 * images - 1, labels


class OnePassDataModule(SomebodysDataModule):
    """The same, of which every image is handed over once, as of a stream."""

    def train_dataloader(self):
        return Once(super().train_dataloader())


class Once(IterableDataset):
    """What is left of a loader's first pass."""

    def __init__(self, loader: DataLoader) -> None:
        self.left = iter(loader)

    def __iter__(self):
        return self.left


class RawDataModule(SomebodysDataModule):
    """The same, with pixels as they are stored."""

    def on_after_batch_transfer(self, batch, dataloader_idx):
        return 255 * batch[0], batch[1]
