"""The discriminator of StyleGAN2 (Karras 2020, arXiv 1912.04958) and StyleGAN2-ADA (Karras 2020, arXiv 2006.06676)."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.conditional import project
from gan_lightning.networks.freezing import Block, block_of
from gan_lightning.networks.minibatch import MinibatchStdDev
from gan_lightning.networks.stylegan2_layers import (
    RESIDUAL_GAIN,
    Architecture,
    EqualizedDense,
    Resampling,
    ResamplingConv2d,
    check_architecture,
    scaled_leaky_relu,
    stylegan2_widths,
)
from gan_lightning.networks.stylegan2_mapping import MappingNetwork
from gan_lightning.networks.stylegan2_resampling import binomial_filter, downsample


class _ActivatedConv2d(nn.Module):
    """A convolution, bias and LeakyReLU."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, clamp: float | None, resampling: Resampling = "none"
    ) -> None:
        super().__init__()
        self.conv = ResamplingConv2d(inputs, outputs, kernel=kernel, resampling=resampling)
        self.clamp = clamp

    def forward(self, x: Tensor, *, gain: float = 1.0) -> Tensor:
        return scaled_leaky_relu(self.conv(x), gain=gain, clamp=self.clamp)


class _Block(nn.Module):
    """Two 3x3 convolutions, with or without a shortcut around them; the second halves the map."""

    def __init__(self, inputs: int, outputs: int, *, residual: bool, clamp: float | None) -> None:
        super().__init__()
        self.conv1 = _ActivatedConv2d(inputs, inputs, kernel=3, clamp=clamp)
        self.conv2 = _ActivatedConv2d(inputs, outputs, kernel=3, resampling="down", clamp=clamp)
        self.shortcut = ResamplingConv2d(inputs, outputs, kernel=1, resampling="down", bias=False) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(x)
        if self.shortcut is None:
            return self.conv2(h)
        return self.conv2(h, gain=RESIDUAL_GAIN) + self.shortcut(x) * RESIDUAL_GAIN


class StyleGAN2Discriminator(Discriminator):
    """Halving blocks down to 4x4, minibatch standard deviation, a convolution and two dense layers.

    With classes the logit is the inner product of an output vector and the mapped label, divided by the root of their
    length. Figure 7 of the paper has three ways to connect blocks: ``skip`` adds the image, halved and brought to
    the width of the maps, at each resolution, ``resnet`` adds a shortcut round each block, ``orig`` does neither.

    Args:
        resolution: height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        channel_base: product of a map's channels and its resolution, before the limit.
        channel_max: limit of channels.
        mapping_layers: dense layers of the network that maps the label, used only with classes.
        classes: number of classes, or None without labels.
        architecture: how blocks are connected: ``resnet``, ``skip`` or ``orig``.
        group_size: samples that share a minibatch standard deviation.
        conv_clamp: limit of activations after convolutions, or None; the authors' 256 keeps float16 in range.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1912.04958, section 4 and figure 7; labels as in arXiv 2006.06676.
    """

    fir: Tensor

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        channel_base: int = 32768,
        channel_max: int = 512,
        mapping_layers: int = 8,
        classes: int | None = None,
        architecture: Architecture = "resnet",
        group_size: int = 4,
        conv_clamp: float | None = None,
    ) -> None:
        widths = stylegan2_widths(resolution, channel_base=channel_base, channel_max=channel_max)
        check_positive(channels=channels, classes=1 if classes is None else classes)
        check_architecture(architecture)
        super().__init__(feature_dim=widths[0], sample_shape=(channels, resolution, resolution))
        self.classes = classes
        seen = widths if architecture == "skip" else widths[-1:]
        self.from_image = nn.ModuleList(
            _ActivatedConv2d(channels, width, kernel=1, clamp=conv_clamp) for width in reversed(seen)
        )
        self.blocks = nn.ModuleList(
            _Block(inputs, outputs, residual=architecture == "resnet", clamp=conv_clamp)
            for inputs, outputs in pairwise(reversed(widths))
        )
        self.register_buffer("fir", binomial_filter(), persistent=False)
        self.minibatch = MinibatchStdDev(group_size=group_size)
        self.conv = _ActivatedConv2d(widths[0] + 1, widths[0], kernel=3, clamp=conv_clamp)
        self.dense = EqualizedDense(widths[0] * 16, self.feature_dim)
        self.output = EqualizedDense(self.feature_dim, 1 if classes is None else self.feature_dim)
        self.mapping = (
            None
            if classes is None
            else MappingNetwork(latent_dim=None, classes=classes, style_dim=self.feature_dim, layers=mapping_layers)
        )

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each resolution down to 8x8, with its layer from the image."""
        # with ``resnet`` and ``orig`` only the first block has a layer from the image; that of 4x4 is in none
        return [block_of(*self.from_image[index : index + 1], block) for index, block in enumerate(self.blocks)]

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to the last hidden layer ``(N, feature_dim)``."""
        images = samples
        first, *others = self.from_image
        h = first(images)
        for index, block in enumerate(self.blocks):
            h = block(h)
            if others:  # the image enters again at each resolution
                images = downsample(images, self.fir)
                h = h + others[index](images)
        h = self.conv(self.minibatch(h))
        return scaled_leaky_relu(self.dense(h.flatten(1)))

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features, and labels int64 ``(N,)`` if there are classes, to logits ``(N,)``."""
        outputs = self.output(features)
        if self.mapping is None:
            return outputs.squeeze(1)
        return project(outputs, self.mapping(None, condition)) / math.sqrt(self.feature_dim)
