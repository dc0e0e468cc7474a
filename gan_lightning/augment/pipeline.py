"""The augmentation pipeline of ADA as a function of the probability."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor

from gan_lightning.augment.affine import draw_blit, draw_geometry
from gan_lightning.augment.colors import apply_color, draw_color
from gan_lightning.augment.corruptions import add_noise, amplify_bands, cut_out, draw_gains
from gan_lightning.augment.warp import copy_pixels, resample


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """Factors of the probability, one per group of transformations, in [0, 1]; 0 leaves the group out.

    Attributes:
        blit: flips, quarter turns, integer shifts.
        geometry: scales, rotations, fractional shifts.
        color: brightness, contrast, luma flip, hue, saturation.
        filter: amplification of frequency bands.
        noise: additive white noise.
        cutout: a zeroed rectangle.

    Raises:
        ValueError: if a factor lies outside [0, 1].
    """

    blit: float = 1.0
    geometry: float = 1.0
    color: float = 1.0
    filter: float = 0.0
    noise: float = 0.0
    cutout: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be in [0, 1], got {value}")


def move(images: Tensor, blit_probability: float, geometry_probability: float) -> Tensor:
    """Blit and geometric transformations in one pass.

    An image without a geometric transformation is moved by copying pixels, so that nothing is blended (the authors'
    release resamples it too, and its filter is not quite symmetric); for the others the maps are multiplied and
    the image is resampled once.
    """
    count, _, height, width = images.shape
    blit = draw_blit(count, height, width, blit_probability)
    geometry, resampled = draw_geometry(count, height, width, geometry_probability)
    moved = copy_pixels(images, blit) if blit_probability > 0 else images
    chosen = resampled.nonzero().squeeze(1)
    if len(chosen) == 0:
        return moved
    index = chosen.to(images.device)
    warped = resample(images.index_select(0, index), (blit @ geometry)[chosen])
    return moved.index_copy(0, index, warped)


def augment(images: Tensor, probability: float, strengths: Strengths) -> Tensor:
    """Draw and apply every transformation of ADA.

    Appendix B of Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data"
    (arXiv 2006.06676), in the order blit, geometry, color, filter, noise, cutout. Linear in the images up to an
    offset, so it can be differentiated twice.

    Args:
        images: ``(N, C, H, W)``, float32 or float64, about [-1, 1].
        probability: p, at least 0; above 1 means 1.
        strengths: factors of p per group.

    Returns:
        Images of the same shape, not clipped. Each image has its own draws.
    """
    if len(images) == 0:
        return images
    blit, geometry = strengths.blit * probability, strengths.geometry * probability
    if blit > 0 or geometry > 0:
        images = move(images, blit, geometry)
    if strengths.color * probability > 0:
        matrix = draw_color(len(images), strengths.color * probability, chromatic=images.shape[1] > 1)
        images = apply_color(images, matrix)
    if strengths.filter * probability > 0:
        images = amplify_bands(images, draw_gains(len(images), strengths.filter * probability))
    if strengths.noise * probability > 0:
        images = add_noise(images, strengths.noise * probability)
    if strengths.cutout * probability > 0:
        images = cut_out(images, strengths.cutout * probability)
    return images
