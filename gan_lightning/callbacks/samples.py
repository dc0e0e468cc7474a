"""Sample grids: the same latent vectors through the averaged generator, again and again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from lightning import Trainer

from gan_lightning.callbacks.pictures import Pictures
from gan_lightning.core.grids import save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.models.adversarial import AdversarialModule

MAX_CLASS_COLUMNS = 32
"""Most classes that get a column each; more would make a picture too wide to look at."""


class SampleGrid(Pictures):
    """Draws a grid of images at the start, whenever ``every_kimg`` more images were seen, and at the end.

    A label-conditional model has one class per column.

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

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the grid."""
        by_class = module.classes is not None and module.classes <= MAX_CLASS_COLUMNS
        columns = cast(int, module.classes) if by_class else self.columns
        labels = None
        if module.classes is not None:
            labels = torch.arange(self.rows * columns) % columns % module.classes
        samples = module.sample(self.rows * columns, seed=self.seed, labels=labels)
        save_grid(to_uint8(samples), path, columns=columns)
