"""Full precision for augmentations, whatever the precision of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def full_precision(images: Tensor) -> Iterator[Tensor]:
    """Leave autocast and give ``images`` in float32, or in float64 where they already are.

    Args:
        images: ``(N, C, H, W)``, any floating dtype.

    Raises:
        ValueError: if ``images`` has not four dimensions.
    """
    if images.ndim != 4:
        raise ValueError(f"augmentations need images (N, C, H, W), got shape {tuple(images.shape)}")
    with torch.autocast(device_type=images.device.type, enabled=False):
        yield images if images.dtype == torch.float64 else images.float()
