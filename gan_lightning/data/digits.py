"""The embedded data set: 1,797 real handwritten digits that come with scikit-learn, no download."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

HELD_OUT_EVERY = 5
"""Within each class, in the order of the data set, every fifth image is held out."""


class LabelledImages(NamedTuple):
    """Images uint8 ``(N, C, H, W)`` and labels int64 ``(N,)``."""

    images: Tensor
    labels: Tensor


def load_digits(*, split: Literal["train", "heldout"], resolution: int = 16) -> LabelledImages:
    """Load one part of the fixed, stratified split: 1,442 training and 355 held-out images.

    The 8x8 originals (17 grey levels) are enlarged bicubically, clamped and rounded to uint8.

    Args:
        split: which part.
        resolution: height and width of the images, at least 8.

    Raises:
        ValueError: for another split, or a resolution below that of the originals.

    Source: scikit-learn's ``load_digits``, a copy of the test set of the UCI ML hand-written digits data.
    """
    if split not in ("train", "heldout"):
        raise ValueError(f"split must be 'train' or 'heldout', got {split!r}")
    if resolution < 8:
        raise ValueError(f"data.resolution must be at least 8, got {resolution}")
    from sklearn.datasets import load_digits as sklearn_digits

    pixels, target = sklearn_digits(return_X_y=True)
    labels = torch.from_numpy(target).long()
    images = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) * (255 / 16)
    if resolution != 8:
        images = F.interpolate(images, size=(resolution, resolution), mode="bicubic", align_corners=False)
    rank_in_class = torch.empty_like(labels)
    for digit in range(10):
        members = (labels == digit).nonzero().squeeze(1)
        rank_in_class[members] = torch.arange(len(members))
    held_out = rank_in_class % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    chosen = held_out if split == "heldout" else ~held_out
    return LabelledImages(images.clamp(0, 255).round().to(torch.uint8)[chosen], labels[chosen])
