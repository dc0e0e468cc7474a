"""Random planar transformations of ADA as homogeneous matrices, drawn on the host.

All matrices are *inverse* maps, from output to input pixel coordinates with the origin in the image center.
Drawing on the host costs some microseconds, and keeps the padding, which depends on the draws, from stalling
the device. Draws are float64, so that they do not depend on the precision of the images.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def draw_gate(count: int, probability: float) -> Tensor:
    """Draw which of ``count`` images a transformation applies to: bool ``(count,)``."""
    return torch.rand(count, dtype=torch.float64) < probability


def uniform(count: int, low: float, high: float) -> Tensor:
    """Draw from U(low, high): float64 ``(count,)``."""
    return low + (high - low) * torch.rand(count, dtype=torch.float64)


def normal(count: int, std: float) -> Tensor:
    """Draw from N(0, std²): float64 ``(count,)``."""
    return std * torch.randn(count, dtype=torch.float64)


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Return the matrices ``(N, 3, 3)`` that multiply the coordinates by ``x`` and ``y``, each ``(N,)``."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=-1))


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Return the matrices ``(N, 3, 3)`` that add ``x`` and ``y``, each ``(N,)`` in pixels."""
    matrix = torch.eye(3, dtype=x.dtype).repeat(len(x), 1, 1)
    matrix[:, 0, 2] = x
    matrix[:, 1, 2] = y
    return matrix


def rotation(angle: Tensor) -> Tensor:
    """Return the matrices ``(N, 3, 3)`` that rotate by ``angle`` ``(N,)`` in radians."""
    matrix = torch.eye(3, dtype=angle.dtype).repeat(len(angle), 1, 1)
    matrix[:, 0, 0] = matrix[:, 1, 1] = angle.cos()
    matrix[:, 1, 0] = angle.sin()
    matrix[:, 0, 1] = -angle.sin()
    return matrix


def draw_blit(count: int, height: int, width: int, probability: float) -> Tensor:
    """Draw pixel blitting: flips, quarter turns and integer shifts up to an eighth of the side.

    Karras et al. 2020 (arXiv 2006.06676), appendix B. Each of the three is drawn independently.

    Args:
        count: N.
        height: height of the images, in pixels.
        width: width of the images, in pixels.
        probability: with which each transformation is drawn for an image; above 1 means 1.

    Returns:
        Inverse maps, float64 ``(N, 3, 3)``, which take pixel centers to pixel centers on square images.
    """
    sign = torch.where(draw_gate(count, probability) & draw_gate(count, 0.5), -1.0, 1.0).double()
    turns = torch.where(draw_gate(count, probability), torch.randint(0, 4, (count,)), 0)
    gate = draw_gate(count, probability)
    shift_x = torch.where(gate, (uniform(count, -0.125, 0.125) * width).round(), 0.0)
    shift_y = torch.where(gate, (uniform(count, -0.125, 0.125) * height).round(), 0.0)
    quarter_turn = rotation(turns.double() * (math.pi / 2)).round()
    return scaling(sign, torch.ones_like(sign)) @ quarter_turn @ translation(-shift_x, -shift_y)


def draw_geometry(count: int, height: int, width: int, probability: float) -> tuple[Tensor, Tensor]:
    """Draw general geometry: scale, rotation, anisotropic scale, rotation and fractional shift.

    Karras et al. 2020 (arXiv 2006.06676), appendix B: s ~ 2^N(0, 0.2²) isotropic, then anisotropic (s, 1/s)
    between two rotations by U(-π, π), each of probability 1 - √(1 - p) so that at least one happens with
    probability p, then a shift by N(0, 0.125²) of the side.

    Args:
        count: N.
        height: height of the images, in pixels.
        width: width of the images, in pixels.
        probability: p; above 1 means 1.

    Returns:
        Inverse maps, float64 ``(N, 3, 3)``, and which images any of the transformations was drawn for, bool ``(N,)``.
    """
    rotation_probability = 1 - math.sqrt(1 - min(probability, 1.0))
    scale_gate = draw_gate(count, probability)
    scale = torch.where(scale_gate, torch.exp2(normal(count, 0.2)), 1.0)
    before_gate = draw_gate(count, rotation_probability)
    before = torch.where(before_gate, uniform(count, -math.pi, math.pi), 0.0)
    stretch_gate = draw_gate(count, probability)
    stretch = torch.where(stretch_gate, torch.exp2(normal(count, 0.2)), 1.0)
    after_gate = draw_gate(count, rotation_probability)
    after = torch.where(after_gate, uniform(count, -math.pi, math.pi), 0.0)
    shift_gate = draw_gate(count, probability)
    shift_x = torch.where(shift_gate, normal(count, 0.125) * width, 0.0)
    shift_y = torch.where(shift_gate, normal(count, 0.125) * height, 0.0)
    inverse = scaling(1 / scale, 1 / scale) @ rotation(before)
    inverse = inverse @ scaling(1 / stretch, stretch) @ rotation(after) @ translation(-shift_x, -shift_y)
    return inverse, scale_gate | before_gate | stretch_gate | after_gate | shift_gate
