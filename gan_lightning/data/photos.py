"""The embedded photographs: patches of the two pictures that come with scikit-learn, no download."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.data.base import InMemoryDataModule, LabelledImages
from gan_lightning.data.derived import grey

Photo = Literal["china", "flower"]
PHOTOS: tuple[Photo, ...] = ("china", "flower")
STRIPS = 8
"""Number of upright strips of equal width into which a photograph is cut; two are held out."""


@cache
def load_photo(name: Photo, shrink: int) -> Tensor:
    """Load a photograph of 427x640, shrunk by averaging squares of ``shrink`` pixels: uint8 ``(3, H, W)``.

    Source: scikit-learn's ``load_sample_image``; "china" is a temple by a lake, "flower" a dahlia.
    """
    from sklearn.datasets import load_sample_image

    pixels = torch.from_numpy(load_sample_image(f"{name}.jpg").copy()).permute(2, 0, 1).float()
    return F.avg_pool2d(pixels[None], shrink)[0].round().to(torch.uint8)


def stretches(width: int, chosen: Sequence[int]) -> list[tuple[int, int]]:
    """Return the columns [from, to) of the ``chosen`` strips of a photograph, in order, neighbors as one."""
    edges = [round(width * strip / STRIPS) for strip in range(STRIPS + 1)]
    runs = [list(run) for _, run in groupby(chosen, key=lambda strip: strip - chosen.index(strip))]
    return [(edges[run[0]], edges[run[-1] + 1]) for run in runs]


def patches(photo: Tensor, *, side: int, stride: int, strips: Sequence[int]) -> Tensor:
    """Cut all patches on a grid of ``stride`` pixels that lie in one stretch of the given strips.

    Args:
        photo: uint8 ``(3, H, W)``.
        side: height and width of a patch.
        stride: pixels between neighbors.
        strips: strips of the photograph, in order.

    Returns:
        uint8 ``(N, 3, side, side)``; none if no patch fits.
    """
    found = [photo.new_empty(0, len(photo), side, side)]
    for left, right in stretches(photo.shape[2], strips):
        if right - left >= side and photo.shape[1] >= side:
            windows = photo[:, :, left:right].unfold(1, side, stride).unfold(2, side, stride)
            found.append(windows.permute(1, 2, 0, 3, 4).flatten(0, 1))
    return torch.cat(found)


def contrast(images: Tensor) -> Tensor:
    """Return the deviation of the BT.601 luma in each image, in gray levels: uint8 ``(N, 3, H, W)`` to ``(N,)``."""
    return grey(images.float()).flatten(1).std(1, correction=0)


class PhotosDataModule(InMemoryDataModule):
    """Patches of the embedded photographs, the classes being the photographs.

    No pixel of a held-out patch is in any training patch: they come from different upright strips.

    Args:
        photos: "china", "flower" or both.
        resolution: height and width of a patch.
        shrink: the photographs are made smaller by this factor first.
        stride: pixels between neighboring patches.
        heldout_strips: which of the ``STRIPS`` upright strips are held out, from 0 at the left.
        least_contrast: patches whose luma deviates less, in gray levels, are left out: sky and dark ground; 0: none.
        channels: 3.
        classes: number of photographs, or None: labels are not used.
        flip: mirror each training patch with probability one half.
        batch_size: patches per discriminator update, over all processes.
        seed: seed of order and flips.

    Raises:
        ValueError: for a value out of range, or if no patch fits into a strip.
    """

    heldout_split = "heldout"

    def __init__(
        self,
        *,
        photos: Sequence[Photo] = PHOTOS,
        resolution: int = 32,
        shrink: int = 2,
        stride: int = 4,
        heldout_strips: Sequence[int] = (2, 5),
        least_contrast: float = 0.0,
        channels: int = 3,
        classes: int | None = None,
        flip: bool = False,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        if not photos or len(set(photos)) < len(photos) or set(photos) - set(PHOTOS):
            raise ValueError(f"data.photos must be some of {', '.join(PHOTOS)}, each once, got {list(photos)}")
        for key, value in (("resolution", resolution), ("shrink", shrink), ("stride", stride)):
            if value < 1:
                raise ValueError(f"data.{key} must be at least 1, got {value}")
        if not 0 <= least_contrast < 64:
            raise ValueError(f"data.least_contrast must lie in [0, 64), got {least_contrast}")
        strips = sorted(set(heldout_strips))
        if not 0 < len(strips) < STRIPS or len(strips) < len(heldout_strips) or set(strips) - set(range(STRIPS)):
            raise ValueError(
                f"data.heldout_strips must be some of 0 to {STRIPS - 1}, each once, got {list(heldout_strips)}"
            )
        if channels != 3:
            raise ValueError(f"data.channels must be 3 for the photographs, got {channels}")
        if classes not in (None, len(photos)):
            raise ValueError(f"data.classes must be {len(photos)}, the number of photographs, or null, got {classes}")
        most = min(640 // shrink // STRIPS, 427 // shrink)
        if resolution > most:
            raise ValueError(
                f"data.resolution must be at most {most} at data.shrink = {shrink}, so that patches fit into a strip "
                f"of a photograph, got {resolution}"
            )
        super().__init__(
            dataset="photos " + "+".join(photos) + (f" (contrast {least_contrast:g})" if least_contrast else ""),
            resolution=resolution,
            channels=channels,
            classes=classes,
            batch_size=batch_size,
            seed=seed,
        )
        self.photos = tuple(photos)
        self.shrink = shrink
        self.stride = stride
        self.heldout_strips = tuple(strips)
        self.least_contrast = least_contrast
        self.flip = flip

    def load(self, split: str) -> LabelledImages:
        """Return the training or the held-out patches.

        Raises:
            ValueError: for another split.
        """
        if split not in ("train", "heldout"):
            raise ValueError(f"split must be 'train' or 'heldout', got {split!r}")
        strips = [strip for strip in range(STRIPS) if (strip in self.heldout_strips) == (split == "heldout")]
        found = [
            patches(load_photo(photo, self.shrink), side=self.resolution, stride=self.stride, strips=strips)
            for photo in self.photos
        ]
        if self.least_contrast:
            found = [images[contrast(images) >= self.least_contrast] for images in found]
        labels = None
        if self.classes is not None:
            labels = torch.cat([torch.full((len(images),), index) for index, images in enumerate(found)])
        return LabelledImages(torch.cat(found), labels)
