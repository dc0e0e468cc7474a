"""From a picture of any mode and size to square uint8 pixels of one resolution."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps

from gan_lightning.data.errors import decoding

Fit = Literal["center_crop", "pad", "stretch", "exact"]
Filter = Literal["lanczos", "bicubic", "bilinear", "box"]

FITS = ("center_crop", "pad", "stretch", "exact")
FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}
_LARGEST = 2**14  # an image takes up to a gigabyte then
_ORIENTATION_TAG = 0x0112
_LYING = (5, 6, 7, 8)  # orientations in which height and width are exchanged


@dataclass(frozen=True)
class Transform:
    """Upright, in the wanted channels, square, at the wanted resolution.

    Args:
        resolution: height and width of the result.
        channels: 1: gray by ITU-R 601 luma, L = 0.299 R + 0.587 G + 0.114 B; 3: RGB, a gray image repeated.
        fit: how a picture that is not square becomes so: "center_crop" keeps the largest centered square, "pad" adds
            bars of the background, "stretch" ignores the aspect ratio; "exact" refuses every other size than
            ``resolution`` by ``resolution``.
        filter: filter of the resampling, antialiased when the picture shrinks.
        background: color behind transparent pixels and of the bars, by name or as "#rrggbb".

    Raises:
        ValueError: for a value out of range.
    """

    resolution: int
    channels: int = 3
    fit: Fit = "center_crop"
    filter: Filter = "lanczos"
    background: str = "white"

    def __post_init__(self) -> None:
        if self.resolution < 1:
            raise ValueError(f"data.resolution must be at least 1, got {self.resolution}")
        if self.resolution > _LARGEST:
            raise ValueError(f"data.resolution must be at most {_LARGEST}, got {self.resolution}")
        if self.channels not in (1, 3):
            raise ValueError(f"data.channels must be 1 (gray) or 3 (RGB), got {self.channels}")
        if self.fit not in FITS:
            raise ValueError(f"data.fit must be one of {', '.join(FITS)}, got {self.fit!r}")
        if self.filter not in FILTERS:
            raise ValueError(f"data.filter must be one of {', '.join(FILTERS)}, got {self.filter!r}")
        try:
            ImageColor.getrgb(self.background)
        except ValueError as error:
            raise ValueError(
                f"data.background must be the name of a color or '#rrggbb', got {self.background!r}"
            ) from error

    @property
    def bytes_per_image(self) -> int:
        """Size of one result."""
        return self.channels * self.resolution**2

    def facts(self) -> dict[str, Any]:
        """Return all that determines the result, for a cache key."""
        return asdict(self)

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return uint8 ``(C, resolution, resolution)``.

        Raises:
            ValueError: for a mode without a stated range, another size under "exact", or a damaged file.
        """
        image = in_channels(upright(image), self.channels, self.background)
        image = squared(image, self.resolution, self.fit, FILTERS[self.filter], self.background)
        return planes(image)


def planes(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of a gray or RGB picture, channels first: uint8 ``(C, H, W)``."""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def upright(image: Image.Image) -> Image.Image:
    """Turn a photograph the way its camera was held, as its EXIF orientation says.

    Raises:
        BadImage: if the EXIF record is damaged.
    """
    with decoding():
        return image if image.getexif().get(_ORIENTATION_TAG, 1) == 1 else ImageOps.exif_transpose(image)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height of a photograph that is turned as ``upright`` turns it; its pixels are not read.

    Raises:
        BadImage: if the EXIF record is damaged.
    """
    with decoding():
        width, height = image.size
        return (height, width) if image.getexif().get(_ORIENTATION_TAG, 1) in _LYING else (width, height)


def in_channels(image: Image.Image, channels: int, background: str) -> Image.Image:
    """Convert any mode to gray ("L") or "RGB"; transparent pixels are laid over the background.

    16-bit gray levels are divided by 257, so that 65535 becomes 255; other gray images of more than 8 bits must
    keep to 0..65535.

    Raises:
        ValueError: for floating point or 32-bit pixels, whose range is unknown.
    """
    mode = "L" if channels == 1 else "RGB"
    if image.mode == mode and "transparency" not in image.info:
        return image
    if image.mode.startswith("I"):
        levels, clear = np.asarray(image).astype(np.int64), image.info.get("transparency")
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("gray levels outside 0..65535")
        image = Image.fromarray(((levels + 128) // 257).astype(np.uint8))
        if clear is not None:
            image.putalpha(Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8)))
    elif image.mode == "F":
        raise ValueError("floating point pixels, whose range is not stated")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
    if image.mode not in ("1", "L", "RGB") and mode == "L":
        image = image.convert("RGB")  # not every mode has a way to gray of its own
    return image.convert(mode)


def squared(image: Image.Image, resolution: int, fit: Fit, resample: Image.Resampling, background: str) -> Image.Image:
    """Make a picture square by ``fit`` and resample it.

    Raises:
        ValueError: for another size under "exact".
    """
    width, height = image.size
    target = (resolution, resolution)
    if image.size == target:
        return image
    if fit == "exact":
        raise ValueError(f"{width}x{height} instead of {resolution}x{resolution}")
    if fit == "pad":
        scale = resolution / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        canvas = Image.new(image.mode, target, background)
        canvas.paste(image.resize(size, resample), ((resolution - size[0]) // 2, (resolution - size[1]) // 2))
        return canvas
    if fit == "center_crop" and width != height:
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image if image.size == target else image.resize(target, resample)
