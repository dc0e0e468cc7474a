"""Bilinear sampling that can be differentiated twice with respect to the images, on every device.

With the positions held constant, bilinear sampling is a linear map of the images: its gradient is the transposed
map, and the gradient of that is the map itself. PyTorch's own operator does not offer the second derivative on every
device and in every version that we support.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _Sample(torch.autograd.Function):
    """Images ``(N, C, H, W)`` read at positions ``(N, h, w, 2)``: ``(N, C, h, w)``."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, positions: Tensor) -> Tensor:
        ctx.save_for_backward(positions)
        ctx.shape = images.shape
        return functional.grid_sample(images, positions, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (positions,) = ctx.saved_tensors
        return _Scatter.apply(gradient, positions, ctx.shape), None


class _Scatter(torch.autograd.Function):
    """The transpose of ``_Sample``: ``(N, C, h, w)`` added into images ``(N, C, H, W)``."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, positions: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(positions)
        # Only the shape of the images matters to the gradient with respect to them.
        images = values.new_empty(shape)
        bilinear, zeros, align_corners = 0, 0, False
        scattered, _ = torch.ops.aten.grid_sampler_2d_backward(
            values.contiguous(), images, positions, bilinear, zeros, align_corners, [True, False]
        )
        return scattered

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (positions,) = ctx.saved_tensors
        return _Sample.apply(gradient, positions), None, None


def sample_bilinear(images: Tensor, positions: Tensor) -> Tensor:
    """Read images at given positions, bilinearly, zero outside.

    Args:
        images: ``(N, C, H, W)``, differentiable to any order.
        positions: ``(N, h, w, 2)``, constant, as (x, y) in units in which the image spans [-1, 1] from border
            to border (``align_corners=False``).

    Returns:
        ``(N, C, h, w)``.
    """
    return _Sample.apply(images, positions.detach())
