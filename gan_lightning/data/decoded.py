"""What all image data modules take that decode stored images and bring them to one size."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from gan_lightning.core.signatures import inherit_parameters
from gan_lightning.data.base import ImageDataModule
from gan_lightning.data.loader import window_side
from gan_lightning.data.transform import Filter, Fit, Transform


class DecodedImages(TypedDict):
    """The arguments that a subclass hands on to ``DecodedImageDataModule``, which describes them."""

    resolution: int
    channels: NotRequired[int]
    classes: NotRequired[int | None]
    batch_size: NotRequired[int]
    seed: NotRequired[int]
    fit: NotRequired[Fit]
    filter: NotRequired[Filter]
    background: NotRequired[str]
    flip: NotRequired[bool]
    crop_from: NotRequired[int | None]


class DecodedImageDataModule(ImageDataModule):
    """Images of any size and mode, brought to one size, and mirrored and cropped at random for the training.

    Args:
        dataset: its name, a part of every score's protocol; a subclass gives it.
        resolution: height and width of the images in a batch.
        channels: 1 (gray) or 3 (RGB).
        classes: number of classes, or None: labels are not used.
        batch_size: images per discriminator update, over all processes.
        seed: seed of order, flips and windows.
        fit: how a picture that is not square becomes so: "center_crop", "pad", "stretch", or "exact": it must be of
            the right size already.
        filter: filter for resampling: "lanczos", "bicubic", "bilinear" or "box".
        background: color behind transparent pixels and of the bars of "pad".
        flip: mirror each training image with probability one half.
        crop_from: the images are made so large, and a window of ``resolution`` is cut out of a training image at
            random each time, and out of the middle for evaluation; None: no windows.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self,
        dataset: str,
        /,
        *,
        resolution: int,
        channels: int = 3,
        classes: int | None = None,
        batch_size: int = 64,
        seed: int = 0,
        fit: Fit = "center_crop",
        filter: Filter = "lanczos",
        background: str = "white",
        flip: bool = False,
        crop_from: int | None = None,
    ) -> None:
        transform = Transform(crop_from or resolution, channels, fit, filter, background)
        super().__init__(
            dataset=dataset,
            resolution=resolution,
            channels=channels,
            classes=classes,
            batch_size=batch_size,
            seed=seed,
        )
        if classes is not None and classes < 1:
            raise ValueError(f"data.classes must be at least 1, or null, got {classes}")
        self.window = window_side(resolution, crop_from)
        self.transform = transform
        self.flip = flip

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Give a subclass's constructor, in help texts and config checks, the arguments that it hands on."""
        super().__init_subclass__(**arguments)
        inherit_parameters(cls)
