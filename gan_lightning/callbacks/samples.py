"""Sample grids: the same latent vectors through the averaged generator, again and again; real images beside them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import torch
from lightning import LightningModule, Trainer
from torch import Tensor

from gan_lightning.callbacks.pictures import Pictures, spread
from gan_lightning.core.grids import BACKGROUND, save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.base import ImageDataModule
from gan_lightning.data.images import EvaluationImages
from gan_lightning.loggers.base import log_samples
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.runs.folder import RunFolder

log = logging.getLogger(__name__)

MAX_CLASS_COLUMNS = 32
"""Most classes that get a column each; more would make a picture too wide to look at."""


class SampleGrid(Pictures):
    """Draws a grid of images at the start, whenever ``every_kimg`` more images were seen, and at the end.

    A label-conditional model has one class per column. The run's folder and its loggers also get a grid of real images
    of the same number, size and classes (``real.png``): held-out ones, where there are any.

    Args:
        every_kimg: thousands of images between two grids; None: at the start and the end only.
        rows: rows of a grid.
        columns: columns of a grid, unless the model has up to 32 classes, which then are its columns.
        seed: seed of the latent vectors.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(self, *, every_kimg: float | None, rows: int = 8, columns: int = 8, seed: int = 0) -> None:
        super().__init__(every_kimg=every_kimg, seed=seed)
        for name, value in (("rows", rows), ("columns", columns)):
            if value < 1:
                raise ValueError(f"callbacks.samples.{name} must be at least 1, got {value}")
        self.rows = rows
        self.columns = columns

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the real images and the untrained model; the loggers of a resumed run have both already."""
        data, module = trainer.datamodule, cast(AdversarialModule, pl_module)  # type: ignore[attr-defined]
        if trainer.is_global_zero and isinstance(data, ImageDataModule):
            path = RunFolder(trainer.default_root_dir).real
            if self.draw_real(data, module, path) and module.images_seen == 0:
                log_samples(trainer.loggers, "real", path, module.images_seen)
        super().on_train_start(trainer, pl_module)

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the grid."""
        columns, labels = self.layout(module)
        samples = module.sample(self.rows * columns, seed=self.seed, labels=labels)
        save_grid(to_uint8(samples), path, columns=columns)

    def draw_real(self, data: ImageDataModule, module: AdversarialModule, path: Path) -> bool:
        """Draw real images where the grid has generated ones; a tile that there is no image for stays gray.

        Args:
            data: where they are from.
            module: what the grids are of.
            path: the file.

        Returns:
            Whether there are images, and the file could be written.
        """
        columns, labels = self.layout(module)
        images = data.evaluation_images(data.heldout_split or "train")
        places = placed(images, labels, self.rows * columns)
        if not places:
            return False
        real = images.take(list(places.values()))
        tiles = real.new_full((self.rows * columns, *real.shape[1:]), BACKGROUND)
        tiles[list(places)] = real
        try:
            save_grid(tiles, path, columns=columns)
        except OSError as error:
            log.error("could not write a picture of real images; training continues: %s", error)
            return False
        return True

    def layout(self, module: AdversarialModule) -> tuple[int, Tensor | None]:
        """Return the columns of a grid, and the class of each of its tiles: int64 ``(rows * columns,)`` or None."""
        if module.classes is None:
            return self.columns, None
        columns = module.classes if module.classes <= MAX_CLASS_COLUMNS else self.columns
        return columns, torch.arange(self.rows * columns) % columns % module.classes


def placed(images: EvaluationImages, labels: Tensor | None, count: int) -> dict[int, int]:
    """Choose real images for the tiles of a grid, at equal distances in their order, none of them twice.

    Args:
        images: the real images.
        labels: the class of each tile, int64 ``(count,)``; None: any image will do.
        count: number of tiles.

    Returns:
        Tile to place in ``images``, for the tiles that there is an image for.
    """
    if labels is None or images.labels is None:
        tiles = min(count, len(images))
        return dict(enumerate(spread(len(images), tiles)))
    found: dict[int, int] = {}
    for label in labels.unique():
        tiles_of, places = ((every == label).nonzero().flatten().tolist() for every in (labels, images.labels))
        chosen = spread(len(places), min(len(tiles_of), len(places)))
        found |= {tile: places[index] for tile, index in zip(tiles_of, chosen, strict=False)}
    return found
