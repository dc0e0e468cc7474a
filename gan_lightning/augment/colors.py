"""Random color transformations of ADA as homogeneous matrices over the color channels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gan_lightning.augment.affine import draw_gate, normal, uniform


def _luma_axis() -> Tensor:
    """Return the gray diagonal of the color cube, v = (1, 1, 1, 0)/√3."""
    return torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64) / math.sqrt(3)


def _identity(count: int) -> Tensor:
    return torch.eye(4, dtype=torch.float64).repeat(count, 1, 1)


def brightness_matrix(offset: Tensor) -> Tensor:
    """Add ``offset`` ``(N,)`` to every channel: ``(N, 4, 4)``."""
    matrix = _identity(len(offset))
    matrix[:, :3, 3] = offset[:, None]
    return matrix


def contrast_matrix(factor: Tensor) -> Tensor:
    """Multiply every channel by ``factor`` ``(N,)``: ``(N, 4, 4)``."""
    return torch.diag_embed(torch.stack([factor, factor, factor, torch.ones_like(factor)], dim=-1))


def luma_flip_matrix(flip: Tensor) -> Tensor:
    """Negate the luma where ``flip`` ``(N,)`` is 1 and keep the chroma, I - 2vvᵀ: ``(N, 4, 4)``."""
    axis = _luma_axis()
    return _identity(len(flip)) - 2 * torch.outer(axis, axis) * flip[:, None, None]


def hue_matrix(angle: Tensor) -> Tensor:
    """Rotate the colors about the luma axis by ``angle`` ``(N,)`` in radians (Rodrigues' formula): ``(N, 4, 4)``."""
    axis = _luma_axis()
    along = torch.outer(axis, axis)
    component = 1 / math.sqrt(3)
    cross = torch.zeros(4, 4, dtype=torch.float64)
    cross[0, 1] = cross[1, 2] = cross[2, 0] = -component
    cross[1, 0] = cross[2, 1] = cross[0, 2] = component
    across = torch.diag(torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64)) - along
    matrix = along + across * angle.cos()[:, None, None] + cross * angle.sin()[:, None, None]
    matrix[:, 3, 3] = 1
    return matrix


def saturation_matrix(factor: Tensor) -> Tensor:
    """Multiply the chroma by ``factor`` ``(N,)``, vvᵀ + (I - vvᵀ)s: ``(N, 4, 4)``."""
    axis = _luma_axis()
    along = torch.outer(axis, axis)
    matrix = along + (torch.eye(4, dtype=torch.float64) - along) * factor[:, None, None]
    matrix[:, 3, 3] = 1
    return matrix


def draw_color(count: int, probability: float, *, chromatic: bool) -> Tensor:
    """Draw brightness, contrast, luma flip, hue and saturation, each with ``probability``.

    Karras et al. 2020 (arXiv 2006.06676), appendix B: offset N(0, 0.2²), factor 2^N(0, 0.5²), flip with 1/2, hue by
    U(-π, π), saturation 2^N(0, 1), applied in this order.

    Args:
        count: N.
        probability: with which each transformation is drawn for an image; above 1 means 1.
        chromatic: draw hue and saturation, which mean nothing to gray images.

    Returns:
        Matrices over (red, green, blue, 1), float64 ``(N, 4, 4)`` on the host.
    """
    offset = torch.where(draw_gate(count, probability), normal(count, 0.2), 0.0)
    factor = torch.where(draw_gate(count, probability), torch.exp2(normal(count, 0.5)), 1.0)
    flip = (draw_gate(count, probability) & draw_gate(count, 0.5)).double()
    matrix = luma_flip_matrix(flip) @ contrast_matrix(factor) @ brightness_matrix(offset)
    if chromatic:
        angle = torch.where(draw_gate(count, probability), uniform(count, -math.pi, math.pi), 0.0)
        chroma = torch.where(draw_gate(count, probability), torch.exp2(normal(count, 1.0)), 1.0)
        matrix = saturation_matrix(chroma) @ hue_matrix(angle) @ matrix
    return matrix


def apply_color(images: Tensor, matrix: Tensor) -> Tensor:
    """Transform the colors of each pixel.

    Args:
        images: ``(N, 3, H, W)``, or ``(N, 1, H, W)`` on which the matrix acts through its luma: a gray image is
            taken for an RGB image of three equal channels, and the mean of the result's channels is kept.
        matrix: ``(N, 4, 4)`` over (red, green, blue, 1).

    Returns:
        Images of the same shape.

    Raises:
        ValueError: if the images have neither 1 nor 3 channels.
    """
    channels = images.shape[1]
    if channels not in (1, 3):
        raise ValueError(f"color augmentation needs 1 or 3 channels, got {channels}; set color=0")
    linear, offset = matrix[:, :3, :3], matrix[:, :3, 3:]
    if channels == 1:
        linear = linear.mean(dim=1, keepdim=True).sum(dim=2, keepdim=True)
        offset = offset.mean(dim=1, keepdim=True)
    linear, offset = linear.to(images), offset.to(images)
    return torch.baddbmm(offset, linear, images.flatten(2)).reshape(images.shape)
