"""A picture of what a run trains on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_lightning.core.seeding import generator_for
from gan_lightning.data.store import Looked
from gan_lightning.data.stream import Decoder, centered

_PREVIEW = 5  # a stream of seed 0
_SIDE = 8
_LEAST_PX = 64


def tiled(images: Tensor, columns: int) -> Tensor:
    """Lay uint8 images ``(N, C, H, W)`` row by row into one, ``(C, H', W')``; places without an image are black."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    canvas = images.new_zeros(rows * columns, channels, height, width)
    canvas[:count] = images
    return (
        canvas.view(rows, columns, channels, height, width)
        .permute(2, 0, 3, 1, 4)
        .reshape(channels, rows * height, columns * width)
    )


def save_preview(found: Looked, path: Path, *, window: int | None = None, count: int = _SIDE * _SIDE) -> None:
    """Write some images of a split, the same ones every time, as one PNG file.

    Args:
        found: the split.
        path: path of the file.
        window: side of the window to show of the middle of each image; None: the whole image.
        count: most images to show.
    """
    rows = torch.randperm(len(found), generator=generator_for(0, _PREVIEW))[:count]
    images = Decoder(found.source, found.transform)(rows.tolist()) if found.pixels is None else found.pixels[rows]
    images = centered(images, window)
    factor = -(-_LEAST_PX // images.shape[-1])
    images = images.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
    pixels = tiled(images, min(_SIDE, len(images))).permute(1, 2, 0).numpy()
    Image.fromarray(np.squeeze(pixels, 2) if pixels.shape[2] == 1 else pixels).save(path)
