"""One picture from many: tiles row by row, enlarged so that small images can be seen."""

from __future__ import annotations

import io
import math
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.pixels import to_uint8

MIN_TILE_PX = 64
PADDING_PX = 2
BACKGROUND = 127


def make_grid(images: Tensor, *, columns: int, min_tile_px: int = MIN_TILE_PX) -> Tensor:
    """Arrange images row by row on a gray ground.

    Images smaller than ``min_tile_px`` are enlarged by the smallest whole factor that is enough, repeating
    pixels, so that every pixel stays what it was.

    Args:
        images: uint8 ``(N, C, H, W)`` with 1 or 3 channels.
        columns: images per row.
        min_tile_px: least height and width of a tile.

    Returns:
        uint8 ``(H', W', C)``; places without an image stay gray.

    Raises:
        ValueError: for another dtype, shape or number of channels, or fewer than one column.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ValueError(
            f"a grid takes uint8 images (N, 1 or 3, H, W), at least one, got {images.dtype} {tuple(images.shape)}"
        )
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    factor = max(1, math.ceil(min_tile_px / min(images.shape[2:])))
    tiles = images.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
    count, channels, height, width = tiles.shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    pitch_y, pitch_x = height + PADDING_PX, width + PADDING_PX
    canvas = torch.full(
        (channels, rows * pitch_y + PADDING_PX, columns * pitch_x + PADDING_PX), BACKGROUND, dtype=torch.uint8
    )
    for index, tile in enumerate(tiles):
        top = PADDING_PX + index // columns * pitch_y
        left = PADDING_PX + index % columns * pitch_x
        canvas[:, top : top + height, left : left + width] = tile
    return canvas.permute(1, 2, 0)


def save_grid(images: Tensor, path: Path, *, columns: int, min_tile_px: int = MIN_TILE_PX) -> None:
    """Write ``make_grid`` of the images as a PNG file, atomically.

    Args:
        images: uint8 ``(N, C, H, W)`` with 1 or 3 channels.
        path: the file; its folder is made if need be.
        columns: images per row.
        min_tile_px: least height and width of a tile.

    Raises:
        ValueError: as ``make_grid``.
    """
    write_atomic(path, png(make_grid(images.cpu(), columns=columns, min_tile_px=min_tile_px)))


def picture(images: Tensor, *, columns: int, min_tile_px: int = MIN_TILE_PX) -> Image.Image:
    """Return ``make_grid`` of the images as a picture, which a notebook shows.

    Args:
        images: float ``(N, C, H, W)`` in [-1, 1], or uint8, with 1 or 3 channels.
        columns: images per row.
        min_tile_px: least height and width of a tile.

    Raises:
        ValueError: as ``make_grid``.
        NonFiniteSamples: if a pixel is NaN or infinite.
    """
    return as_picture(make_grid(to_uint8(images).cpu(), columns=columns, min_tile_px=min_tile_px))


def as_picture(pixels: Tensor) -> Image.Image:
    """Return uint8 ``(H, W, 1 or 3)`` as a picture."""
    array = pixels.numpy()
    return Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array)


def png(pixels: Tensor) -> bytes:
    """Encode uint8 ``(H, W, 1 or 3)`` as a PNG file's content."""
    buffer = io.BytesIO()
    as_picture(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
