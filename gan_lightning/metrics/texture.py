"""Features of color and texture that need no weights: for small photographs without a download."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.metrics.extractor import FeatureExtractor, Features

LEVELS = 3
_GRAY_LEVEL = 1 / 127.5  # below it energies are rounding, and their logarithms noise


def haar(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Apply one level of the orthonormal Haar wavelet transform.

    Args:
        maps: ``(N, C, H, W)`` with even H and W.

    Returns:
        the averages ``(N, C, H/2, W/2)`` and the details ``(N, C, 3, H/2, W/2)``: differences across columns, across
        rows and across both.
    """
    a, b = maps[..., 0::2, 0::2], maps[..., 0::2, 1::2]
    c, d = maps[..., 1::2, 0::2], maps[..., 1::2, 1::2]
    details = torch.stack([a - b + c - d, a + b - c - d, a - b - c + d], dim=2) / 2
    return (a + b + c + d) / 2, details


class TextureExtractor(FeatureExtractor):
    """Mean, spread and wavelet energy of luma and two color differences.

    Of each of Y, B - Y and R - Y: the mean, the standard deviation, and the logarithm of the mean absolute Haar
    detail at three scales in three orientations: 33 features. A blurred image lacks energy at the finest scales, a
    wrongly colored one has other means. It is not a perceptual distance, and its scores carry its name.
    """

    name = "texture"
    feature_dim = 3 * (2 + 3 * LEVELS)
    n_classes = 0
    preprocessing = "cut to a multiple of 8 pixels"
    channels = 3

    def extract(self, images: Tensor) -> Features:
        """Return features of uint8 ``(N, 3, H, W)`` of at least 8x8 pixels.

        Raises:
            ValueError: for smaller images.
        """
        multiple = 2**LEVELS
        height, width = (side - side % multiple for side in images.shape[2:])
        if min(height, width) == 0:
            raise ValueError(f"texture features need images of at least {multiple}x{multiple}, got {images.shape[2:]}")
        dtype = torch.float32 if images.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        red, green, blue = (images[:, :, :height, :width].to(dtype) / 127.5 - 1).unbind(1)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        maps = torch.stack([luma, blue - luma, red - luma], dim=1)
        found = [maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)]
        for _ in range(LEVELS):
            maps, details = haar(maps)
            found.append((details.abs().mean(dim=(3, 4)) + _GRAY_LEVEL).log().flatten(1))
        pool = torch.cat(found, dim=1)
        return Features(pool, F.pad(pool, (0, -pool.shape[1])))
