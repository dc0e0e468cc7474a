"""Sample pictures of translation models: the same source images, again and again."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning import Trainer
from torch import Tensor

from gan_lightning.callbacks.pictures import Pictures, spread
from gan_lightning.core.grids import save_grid
from gan_lightning.core.pixels import to_uint8
from gan_lightning.data.domains import TranslationModule, images_at
from gan_lightning.models.adversarial import AdversarialModule
from gan_lightning.models.image_to_image import ImageToImage


class TranslationGrid(Pictures):
    """Draws one row per source image, as the model shows itself, at the start, in intervals, and at the end.

    pix2pix shows input, output and target; CycleGAN input, translated and cycled, from either domain. The images are
    of the held-out part, if there is one, at equal distances in its order.

    Args:
        every_kimg: thousands of images between two pictures; None: at the start and the end only.
        rows: source images.
        seed: seed of the noise, if there is any.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(self, *, every_kimg: float | None, rows: int = 8, seed: int = 0) -> None:
        super().__init__(every_kimg=every_kimg, seed=seed)
        if rows < 1:
            raise ValueError(f"callbacks.samples.rows must be at least 1, got {rows}")
        self.rows = rows

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the rows.

        Raises:
            ValueError: if model or data do not translate.
        """
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not (isinstance(module, ImageToImage) and isinstance(data, TranslationModule)):
            raise ValueError("callbacks.samples: a translation grid needs a model and data with source images")
        real = data.evaluation_images(data.heldout_split or "train")
        source, target = (images_at(images, spread(len(images), self.rows)) for images in (real.sources, real.targets))
        columns = module.showcase(source, target, weights=module.default_weights, seed=self.seed)
        save_grid(rows_of(columns), path, columns=len(columns))


def rows_of(columns: list[Tensor]) -> Tensor:
    """Interleave columns ``(N, 1 or 3, H, W)`` in [-1, 1] to uint8 ``(N * len(columns), C, H, W)``, row by row."""
    channels = max(column.shape[1] for column in columns)
    shown = [to_uint8(column.cpu()).expand(-1, channels, -1, -1) for column in columns]
    return torch.stack(shown, dim=1).flatten(0, 1)
