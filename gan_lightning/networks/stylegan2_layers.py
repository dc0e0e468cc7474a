"""The layers of StyleGAN2 (Karras 2020, arXiv 1912.04958), and what its two networks have in common."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.checks import check_positive, check_power_of_two
from gan_lightning.networks.stylegan2_resampling import (
    binomial_filter,
    downsampling_conv2d,
    upsampling_conv2d,
)

Resampling = Literal["none", "up", "down"]

Architecture = Literal["orig", "resnet", "skip"]
ARCHITECTURES = ("orig", "resnet", "skip")

RESIDUAL_GAIN = math.sqrt(0.5)
"""Factor of both summands of a residual block, which keeps the variance of their sum at 1."""


def check_architecture(architecture: str) -> None:
    """Refuse unknown ways of connecting blocks.

    Raises:
        ValueError: unless it is one of figure 7 of the paper.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {list(ARCHITECTURES)}, got {architecture!r}")


def stylegan2_widths(resolution: int, *, channel_base: int, channel_max: int) -> list[int]:
    """Return the channels ``min(channel_base / r, channel_max)`` of maps of r x r pixels, r = 4, 8, ... ``resolution``.

    Raises:
        ValueError: if an argument is out of its range, or ``channel_base`` leaves the last map without channels.
    """
    last_level = check_power_of_two(resolution, minimum=8)
    check_positive(channel_base=channel_base, channel_max=channel_max)
    if channel_base < resolution:
        raise ValueError(f"channel_base must be at least resolution ({resolution}), got {channel_base}")
    return [min(channel_base // 2**level, channel_max) for level in range(2, last_level + 1)]


def scaled_leaky_relu(x: Tensor, *, gain: float = 1.0, clamp: float | None = None) -> Tensor:
    """Return ``sqrt(2) gain leaky_relu(x)``, slope 0.2, clipped to ``± clamp gain``; the root keeps the variance."""
    y = F.leaky_relu(x, 0.2) * (math.sqrt(2) * gain)
    return y if clamp is None else y.clamp(-clamp * gain, clamp * gain)


class EqualizedDense(nn.Module):
    """``y = (m / sqrt(inputs)) W x + m b`` with W from N(0, 1 / m²), so that it learns m times as fast as others.

    Unlike :class:`~gan_lightning.networks.equalized.EqualizedLinear` it leaves the gain to the activation, which
    follows the bias, and computes in the precision of its weights, also under autocast.

    Args:
        inputs: length of an input vector.
        outputs: length of an output vector.
        lr_multiplier: m.
        bias_start: first value of ``m b``.
    """

    def __init__(self, inputs: int, outputs: int, *, lr_multiplier: float = 1.0, bias_start: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias_start / lr_multiplier))
        self.scale = lr_multiplier / math.sqrt(inputs)
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Map vectors ``(N, inputs)`` to ``(N, outputs)``."""
        with torch.autocast(x.device.type, enabled=False):
            return F.linear(x.to(self.weight.dtype), self.weight * self.scale, self.bias * self.lr_multiplier)


class ResamplingConv2d(nn.Module):
    """A convolution with weights from N(0, 1), scaled by ``1 / sqrt(inputs kernel²)`` at run time.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: height and width of the kernel, 1 or 3.
        resampling: whether the map is doubled or halved with it.
        bias: whether to add a bias, which starts at 0.
    """

    fir: Tensor

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, resampling: Resampling = "none", bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.resampling = resampling
        self.register_buffer("fir", binomial_filter(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H', W')``."""
        weight = self.weight * self.scale
        if self.resampling == "up":
            h = upsampling_conv2d(x, weight, self.fir)
        elif self.resampling == "down":
            h = downsampling_conv2d(x, weight, self.fir)
        else:
            h = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        return h if self.bias is None else h + self.bias.to(h.dtype).view(-1, 1, 1)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    upsampling_fir: Tensor | None = None,
    fused: bool = False,
) -> Tensor:
    r"""Convolve each sample with kernels of its own, scaled by its style.

    .. math:: w'_{oik} = s_i w_{oik}, \qquad w''_{oik} = w'_{oik} / \sqrt{\sum_{i,k} {w'_{oik}}^2 + 10^{-8}}

    (section 2.2, eq. 1 and 3). Demodulation gives outputs unit variance if the inputs are uncorrelated and have it.
    Both ways of computing it agree up to rounding: ``fused`` builds the kernels and runs one convolution with a group
    a sample; otherwise the activations are scaled before and after a convolution with w, which takes less memory.

    Args:
        x: maps ``(N, C, H, W)``.
        weight: w, ``(D, C, k, k)`` with k of 1 or 3.
        styles: s, ``(N, C)``.
        demodulate: whether to use w'' instead of w'.
        upsampling_fir: filter ``(4, 4)`` to double the map with, or None to leave its size.
        fused: which way.

    Returns:
        Maps ``(N, D, H', W')`` with H' = H or 2 H.
    """
    norms = _demodulation(weight, styles) if demodulate else None
    if fused:
        kernels = weight * styles[:, None, :, None, None]
        kernels = kernels if norms is None else kernels * norms[:, :, None, None, None]
        together = x.reshape(1, -1, *x.shape[2:])
        h = _convolve(together, kernels.flatten(0, 1), upsampling_fir, groups=len(x))
        return h.view(len(x), -1, *h.shape[2:])
    h = _convolve(x * styles.to(x.dtype)[:, :, None, None], weight, upsampling_fir)
    return h if norms is None else h * norms.to(h.dtype)[:, :, None, None]


def _convolve(x: Tensor, weight: Tensor, upsampling_fir: Tensor | None, *, groups: int = 1) -> Tensor:
    if upsampling_fir is None:
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=groups)
    return upsampling_conv2d(x, weight, upsampling_fir, groups=groups)


def _demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """Factors ``1 / sqrt(sum_ik (s_i w_oik)² + 1e-8)`` of the outputs, ``(N, D)``, without the kernels of a sample."""
    with torch.autocast(weight.device.type, enabled=False):
        energy = F.linear(styles.to(weight.dtype).square(), weight.square().sum(dim=(2, 3)))
    return torch.rsqrt(energy + 1e-8)
