"""Scatter plots: samples in the plane over the Gaussians that they should come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning import Trainer
from PIL import Image, ImageDraw
from torch import Tensor

from gan_lightning.callbacks.grid import png
from gan_lightning.callbacks.pictures import Pictures
from gan_lightning.data.points import Mixture, MixtureDataModule
from gan_lightning.metrics.images import NonFiniteSamples
from gan_lightning.models.base import AdversarialModule
from gan_lightning.tracking.files import write_atomic

SIDE_PX = 600
_MARGIN = 1.5  # how much farther than the farthest mean the picture reaches
_LEAST_RADIUS_PX = 7.0
_GROUND, _RING, _POINT = (255, 255, 255), (235, 110, 0), (20, 70, 170)


def draw_points(points: Tensor, mixture: Mixture, *, side_px: int = SIDE_PX) -> Tensor:
    """Draw points over a ring of three sigma around every mean, at least 7 pixels wide.

    Points outside the picture are drawn on its border, so that they are not missed.

    Args:
        points: float ``(N, 2)``.
        mixture: of two dimensions.
        side_px: height and width of the picture.

    Returns:
        uint8 ``(side_px, side_px, 3)``, the second coordinate upwards.

    Raises:
        NonFiniteSamples: if a coordinate is NaN or infinite.
        ValueError: unless points and mixture have two dimensions.
    """
    if points.ndim != 2 or points.shape[1] != 2 or mixture.means.shape[1] != 2:
        raise ValueError(
            f"a scatter plot takes points (N, 2), got {tuple(points.shape)} and {mixture.means.shape[1]} dimensions"
        )
    if not points.isfinite().all():
        raise NonFiniteSamples("a coordinate is NaN or infinite")
    reach = _MARGIN * float(mixture.means.abs().max()) or 4 * mixture.sigma  # a single mean lies at the origin
    scale = side_px / (2 * reach)

    def pixels(coordinates: Tensor) -> np.ndarray:
        flipped = coordinates.double() * torch.tensor([1.0, -1.0])
        return (flipped * scale + side_px / 2).numpy()

    picture = Image.new("RGB", (side_px, side_px), _GROUND)
    pen = ImageDraw.Draw(picture)
    radius = max(3 * mixture.sigma * scale, _LEAST_RADIUS_PX)
    for x, y in pixels(mixture.means):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=_RING, width=2)
    canvas = np.array(picture)
    columns, rows = np.clip(pixels(points), 0, side_px - 2).astype(np.int64).T
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        canvas[rows + down, columns + right] = _POINT
    return torch.from_numpy(canvas)


class ScatterPlot(Pictures):
    """Draws points at the start, whenever ``every_kimg`` more were seen, and at the end; see ``draw_points``.

    Args:
        every_kimg: thousands of images between two plots; None: at the start and the end only.
        samples: number of points.
        seed: of the latent vectors.

    Raises:
        ValueError: for a number that is not positive.
    """

    def __init__(self, *, every_kimg: float | None, samples: int = 2500, seed: int = 0) -> None:
        super().__init__(every_kimg=every_kimg, seed=seed)
        if samples < 1:
            raise ValueError(f"callbacks.samples.samples must be at least 1, got {samples}")
        self.samples = samples

    def save(self, trainer: Trainer, module: AdversarialModule, path: Path) -> None:
        """Draw the points over the mixture of the data module.

        Raises:
            ValueError: if the data are no mixture.
        """
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, MixtureDataModule):
            raise ValueError(f"callbacks.samples draws points of a mixture, got {type(data).__name__}")
        picture = draw_points(module.sample(self.samples, seed=self.seed, batch_size=self.samples), data.mixture)
        write_atomic(path, png(picture))
