"""The embedded data set: 1,797 real handwritten digits that come with scikit-learn, no download."""

from __future__ import annotations

import functools
from typing import Literal

import torch
import torch.nn.functional as F

from gan_lightning.data.base import InMemoryDataModule, LabelledImages

HELD_OUT_EVERY = 5
"""Within each class, in the order of the data set, every fifth image is held out."""


def load_digits(*, split: Literal["train", "heldout"], resolution: int = 16) -> LabelledImages:
    """Load one part of the fixed, stratified split: 1,442 training and 355 held-out images.

    The 8x8 originals (17 gray levels) are enlarged bicubically, clamped and rounded to uint8.

    Args:
        split: which part.
        resolution: height and width of the images, at least 8.

    Raises:
        ValueError: for another split, or a resolution below the originals'.

    Source: scikit-learn's ``load_digits``, a copy of the test set of the UCI ML hand-written digits data.
    """
    if split not in ("train", "heldout"):
        raise ValueError(f"split must be 'train' or 'heldout', got {split!r}")
    if resolution < 8:
        raise ValueError(f"data.resolution must be at least 8, got {resolution}")
    images, labels = _originals()
    if resolution != 8:
        images = F.interpolate(images, size=(resolution, resolution), mode="bicubic", align_corners=False)
    rank_in_class = torch.empty_like(labels)
    for digit in range(10):
        members = (labels == digit).nonzero().squeeze(1)
        rank_in_class[members] = torch.arange(len(members))
    held_out = rank_in_class % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    chosen = held_out if split == "heldout" else ~held_out
    return LabelledImages(images.clamp(0, 255).round().to(torch.uint8)[chosen], labels[chosen])


@functools.cache  # scikit-learn parses a text file, and a run asks for both parts
def _originals() -> tuple[torch.Tensor, torch.Tensor]:
    """Return all digits, float ``(1797, 1, 8, 8)`` in [0, 255], and their labels."""
    from sklearn.datasets import load_digits as sklearn_digits

    pixels, target = sklearn_digits(return_X_y=True)
    return torch.from_numpy(pixels).float().view(-1, 1, 8, 8) * (255 / 16), torch.from_numpy(target).long()


class DigitsDataModule(InMemoryDataModule):
    """The embedded digits, for training without a download.

    Args:
        resolution: height and width of the images, at least 8.
        channels: 1; or 3, the gray image repeated.
        classes: 10.
        batch_size: images per discriminator update, over all processes.
        seed: seed of the order of the images.

    Raises:
        ValueError: for a value out of range.
    """

    heldout_split = "heldout"

    def __init__(
        self, *, resolution: int = 16, channels: int = 1, classes: int = 10, batch_size: int = 64, seed: int = 0
    ) -> None:
        if resolution < 8:
            raise ValueError(f"data.resolution must be at least 8, got {resolution}")
        if classes != 10:
            raise ValueError(f"data.classes must be 10 for the digits, got {classes}")
        super().__init__(
            dataset="digits",
            resolution=resolution,
            channels=channels,
            classes=classes,
            batch_size=batch_size,
            seed=seed,
        )

    def load(self, split: str) -> LabelledImages:
        """Return the training or the held-out digits."""
        images, labels = load_digits(split=split, resolution=self.resolution)  # type: ignore[arg-type]
        return LabelledImages(images.expand(-1, self.channels, -1, -1).contiguous(), labels)
