"""The residual networks of WGAN-GP, SNGAN, projection cGAN, SSGAN and SAGAN: one family, told apart by arguments."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.attention import SelfAttention, stage_with_attention, with_attention
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.blocks import (
    DiscriminatorBlock,
    FirstDiscriminatorBlock,
    GeneratorBlock,
    convolution,
)
from gan_lightning.networks.checks import check_multiple, check_positive, check_widths
from gan_lightning.networks.conditional import project, require_condition
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.spectral import normalized_if

Pooling = Literal["sum", "mean"]
POOLINGS = ("mean", "sum")


class ResNetGenerator(Generator):
    """A linear layer to the smallest map, one doubling residual block per further width, batch norm, ReLU, 3x3, tanh.

    Latents float ``(N, latent_dim)``, with labels int64 ``(N,)`` if ``classes`` is given, become images
    ``(N, channels, resolution, resolution)`` in [-1, 1].

    Args:
        resolution: height and width of an image; divisible by ``2 ** (len(widths) - 1)``.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        widths: channels of the maps, from the smallest to the largest.
        classes: number of classes of the blocks' conditional batch norm, or None without labels.
        spectral_norm: normalize linear layer and convolutions (SAGAN).
        attention_resolution: height of the map after which self-attention acts, or None.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: Gulrajani 2017 (arXiv 1704.00028, appendix F), Miyato 2018 (arXiv 1802.05957, appendix B.4), Miyato 2018
    (arXiv 1802.05637, appendix), Zhang 2018 (arXiv 1805.08318).
    """

    def __init__(
        self,
        *,
        resolution: int = 32,
        channels: int = 3,
        latent_dim: int = 128,
        widths: Sequence[int] = (256, 256, 256, 256),
        classes: int | None = None,
        spectral_norm: bool = False,
        attention_resolution: int | None = None,
    ) -> None:
        check_positive(channels=channels, latent_dim=latent_dim, classes=1 if classes is None else classes)
        widths = check_widths(widths)
        base = check_multiple(
            resolution, of=2 ** (len(widths) - 1), because="one doubling for each width but the first"
        )
        maps = [base * 2**stage for stage in range(1, len(widths))]
        attention_index = stage_with_attention(attention_resolution, maps)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.base_shape = (widths[0], base, base)
        stem = nn.Linear(latent_dim, widths[0] * base**2)
        nn.init.xavier_uniform_(stem.weight)
        nn.init.zeros_(stem.bias)
        self.stem = normalized_if(spectral_norm, stem)
        self.blocks = nn.ModuleList(
            GeneratorBlock(inputs, outputs, classes=classes, spectral_norm=spectral_norm)
            for inputs, outputs in pairwise(widths)
        )
        self.attention_index = attention_index
        self.attention: nn.Module = nn.Identity()
        if attention_index is not None:
            self.attention = SelfAttention(channels=widths[attention_index + 1], spectral_norm=spectral_norm)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = convolution(widths[-1], channels, kernel=3, gain=1.0, spectral_norm=spectral_norm)

    def blocks_from_input(self) -> list[Block]:
        """Return the first layer, each residual block, and attention, as a block of its own."""
        return layers_of([self.stem, *with_attention(self.blocks, self.attention, behind=self.attention_index)])

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)``, and labels int64 ``(N,)`` if conditional, to images in [-1, 1]."""
        h = self.stem(latents).unflatten(1, self.base_shape)
        for index, block in enumerate(self.blocks):
            h = block(h, condition)
            if index == self.attention_index:
                h = self.attention(h)
        return self.to_image(F.relu(self.norm(h))).tanh()


class ResNetDiscriminator(Discriminator):
    """Residual blocks, ReLU, pooling over positions, and a linear logit; a projection of the class if there are any.

    The first ``downsamples`` blocks halve the map. There is no normalization of activations, so gradient penalties
    are allowed.

    Args:
        resolution: height and width of an image; divisible by ``2 ** downsamples``.
        channels: channels of an image.
        widths: channels of the blocks' outputs, from the first to the last.
        downsamples: how many blocks halve the map.
        classes: number of classes of the projection head, or None for a head that ignores the condition.
        spectral_norm: normalize convolutions, head and class vectors.
        pooling: ``sum`` (SNGAN and later) or ``mean`` (WGAN-GP) over positions.
        head_bias: whether the logit has a bias; the published SNGAN for 32x32 has none.
        wide: a block is as wide inside as its output (SAGAN's) instead of its input (SNGAN's).
        attention_resolution: height of the map after which self-attention acts, or None.

    Raises:
        ValueError: if an argument is out of its range, or the condition is missing.

    Source: Gulrajani 2017 (arXiv 1704.00028, appendix F), Miyato 2018 (arXiv 1802.05957, appendix B.4), Miyato 2018
    (arXiv 1802.05637, eq. 3), Zhang 2018 (arXiv 1805.08318).
    """

    def __init__(
        self,
        *,
        resolution: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (128, 128, 128, 128),
        downsamples: int = 2,
        classes: int | None = None,
        spectral_norm: bool = True,
        pooling: Pooling = "sum",
        head_bias: bool = True,
        wide: bool = False,
        attention_resolution: int | None = None,
    ) -> None:
        check_positive(channels=channels, classes=1 if classes is None else classes)
        widths = check_widths(widths)
        if not 1 <= downsamples <= len(widths):
            raise ValueError(f"downsamples must lie between 1 and {len(widths)}, one per block, got {downsamples}")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {list(POOLINGS)}, got {pooling!r}")
        check_multiple(resolution, of=2**downsamples, because="halved once for each of downsamples")
        maps = [resolution // 2 ** min(stage, downsamples) for stage in range(1, len(widths) + 1)]
        attention_index = stage_with_attention(attention_resolution, maps)
        super().__init__(feature_dim=widths[-1], sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.pooling = pooling
        blocks: list[nn.Module] = [FirstDiscriminatorBlock(channels, widths[0], spectral_norm=spectral_norm)]
        for stage, (inputs, outputs) in enumerate(pairwise(widths), start=1):
            hidden = outputs if wide else inputs
            halve = stage < downsamples
            blocks.append(DiscriminatorBlock(inputs, outputs, hidden=hidden, halve=halve, spectral_norm=spectral_norm))
        if attention_index is not None:
            attention = SelfAttention(channels=widths[attention_index], spectral_norm=spectral_norm)
            blocks.insert(attention_index + 1, attention)
        self.body = nn.Sequential(*blocks)
        output = nn.Linear(self.feature_dim, 1, bias=head_bias)
        nn.init.xavier_uniform_(output.weight)
        if head_bias:
            nn.init.zeros_(output.bias)
        self.output = normalized_if(spectral_norm, output)
        self.class_vectors: nn.Embedding | None = None
        if classes is not None:
            vectors = nn.Embedding(classes, self.feature_dim)
            nn.init.xavier_uniform_(vectors.weight)
            self.class_vectors = normalized_if(spectral_norm, vectors)

    def blocks_from_input(self) -> list[Block]:
        """Return each residual block, and attention, as a block of its own."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to pooled maps ``(N, feature_dim)``."""
        maps = F.relu(self.body(samples))
        return maps.sum(dim=(2, 3)) if self.pooling == "sum" else maps.mean(dim=(2, 3))

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features, and labels int64 ``(N,)`` if there are classes, to logits ``(N,)``."""
        logits = self.output(features).squeeze(1)
        if self.class_vectors is None:
            return logits
        return logits + project(features, self.class_vectors(require_condition(condition)))
