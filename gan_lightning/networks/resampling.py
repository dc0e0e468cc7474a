"""A convolution together with the doubling before it or the averaging after it, at less than half the price.

Both pairs are one linear map, and that map is a convolution of stride 2: a pixel of the small map meets 16 weights,
where it costs the two steps 36. Progressive growing's authors fuse them likewise (``fused_scale`` of their code).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def convolve_and_halve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``avg_pool2d(conv2d(x, W, b, padding=k // 2), 2)`` for an odd k, up to rounding.

    Averaging the outputs of a convolution is the same as averaging its kernel over the four shifts, and taking every
    other output.

    Args:
        x: maps ``(N, C, H, W)``.
        weight: kernels ``(D, C, k, k)``.
        bias: ``(D,)``.

    Returns:
        Maps ``(N, D, H // 2, W // 2)``.
    """
    averaged = F.avg_pool2d(weight, 2, stride=1, padding=1)
    return F.conv2d(x, averaged, bias, stride=2, padding=weight.shape[-1] // 2)


def double_and_convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``conv2d(interpolate(x, scale_factor=2, mode="nearest"), W, b, padding=k // 2)`` for an odd k.

    The adjoint of :func:`convolve_and_halve`, times 4, since a doubled pixel counts four times.

    Args:
        x: maps ``(N, C, H, W)``.
        weight: kernels ``(D, C, k, k)``.
        bias: ``(D,)``.

    Returns:
        Maps ``(N, D, 2 H, 2 W)``.
    """
    # conv_transpose2d wants the kernel mirrored, and inputs before outputs
    summed = 4 * F.avg_pool2d(weight.flip(2, 3).transpose(0, 1), 2, stride=1, padding=1)
    return F.conv_transpose2d(x, summed, bias, stride=2, padding=weight.shape[-1] // 2)
