"""The synthesis network of StyleGAN2 (Karras 2020, arXiv 1912.04958): one style a layer, and noise, to images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from gan_lightning.networks.freezing import Block, block_of
from gan_lightning.networks.stylegan2_layers import (
    RESIDUAL_GAIN,
    Architecture,
    EqualizedDense,
    ResamplingConv2d,
    modulated_conv2d,
    scaled_leaky_relu,
)
from gan_lightning.networks.stylegan2_resampling import binomial_filter, upsample

NoiseMode = Literal["random", "constant", "none"]
NOISE_MODES = ("constant", "none", "random")


def check_noise_mode(mode: str) -> None:
    """Refuse unknown origins of noise.

    Raises:
        ValueError: unless noise is drawn, constant or absent.
    """
    if mode not in NOISE_MODES:
        raise ValueError(f"noise must be one of {list(NOISE_MODES)}, got {mode!r}")


class StyledConv2d(nn.Module):
    """A modulated 3x3 convolution, noise, bias and LeakyReLU.

    Args:
        inputs: channels in.
        outputs: channels out.
        style_dim: length of a style.
        resolution: height and width of the result.
        upsampling: whether the map is doubled first.
        clamp: limit of the activations, or None.
    """

    fir: Tensor
    constant_noise: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        style_dim: int,
        resolution: int,
        upsampling: bool,
        clamp: float | None,
    ) -> None:
        super().__init__()
        self.affine = EqualizedDense(style_dim, inputs, bias_start=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("constant_noise", torch.randn(resolution, resolution))
        self.register_buffer("fir", binomial_filter(), persistent=False)
        self.upsampling = upsampling
        self.clamp = clamp

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None, *, gain: float, fused: bool) -> Tensor:
        """Map ``(N, inputs, H, W)``, styles ``(N, style_dim)`` and noise ``(N or 1, 1, H', W')`` to new maps."""
        styles = self.affine(style)
        fir = self.fir if self.upsampling else None
        h = modulated_conv2d(x, self.weight, styles, upsampling_fir=fir, fused=fused)
        if noise is not None:
            h = h + (self.noise_strength * noise).to(h.dtype)
        return scaled_leaky_relu(h + self.bias.to(h.dtype).view(-1, 1, 1), gain=gain, clamp=self.clamp)


class ToImage(nn.Module):
    """A modulated 1x1 convolution without demodulation; its images have the precision of its weights.

    Args:
        inputs: channels in.
        channels: channels of an image.
        style_dim: length of a style.
        clamp: limit of the values, or None.
    """

    def __init__(self, inputs: int, channels: int, *, style_dim: int, clamp: float | None) -> None:
        super().__init__()
        self.affine = EqualizedDense(style_dim, inputs, bias_start=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = 1 / math.sqrt(inputs)
        self.clamp = clamp

    def forward(self, x: Tensor, style: Tensor, *, fused: bool) -> Tensor:
        """Map ``(N, inputs, H, W)`` and styles ``(N, style_dim)`` to images ``(N, channels, H, W)``."""
        styles = self.affine(style) * self.scale
        images = modulated_conv2d(x, self.weight, styles, demodulate=False, fused=fused)
        images = images.to(self.bias.dtype) + self.bias.view(-1, 1, 1)
        return images if self.clamp is None else images.clamp(-self.clamp, self.clamp)


class SynthesisNetwork(nn.Module):
    """Styled convolutions from a learned 4x4 map, two for each further resolution, and layers to an image.

    Figure 7 of the paper has three ways to connect them: ``skip`` sums an image for each resolution, ``resnet`` adds
    a shortcut round each pair of convolutions, ``orig`` does neither.

    The image of a resolution shares its style with the first convolution of the next, so L styles are needed: one for
    each convolution, and one for the last image.

    Args:
        widths: channels of the maps of 4x4, 8x8, ... pixels.
        channels: channels of an image.
        style_dim: length of a style.
        architecture: which connections.
        clamp: limit of activations after 3x3 convolutions and of layers to an image, or None.
        fused: whether evaluation mode builds the kernels of each sample.

    Attributes:
        style_count: L.
    """

    fir: Tensor

    def __init__(
        self,
        *,
        widths: Sequence[int],
        channels: int,
        style_dim: int,
        architecture: Architecture,
        clamp: float | None,
        fused: bool,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.fused = fused
        self.start = nn.Parameter(torch.randn(widths[0], 4, 4))
        styled = partial(StyledConv2d, style_dim=style_dim, clamp=clamp)
        layers = [styled(widths[0], widths[0], resolution=4, upsampling=False)]
        for stage, (inputs, outputs) in enumerate(pairwise(widths), start=1):
            layers.append(styled(inputs, outputs, resolution=4 * 2**stage, upsampling=True))
            layers.append(styled(outputs, outputs, resolution=4 * 2**stage, upsampling=False))
        self.layers = nn.ModuleList(layers)
        self.to_image = nn.ModuleList(
            ToImage(width, channels, style_dim=style_dim, clamp=clamp)
            for width in (widths if architecture == "skip" else widths[-1:])
        )
        self.shortcuts = nn.ModuleList(
            ResamplingConv2d(inputs, outputs, kernel=1, resampling="up", bias=False)
            for inputs, outputs in (pairwise(widths) if architecture == "resnet" else ())
        )
        self.register_buffer("fir", binomial_filter(), persistent=False)
        self.style_count = len(self.layers) + 1

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each resolution from 4x4 on, without its layer to an image."""
        first, *others = self.layers
        blocks = [block_of(self.start, first)]
        for stage in range(len(others) // 2):
            blocks.append(block_of(*others[2 * stage : 2 * stage + 2], *self.shortcuts[stage : stage + 1]))
        return blocks

    def draw_noise(self, count: int, *, generator: torch.Generator | None = None) -> list[Tensor]:
        """Draw noise from N(0, 1) for ``count`` samples: a map ``(count, 1, H, W)`` for each layer."""
        return [like.new_empty(count, *like.shape[1:]).normal_(generator=generator) for like in self._constant_noise()]

    def forward(self, styles: Tensor, noise: NoiseMode | Sequence[Tensor]) -> Tensor:
        """Map styles ``(N, L, style_dim)`` to images ``(N, channels, H, W)``.

        Args:
            styles: one for each layer.
            noise: its origin, or the maps themselves, ``(N or 1, 1, H, W)`` for each convolution from 4x4 on.

        Raises:
            ValueError: if the shape of styles or noise is wrong.
        """
        if styles.ndim != 3 or styles.shape[1] != self.style_count:
            raise ValueError(f"styles must be (N, {self.style_count}, style_dim), got {tuple(styles.shape)}")
        maps = self._noise_maps(noise, count=styles.shape[0])
        fused = self.fused and not self.training
        gain = RESIDUAL_GAIN if self.architecture == "resnet" else 1.0

        def convolved(h: Tensor, index: int, gain: float = 1.0) -> Tensor:
            return self.layers[index](h, styles[:, index], maps[index], gain=gain, fused=fused)

        h = convolved(self.start.expand(styles.shape[0], -1, -1, -1), 0)
        images = self.to_image[0](h, styles[:, 1], fused=fused) if self.architecture == "skip" else None
        for stage in range(1, len(self.layers) // 2 + 1):
            before, last = h, 2 * stage
            h = convolved(convolved(h, last - 1), last, gain)
            if self.shortcuts:
                h = h + self.shortcuts[stage - 1](before) * RESIDUAL_GAIN
            if images is not None:
                images = upsample(images, self.fir) + self.to_image[stage](h, styles[:, last + 1], fused=fused)
        return self.to_image[-1](h, styles[:, -1], fused=fused) if images is None else images

    @property
    def noise_sides(self) -> list[int]:
        """Return height and width of each layer's noise map."""
        return [maps.shape[2] for maps in self._constant_noise()]

    def _constant_noise(self) -> list[Tensor]:
        return [layer.get_buffer("constant_noise")[None, None] for layer in self.layers]

    def _noise_maps(self, noise: NoiseMode | Sequence[Tensor], *, count: int) -> Sequence[Tensor | None]:
        if noise == "none":
            return [None] * len(self.layers)
        if noise == "random":
            return self.draw_noise(count)
        if noise == "constant":
            return self._constant_noise()
        if isinstance(noise, str):
            raise ValueError(f"noise must be one of {list(NOISE_MODES)} or a sequence of maps, got {noise!r}")
        expected = [(1, *like.shape[2:]) for like in self._constant_noise()]
        shapes = [tuple(given.shape) for given in noise]
        if [shape[1:] for shape in shapes] != expected or any(shape[0] not in (1, count) for shape in shapes):
            raise ValueError(f"noise must be {count} or 1 maps of each of the shapes {expected}, got {shapes}")
        return noise
