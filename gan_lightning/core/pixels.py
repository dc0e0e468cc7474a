"""The one place where generated images become uint8."""

from __future__ import annotations

import torch
from torch import Tensor


class NonFiniteSamples(ValueError):
    """A generator returned NaN or infinite pixels: there is no picture to judge."""


def to_uint8(images: Tensor) -> Tensor:
    """Convert images in [-1, 1] to uint8: clamp, scale by ``127.5 (x + 1)``, round.

    Values outside [-1, 1] saturate at 0 and 255; they never wrap around.

    Args:
        images: floating point of any shape in [-1, 1], or uint8, which passes through unchanged.

    Returns:
        uint8 of the same shape, in [0, 255].

    Raises:
        NonFiniteSamples: if a value is NaN or infinite.
        ValueError: for any other dtype.
    """
    if images.dtype == torch.uint8:
        return images
    if not images.is_floating_point():
        raise ValueError(f"images must be floating point in [-1, 1] or uint8, got dtype {images.dtype}")
    broken = images.numel() - int(images.isfinite().sum())
    if broken:
        raise NonFiniteSamples(f"{broken} of {images.numel()} pixel values are NaN or infinite")
    # float32 first: bfloat16 has too few digits for 256 levels
    return images.float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
