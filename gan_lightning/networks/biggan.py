"""The BigGAN networks (Brock 2018, arXiv 1809.11096): a latent chunk for each block, class vectors shared by all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.attention import SelfAttention, stage_with_attention, with_attention
from gan_lightning.networks.base import Generator
from gan_lightning.networks.biggan_layers import (
    Initialization,
    VectorBatchNorm2d,
    check_initialization,
    initialize_and_normalize,
)
from gan_lightning.networks.checks import check_multiple, check_positive, check_widths
from gan_lightning.networks.conditional import require_condition
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.resampling import double_and_convolve
from gan_lightning.networks.resnet import ResNetDiscriminator, ResNetGenerator


class BigGANGeneratorBlock(nn.Module):
    """Norm, ReLU, doubling, 3x3, norm, ReLU, 3x3, beside a shortcut of doubling and 1x1 (nearest neighbor).

    Args:
        inputs: channels in.
        outputs: channels inside and out.
        condition_dim: length of the vector that sets scale and shift of both norms.
    """

    def __init__(self, inputs: int, outputs: int, *, condition_dim: int) -> None:
        super().__init__()
        self.norm1 = VectorBatchNorm2d(channels=inputs, condition_dim=condition_dim)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = VectorBatchNorm2d(channels=outputs, condition_dim=condition_dim)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` and vectors ``(N, condition_dim)`` to maps ``(N, outputs, 2 H, 2 W)``."""
        h = double_and_convolve(F.relu(self.norm1(x, condition)), self.conv1.weight, self.conv1.bias)
        h = self.conv2(F.relu(self.norm2(h, condition)))
        # A 1x1 convolution commutes with nearest-neighbor doubling; before it, it costs a quarter.
        return h + F.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest")


class BigGANGenerator(Generator):
    """A linear layer, one doubling residual block per further width, batch norm, ReLU, 3x3 convolution, tanh.

    The latent vector is cut into equal chunks: the first enters the linear layer, chunk i + 1 joins the class vector
    ``[e(y); z_(i+1)]`` that sets scales and shifts of block i. All convolutions and linear layers are spectrally
    normalized; the class vectors are not. Latents float ``(N, latent_dim)``, with labels int64 ``(N,)`` if
    ``classes`` is given, become images ``(N, channels, resolution, resolution)`` in [-1, 1].

    Args:
        resolution: height and width of an image; divisible by ``2 ** (len(widths) - 1)``.
        channels: channels of an image.
        latent_dim: length of a latent vector; divisible by ``len(widths)``.
        widths: channels of the maps, from the smallest to the largest.
        classes: number of classes, or None without labels: chunks alone then set scales and shifts.
        shared_dim: length of a class vector; without classes there are none.
        attention_resolution: height of the map after which self-attention acts, or None.
        initialization: the weights' start, ``orthogonal`` or ``normal`` (N(0, 0.02)).

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1809.11096, section 3.1 and appendix B.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        channels: int = 3,
        latent_dim: int = 120,
        widths: Sequence[int] = (1536, 1536, 768, 384, 192, 96),
        classes: int | None = None,
        shared_dim: int = 128,
        attention_resolution: int | None = None,
        initialization: Initialization = "orthogonal",
    ) -> None:
        check_positive(
            channels=channels, latent_dim=latent_dim, shared_dim=shared_dim, classes=1 if classes is None else classes
        )
        check_initialization(initialization)
        widths = check_widths(widths)
        if latent_dim % len(widths):
            raise ValueError(
                f"latent_dim must be a multiple of {len(widths)} (a chunk for the first layer and for each block), "
                f"got {latent_dim}"
            )
        base = check_multiple(
            resolution, of=2 ** (len(widths) - 1), because="one doubling for each width but the first"
        )
        attention_index = stage_with_attention(
            attention_resolution, [base * 2**stage for stage in range(1, len(widths))]
        )
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.chunk = latent_dim // len(widths)
        self.base_shape = (widths[0], base, base)
        self.class_vectors = None if classes is None else nn.Embedding(classes, shared_dim)
        condition_dim = self.chunk if classes is None else shared_dim + self.chunk
        self.stem = nn.Linear(self.chunk, widths[0] * base**2)
        self.blocks = nn.ModuleList(
            BigGANGeneratorBlock(inputs, outputs, condition_dim=condition_dim) for inputs, outputs in pairwise(widths)
        )
        self.attention_index = attention_index
        self.attention: nn.Module = nn.Identity()
        if attention_index is not None:
            self.attention = SelfAttention(channels=widths[attention_index + 1], spectral_norm=False)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], channels, 3, padding=1)
        initialize_and_normalize(self, initialization, embeddings=False)

    def blocks_from_input(self) -> list[Block]:
        """Return the first layer, each residual block and attention as a block each; class vectors are in none."""
        return layers_of([self.stem, *with_attention(self.blocks, self.attention, behind=self.attention_index)])

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)``, and labels int64 ``(N,)`` if conditional, to images in [-1, 1]."""
        first, *conditions = latents.split(self.chunk, dim=1)
        if self.class_vectors is not None:
            vectors = self.class_vectors(require_condition(condition))
            conditions = [torch.cat([vectors, chunk], dim=1) for chunk in conditions]
        h = self.stem(first).unflatten(1, self.base_shape)
        for index, block in enumerate(self.blocks):
            h = block(h, conditions[index])
            if index == self.attention_index:
                h = self.attention(h)
        return self.to_image(F.relu(self.norm(h))).tanh()


class FlatBigGANGenerator(ResNetGenerator):
    """BigGAN's generator with an undivided latent vector, and class scales and shifts of each norm's own.

    The network of BigGAN-PyTorch's script for CIFAR-10, on which DiffAugment and LeCam were measured: SAGAN's
    generator, normalized throughout, with BigGAN's initialization. Latents float ``(N, latent_dim)``, with labels int64
    ``(N,)`` if ``classes`` is given, become images ``(N, channels, resolution, resolution)`` in [-1, 1].

    Args:
        resolution: height and width of an image; divisible by ``2 ** (len(widths) - 1)``.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        widths: channels of the maps, from the smallest to the largest.
        classes: number of classes of the blocks' conditional batch norm, or None without labels.
        attention_resolution: height of the map after which self-attention acts, or None.
        initialization: the weights' start, ``orthogonal`` or ``normal`` (N(0, 0.02)).

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1809.11096, as BigGAN-PyTorch configures it for CIFAR-10.
    """

    def __init__(
        self,
        *,
        resolution: int = 32,
        channels: int = 3,
        latent_dim: int = 128,
        widths: Sequence[int] = (256, 256, 256, 256),
        classes: int | None = None,
        attention_resolution: int | None = None,
        initialization: Initialization = "normal",
    ) -> None:
        check_initialization(initialization)
        super().__init__(
            resolution=resolution,
            channels=channels,
            latent_dim=latent_dim,
            widths=widths,
            classes=classes,
            spectral_norm=False,
            attention_resolution=attention_resolution,
        )
        initialize_and_normalize(self, initialization, embeddings=False)


class BigGANDiscriminator(ResNetDiscriminator):
    """SAGAN's discriminator, of any widths, with BigGAN's initialization; all layers are spectrally normalized.

    Args:
        resolution: height and width of an image; divisible by ``2 ** downsamples``.
        channels: channels of an image.
        widths: channels of the blocks' outputs, from the first to the last.
        downsamples: how many blocks halve the map.
        classes: number of classes of the projection head, or None for a head that ignores the condition.
        attention_resolution: height of the map after which self-attention acts, or None.
        initialization: the weights' start, ``orthogonal`` or ``normal`` (N(0, 0.02)).

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: arXiv 1809.11096, appendix B.
    """

    def __init__(
        self,
        *,
        resolution: int = 128,
        channels: int = 3,
        widths: Sequence[int] = (96, 192, 384, 768, 1536, 1536),
        downsamples: int = 5,
        classes: int | None = None,
        attention_resolution: int | None = None,
        initialization: Initialization = "orthogonal",
    ) -> None:
        check_initialization(initialization)
        super().__init__(
            resolution=resolution,
            channels=channels,
            widths=widths,
            downsamples=downsamples,
            classes=classes,
            spectral_norm=False,
            pooling="sum",
            head_bias=True,
            wide=True,
            attention_resolution=attention_resolution,
        )
        initialize_and_normalize(self, initialization, embeddings=True)
