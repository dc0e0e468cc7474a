"""Layers of R3GAN's networks (Huang 2024, arXiv 2501.05441)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2


def normal(weight: Tensor, *, fan_in: int, gain: float = 1.0) -> None:
    """Draw weights from N(0, gain / sqrt(fan_in))."""
    nn.init.normal_(weight, std=gain / math.sqrt(fan_in))


class Convolution(nn.Conv2d):
    """A convolution that computes in the type of its input.

    Weights start from N(0, gain / sqrt(fan_in)), the bias, if there is one, at 0.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: height and width of the kernel.
        padding: rows and columns of zeros at each side of the map.
        groups: groups of channels that do not see each other.
        bias: whether to add a bias.
        gain: gain of the initial weights.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = False,
        gain: float = 1.0,
    ) -> None:
        super().__init__(inputs, outputs, kernel, padding=padding, groups=groups, bias=bias)
        normal(self.weight, fan_in=inputs // groups * kernel**2, gain=gain)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H', W')``."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.conv2d(x, self.weight.to(x.dtype), bias, padding=self.padding, groups=self.groups)


class Resample(nn.Module):
    """Double or halve a map with the filter [1, 3, 3, 1] / 8 along both axes; beyond its border the map is 0.

    Doubling puts a zero after each pixel and then filters; halving filters and then takes every other pixel.

    Args:
        channels: channels of the map.
        double: whether to double instead of halve.
    """

    kernel: Tensor

    def __init__(self, channels: int, *, double: bool) -> None:
        super().__init__()
        self.channels = channels
        self.double_size = double
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        # The gain of 4 makes up for the zeros, three for each pixel.
        self.register_buffer("kernel", torch.outer(row, row) * (4 if double else 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Resample maps ``(N, channels, H, W)`` to twice or half the height and width."""
        kernel = self.kernel.to(x.dtype).expand(self.channels, 1, 4, 4)
        resample = F.conv_transpose2d if self.double_size else F.conv2d
        return resample(x, kernel, stride=2, padding=1, groups=self.channels)


class ResidualBlock(nn.Module):
    """An inverted bottleneck of grouped convolutions: ``x + project(act(grouped(act(expand(x)))))``, 1x1, 3x3, 1x1.

    The activations are LeakyReLU(0.2), each after a bias; there is none after the sum. The last layer starts at 0, so
    that a block starts as the identity.

    Args:
        channels: channels in and out.
        cardinality: groups of the 3x3 convolution.
        expansion: how many times wider the block is inside.
        gain: gain of the initial weights of the first two layers.
    """

    def __init__(self, channels: int, *, cardinality: int, expansion: int, gain: float) -> None:
        super().__init__()
        hidden = channels * expansion
        self.expand = Convolution(channels, hidden, bias=True, gain=gain)
        self.grouped = Convolution(hidden, hidden, kernel=3, padding=1, groups=cardinality, bias=True, gain=gain)
        self.project = Convolution(hidden, channels, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to maps of the same shape."""
        h = F.leaky_relu(self.expand(x), SLOPE)
        return x + self.project(F.leaky_relu(self.grouped(h), SLOPE))


def doubling(inputs: int, outputs: int) -> list[nn.Module]:
    """Return the layers between two stages of a generator, the 1x1 convolution first, where it costs a quarter."""
    return [*_change_width(inputs, outputs), Resample(outputs, double=True)]


def halving(inputs: int, outputs: int) -> list[nn.Module]:
    """Return the layers between two stages of a discriminator."""
    return [Resample(inputs, double=False), *_change_width(inputs, outputs)]


def _change_width(inputs: int, outputs: int) -> list[nn.Module]:
    return [] if inputs == outputs else [Convolution(inputs, outputs)]


class Stage(nn.Sequential):
    """Layers that compute in one type, whatever the type of their input; their parameters keep their own.

    Args:
        layers: the layers, in order.
        bfloat16: whether they compute in bfloat16 instead of the type of their parameters.
    """

    def __init__(self, *layers: nn.Module, bfloat16: bool) -> None:
        super().__init__(*layers)
        self.bfloat16_inside = bfloat16

    def forward(self, x: Tensor) -> Tensor:
        """Map maps of any floating dtype to maps of this stage's dtype."""
        return super().forward(x.to(torch.bfloat16 if self.bfloat16_inside else next(self.parameters()).dtype))


def residual_blocks(
    widths: Sequence[int], cardinalities: Sequence[int], blocks: Sequence[int], *, expansion: int
) -> list[list[nn.Module]]:
    """Return the residual blocks of each stage of a network.

    The gain of their weights is that of LeakyReLU times ``L^(-1 / (2 m - 2))``, where L is the number of blocks of all
    stages together and m = 3 the number of layers of a block (Fixup: Zhang 2019, arXiv 1901.09321).
    """
    gain = math.sqrt(2 / (1 + SLOPE**2)) * sum(blocks) ** -0.25
    return [
        [ResidualBlock(width, cardinality=cardinality, expansion=expansion, gain=gain) for _ in range(count)]
        for width, cardinality, count in zip(widths, cardinalities, blocks, strict=True)
    ]
