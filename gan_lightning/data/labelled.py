"""Images with their labels, as a data set hands them over."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class LabelledImages(NamedTuple):
    """Images uint8 ``(N, C, H, W)`` and labels int64 ``(N,)``, or None."""

    images: Tensor
    labels: Tensor | None
