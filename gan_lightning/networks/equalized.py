"""Layers with an equalized learning rate, and normalization of feature vectors (Karras 2017, arXiv 1710.10196)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.resampling import convolve_and_halve, double_and_convolve

HE_GAIN = math.sqrt(2)


class EqualizedLinear(nn.Module):
    """``y = (gain / sqrt(fan_in)) W x + b`` with W from N(0, 1) (section 4.1).

    The constant at run time, instead of at the start, gives all weights the same size, so that Adam's steps change
    them at the same relative speed.

    Args:
        inputs: length of an input vector.
        outputs: length of an output vector.
        gain: gain of the activation that follows.
        bias: whether to add b, which starts at 0.
    """

    def __init__(self, inputs: int, outputs: int, *, gain: float = HE_GAIN, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map vectors ``(N, inputs)`` to ``(N, outputs)``."""
        return F.linear(x, self.weight * self.scale, self.bias)


class EqualizedConv2d(nn.Module):
    """A same-size convolution with weights as in :class:`EqualizedLinear`; ``fan_in = inputs kernel^2``.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: odd height and width of the kernel.
        gain: gain of the activation that follows.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, gain: float = HE_GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs * kernel**2)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H, W)``."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)

    def and_halve(self, x: Tensor) -> Tensor:
        """Convolve, then average over 2x2 pixels: ``(N, outputs, H / 2, W / 2)``."""
        return convolve_and_halve(x, self.weight * self.scale, self.bias)

    def after_doubling(self, x: Tensor) -> Tensor:
        """Double maps by nearest neighbor, then convolve: ``(N, outputs, 2 H, 2 W)``."""
        return double_and_convolve(x, self.weight * self.scale, self.bias)


def pixel_norm(x: Tensor) -> Tensor:
    """Scale the vector at each position to length sqrt(C): ``b = a / sqrt(mean_c a_c^2 + 1e-8)`` (section 4.2).

    Takes ``(N, C)`` or ``(N, C, H, W)`` and returns the same shape.
    """
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
