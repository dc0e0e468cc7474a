"""Changes of resolution with a smoothing filter, alone and in a convolution (Karras 2020, arXiv 1912.04958).

The filter [1, 3, 3, 1] / 8 in both directions keeps high frequencies from folding over, where nearest neighbors and
strides let them (after Zhang 2019, arXiv 1904.11486). Everything here is made of torch's own convolutions, so it can
be differentiated any number of times. The filter works in the precision of the maps it is given, also under autocast:
images that are summed over resolutions keep float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def binomial_filter() -> Tensor:
    """Return the filter, float32 ``(4, 4)``, which sums to 1."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return taps.outer(taps)


def smooth(x: Tensor, fir: Tensor, *, padding: int, stride: int = 1) -> Tensor:
    """Convolve every channel with the filter.

    Args:
        x: maps ``(N, C, H, W)``.
        fir: symmetric filter ``(4, 4)``.
        padding: zeros at each border.
        stride: 2 keeps every other output.

    Returns:
        Maps ``(N, C, (H + 2 padding - 4) // stride + 1, ...)`` of the dtype of ``x``.
    """
    with torch.autocast(x.device.type, enabled=False):
        return F.conv2d(x, _one_per_channel(x, fir), stride=stride, padding=padding, groups=x.shape[1])


def upsample(x: Tensor, fir: Tensor) -> Tensor:
    """Double maps ``(N, C, H, W)``: put zeros between the pixels, smooth, and multiply by 4 to keep the mean."""
    with torch.autocast(x.device.type, enabled=False):
        return F.conv_transpose2d(x, 4 * _one_per_channel(x, fir), stride=2, padding=1, groups=x.shape[1])


def downsample(x: Tensor, fir: Tensor) -> Tensor:
    """Halve maps ``(N, C, H, W)``: smooth, and keep every other pixel."""
    return smooth(x, fir, padding=1, stride=2)


def upsampling_conv2d(x: Tensor, weight: Tensor, fir: Tensor, *, groups: int = 1) -> Tensor:
    """Double maps by a transposed convolution of stride 2, and smooth the result with ``fir``.

    Args:
        x: maps ``(N, C, H, W)``.
        weight: kernels ``(D, C / groups, k, k)`` with k of 1 or 3, not mirrored; with k = 1 the convolution comes
            first, where it is cheaper.
        fir: filter ``(4, 4)``.
        groups: blocks of channels that do not see each other.

    Returns:
        Maps ``(N, D, 2 H, 2 W)``.
    """
    if weight.shape[-1] == 1:
        return upsample(F.conv2d(x, weight, groups=groups), fir)
    # conv_transpose2d wants the inputs of each group before its outputs
    transposed = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    return smooth(F.conv_transpose2d(x, transposed, stride=2, groups=groups), 4 * fir, padding=1)


def downsampling_conv2d(x: Tensor, weight: Tensor, fir: Tensor) -> Tensor:
    """Smooth maps of even size, and convolve them with stride 2.

    Args:
        x: maps ``(N, C, H, W)``.
        weight: kernels ``(D, C, k, k)`` with k of 1 or 3.
        fir: filter ``(4, 4)``.

    Returns:
        Maps ``(N, D, H / 2, W / 2)``.
    """
    if weight.shape[-1] == 1:
        return F.conv2d(downsample(x, fir), weight)
    return F.conv2d(smooth(x, fir, padding=2), weight, stride=2)


def _one_per_channel(x: Tensor, fir: Tensor) -> Tensor:
    """Return the filter as kernels ``(C, 1, 4, 4)`` of a convolution with one group per channel."""
    return fir.to(x.dtype).expand(x.shape[1], 1, *fir.shape)
