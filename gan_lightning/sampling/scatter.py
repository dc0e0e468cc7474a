"""Scatter plots: samples in the plane over the Gaussians that they should come from."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.data.points import Mixture

SIDE_PX = 600
_MARGIN = 1.5  # how much farther than the farthest mean the picture reaches
_LEAST_RADIUS_PX = 7.0
_GROUND, _RING, _POINT = (255, 255, 255), (235, 110, 0), (20, 70, 170)


def draw_points(points: Tensor, mixture: Mixture, *, side_px: int = SIDE_PX) -> Tensor:
    """Draw points over a ring of three sigma around every mean, at least 7 pixels wide.

    Points outside the picture are drawn on its border, so that they are not missed.

    Args:
        points: float ``(N, 2)``.
        mixture: a mixture in two dimensions.
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
