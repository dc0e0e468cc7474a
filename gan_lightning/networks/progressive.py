"""The networks of progressive growing (Karras 2017, arXiv 1710.10196, table 2)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive, check_power_of_two
from gan_lightning.networks.equalized import HE_GAIN, EqualizedConv2d, EqualizedLinear, pixel_norm
from gan_lightning.networks.freezing import Block, block_of
from gan_lightning.networks.growth import FIRST_LEVEL, FixedGrowth, Growth, double, halve
from gan_lightning.networks.minibatch import MinibatchStdDev


def progressive_widths(last_level: int, *, fmap_base: int, fmap_max: int) -> list[int]:
    """Return the channels ``min(fmap_base / 2^(level - 1), fmap_max)`` of the maps from level 2 (4x4) to the last.

    Raises:
        ValueError: if a size is below 1, or ``fmap_base`` leaves the last map without channels.
    """
    check_positive(fmap_base=fmap_base, fmap_max=fmap_max)
    if fmap_base < 2 ** (last_level - 1):
        raise ValueError(f"fmap_base must be at least {2 ** (last_level - 1)} at this resolution, got {fmap_base}")
    return [min(fmap_base // 2 ** (level - 1), fmap_max) for level in range(FIRST_LEVEL, last_level + 1)]


class _GeneratorStem(nn.Module):
    """Latent to 4x4 maps: a linear layer with one bias a channel, then a convolution."""

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        # A quarter of the usual gain: the authors' choice for this layer.
        self.linear = EqualizedLinear(latent_dim, width * 16, gain=HE_GAIN / 4, bias=False)
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))
        self.conv = EqualizedConv2d(width, width, kernel=3)

    def forward(self, latents: Tensor) -> Tensor:
        h = self.linear(pixel_norm(latents)).unflatten(1, (-1, 4, 4)) + self.bias
        h = pixel_norm(F.leaky_relu(h, 0.2))
        return pixel_norm(F.leaky_relu(self.conv(h), 0.2))


class _GeneratorBlock(nn.Module):
    """Doubling and two convolutions with LeakyReLU and pixel norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = EqualizedConv2d(inputs, outputs, kernel=3)
        self.conv2 = EqualizedConv2d(outputs, outputs, kernel=3)

    def forward(self, x: Tensor) -> Tensor:
        h = pixel_norm(F.leaky_relu(self.conv1.after_doubling(x), 0.2))
        return pixel_norm(F.leaky_relu(self.conv2(h), 0.2))


class _DiscriminatorBlock(nn.Module):
    """Two convolutions with LeakyReLU and halving."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = EqualizedConv2d(inputs, inputs, kernel=3)
        self.conv2 = EqualizedConv2d(inputs, outputs, kernel=3)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.conv1(x), 0.2)
        return F.leaky_relu(self.conv2.and_halve(h), 0.2)


class ProgressiveGenerator(Generator):
    """A stack of doubling blocks, each with its own 1x1 layer to an image, grown level by level.

    At stage (level l, alpha) the image is ``alpha toRGB_l(h_l) + (1 - alpha) double(toRGB_(l-1)(h_(l-1)))``, enlarged
    to the full resolution, so that everything downstream sees one size. Latents float ``(N, latent_dim)``, scaled to
    length sqrt(latent_dim) inside, become images ``(N, channels, resolution, resolution)``: around [-1, 1], but
    unbounded, as there is no tanh.

    Args:
        resolution: full height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        fmap_base: half the product of a map's channels and its resolution, before the limit.
        fmap_max: limit of channels.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1710.10196, section 4 and table 2.
    """

    def __init__(
        self,
        *,
        resolution: int = 1024,
        channels: int = 3,
        latent_dim: int = 512,
        fmap_base: int = 8192,
        fmap_max: int = 512,
    ) -> None:
        last_level = check_power_of_two(resolution, minimum=8)
        check_positive(channels=channels, latent_dim=latent_dim)
        widths = progressive_widths(last_level, fmap_base=fmap_base, fmap_max=fmap_max)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.growth: Growth = Growth(last_level=last_level)
        self.stem = _GeneratorStem(latent_dim, widths[0])
        self.blocks = nn.ModuleList(_GeneratorBlock(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.to_image = nn.ModuleList(EqualizedConv2d(width, channels, kernel=1, gain=1.0) for width in widths)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each resolution from 4x4 on; layers to an image are in none."""
        return [block_of(self.stem), *map(block_of, self.blocks)]

    def grow_to(self, *, level: int, alpha: float) -> None:
        """Move to resolution ``2 ** level``, its layers faded in to the share ``alpha``."""
        self.growth.set(level=level, alpha=alpha)

    def for_export(self) -> ProgressiveGenerator:
        """Return this network, at its present stage for good."""
        self.growth = FixedGrowth(self.growth)
        return self

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` to images at full resolution; the condition is not used."""
        level, alpha = self.growth.read()
        newest = level - FIRST_LEVEL
        h = before = self.stem(latents)
        for block in list(self.blocks)[:newest]:
            h, before = block(h), h
        images = self.to_image[newest](h)
        if alpha < 1:
            images = torch.lerp(double(self.to_image[newest - 1](before)), images, alpha)
        return double(images, self.growth.last_level - level)


class ProgressiveDiscriminator(Discriminator):
    """The mirror of :class:`ProgressiveGenerator`, with minibatch standard deviation at 4x4.

    Images come at full resolution and are averaged down to the current one. At stage (level l, alpha) the map after
    the newest block is ``alpha block_l(fromRGB_l(x)) + (1 - alpha) fromRGB_(l-1)(halve(x))``.

    Args:
        resolution: full height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        fmap_base: half the product of a map's channels and its resolution, before the limit.
        fmap_max: limit of channels.
        group_size: samples that share a minibatch standard deviation.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1710.10196, sections 3 and 4 and table 2.
    """

    def __init__(
        self,
        *,
        resolution: int = 1024,
        channels: int = 3,
        fmap_base: int = 8192,
        fmap_max: int = 512,
        group_size: int = 4,
    ) -> None:
        last_level = check_power_of_two(resolution, minimum=8)
        check_positive(channels=channels, group_size=group_size)
        widths = progressive_widths(last_level, fmap_base=fmap_base, fmap_max=fmap_max)
        super().__init__(feature_dim=min(fmap_base, fmap_max), sample_shape=(channels, resolution, resolution))
        self.growth = Growth(last_level=last_level)
        self.from_image = nn.ModuleList(EqualizedConv2d(channels, width, kernel=1) for width in widths)
        self.blocks = nn.ModuleList(_DiscriminatorBlock(inputs, outputs) for outputs, inputs in pairwise(widths))
        self.minibatch = MinibatchStdDev(group_size=group_size)
        self.conv = EqualizedConv2d(widths[0] + 1, widths[0], kernel=3)
        self.linear = EqualizedLinear(widths[0] * 16, self.feature_dim)
        self.output = EqualizedLinear(self.feature_dim, 1, gain=1.0)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each resolution from the full one down to 8x8, with its layer from the image."""
        return [block_of(*pair) for pair in zip(self.from_image[1:], self.blocks, strict=True)][::-1]

    def grow_to(self, *, level: int, alpha: float) -> None:
        """Move to resolution ``2 ** level``, its layers faded in to the share ``alpha``."""
        self.growth.set(level=level, alpha=alpha)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to the last hidden layer ``(N, feature_dim)``."""
        level, alpha = self.growth.read()
        newest = level - FIRST_LEVEL
        images = halve(samples, self.growth.last_level - level)
        h = F.leaky_relu(self.from_image[newest](images), 0.2)
        for index in reversed(range(newest)):
            h = self.blocks[index](h)
            if index == newest - 1 and alpha < 1:
                h = torch.lerp(F.leaky_relu(self.from_image[index](halve(images)), 0.2), h, alpha)
        h = F.leaky_relu(self.conv(self.minibatch(h)), 0.2)
        return F.leaky_relu(self.linear(h.flatten(1)), 0.2)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)
