"""The BigGAN-deep networks (Brock 2018, arXiv 1809.11096, appendix B): bottleneck blocks, two for each map size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.attention import SelfAttention, stage_with_attention, with_attention
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.biggan_layers import (
    Initialization,
    VectorBatchNorm2d,
    check_initialization,
    initialize_and_normalize,
)
from gan_lightning.networks.checks import check_multiple, check_positive, check_widths
from gan_lightning.networks.conditional import project, require_condition
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.resampling import double_and_convolve

BOTTLENECK = 4


class DeepGeneratorBlock(nn.Module):
    """Norm and ReLU before each of 1x1, 3x3, 3x3 and 1x1, with a quarter of the channels inside.

    The shortcut drops the channels that are too many. Doubling (nearest neighbor) comes before the first 3x3.

    Args:
        inputs: channels in.
        outputs: channels out, at most ``inputs``.
        condition_dim: length of the vector that sets scale and shift of the norms.
        up: double height and width.
    """

    def __init__(self, inputs: int, outputs: int, *, condition_dim: int, up: bool) -> None:
        super().__init__()
        hidden = inputs // BOTTLENECK
        self.outputs = outputs
        self.up = up
        self.norm1 = VectorBatchNorm2d(channels=inputs, condition_dim=condition_dim)
        self.conv1 = nn.Conv2d(inputs, hidden, 1)
        self.norm2 = VectorBatchNorm2d(channels=hidden, condition_dim=condition_dim)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.norm3 = VectorBatchNorm2d(channels=hidden, condition_dim=condition_dim)
        self.conv3 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.norm4 = VectorBatchNorm2d(channels=hidden, condition_dim=condition_dim)
        self.conv4 = nn.Conv2d(hidden, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H, W)``, or of twice the height and width."""
        h = self.conv1(F.relu(self.norm1(x, condition)))
        h = F.relu(self.norm2(h, condition))
        x = x[:, : self.outputs]
        if self.up:
            h = double_and_convolve(h, self.conv2.weight, self.conv2.bias)
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        else:
            h = self.conv2(h)
        h = self.conv3(F.relu(self.norm3(h, condition)))
        return x + self.conv4(F.relu(self.norm4(h, condition)))


class DeepDiscriminatorBlock(nn.Module):
    """ReLU before each of 1x1, 3x3, 3x3 and 1x1, with a quarter of the output's channels inside.

    The shortcut appends the channels that are missing, a 1x1 convolution of those it has. Average pooling, if the
    block halves, comes before the last 1x1 and first in the shortcut.

    Args:
        inputs: channels in.
        outputs: channels out, at least ``inputs``.
        halve: halve height and width.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool) -> None:
        super().__init__()
        hidden = outputs // BOTTLENECK
        self.halve = halve
        self.conv1 = nn.Conv2d(inputs, hidden, 1)
        self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv3 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.conv4 = nn.Conv2d(hidden, outputs, 1)
        self.append = nn.Conv2d(inputs, outputs - inputs, 1) if outputs > inputs else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs, H, W)`` to ``(N, outputs, H, W)``, or of half the height and width."""
        h = self.conv1(F.relu(x))
        h = self.conv2(F.relu(h))
        h = F.relu(self.conv3(F.relu(h)))
        if self.halve:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        if self.append is not None:
            x = torch.cat([x, self.append(x)], dim=1)
        return x + self.conv4(h)


class BigGANDeepGenerator(Generator):
    """A linear layer, two bottleneck blocks per further width, batch norm, ReLU, 3x3 convolution, tanh.

    The vector ``[e(y); z]`` of class and latent enters the linear layer and all blocks; the latent vector is not cut.
    The first block of a stage keeps its channels, the second doubles the map. All convolutions and linear layers are
    spectrally normalized; the class vectors are not. Latents float ``(N, latent_dim)``, with labels int64 ``(N,)`` if
    ``classes`` is given, become images ``(N, channels, resolution, resolution)`` in [-1, 1].

    Args:
        resolution: height and width of an image; divisible by ``2 ** (len(widths) - 1)``.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        widths: channels of the maps, from the smallest to the largest, never growing, multiples of 4.
        classes: number of classes, or None without labels.
        shared_dim: length of a class vector; without classes there are none.
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
        latent_dim: int = 128,
        widths: Sequence[int] = (2048, 2048, 1024, 512, 256, 128),
        classes: int | None = None,
        shared_dim: int = 128,
        attention_resolution: int | None = None,
        initialization: Initialization = "orthogonal",
    ) -> None:
        check_positive(
            channels=channels, latent_dim=latent_dim, shared_dim=shared_dim, classes=1 if classes is None else classes
        )
        check_initialization(initialization)
        widths = _check_bottlenecks(widths, descending=True)
        base = check_multiple(
            resolution, of=2 ** (len(widths) - 1), because="one doubling for each width but the first"
        )
        attention_stage = stage_with_attention(
            attention_resolution, [base * 2**stage for stage in range(1, len(widths))]
        )
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.base_shape = (widths[0], base, base)
        self.class_vectors = None if classes is None else nn.Embedding(classes, shared_dim)
        condition_dim = latent_dim if classes is None else shared_dim + latent_dim
        self.stem = nn.Linear(condition_dim, widths[0] * base**2)
        self.blocks = nn.ModuleList()
        for inputs, outputs in pairwise(widths):
            self.blocks.append(DeepGeneratorBlock(inputs, inputs, condition_dim=condition_dim, up=False))
            self.blocks.append(DeepGeneratorBlock(inputs, outputs, condition_dim=condition_dim, up=True))
        self.attention_index: int | None = None
        self.attention: nn.Module = nn.Identity()
        if attention_stage is not None:
            self.attention_index = 2 * attention_stage + 1
            self.attention = SelfAttention(channels=widths[attention_stage + 1], spectral_norm=False)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], channels, 3, padding=1)
        initialize_and_normalize(self, initialization, embeddings=False)

    def blocks_from_input(self) -> list[Block]:
        """Return the first layer, each residual block and attention as a block each; class vectors are in none."""
        return layers_of([self.stem, *with_attention(self.blocks, self.attention, behind=self.attention_index)])

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)``, and labels int64 ``(N,)`` if conditional, to images in [-1, 1]."""
        vectors = latents
        if self.class_vectors is not None:
            vectors = torch.cat([self.class_vectors(require_condition(condition)), latents], dim=1)
        h = self.stem(vectors).unflatten(1, self.base_shape)
        for index, block in enumerate(self.blocks):
            h = block(h, vectors)
            if index == self.attention_index:
                h = self.attention(h)
        return self.to_image(F.relu(self.norm(h))).tanh()


class BigGANDeepDiscriminator(Discriminator):
    """A 3x3 convolution, two bottleneck blocks per further width, ReLU, sum over positions, logit with projection.

    The first block of a stage widens, and halves the map in the first ``downsamples`` stages. All layers, the class
    vectors among them, are spectrally normalized.

    Args:
        resolution: height and width of an image; divisible by ``2 ** downsamples``.
        channels: channels of an image.
        widths: channels of the first convolution and of the stages, never shrinking, multiples of 4.
        downsamples: how many stages halve the map.
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
        widths: Sequence[int] = (128, 256, 512, 1024, 2048, 2048),
        downsamples: int = 5,
        classes: int | None = None,
        attention_resolution: int | None = None,
        initialization: Initialization = "orthogonal",
    ) -> None:
        check_positive(channels=channels, classes=1 if classes is None else classes)
        check_initialization(initialization)
        widths = _check_bottlenecks(widths, descending=False)
        stages = len(widths) - 1
        if not 1 <= downsamples <= stages:
            raise ValueError(f"downsamples must lie between 1 and {stages}, one per stage, got {downsamples}")
        check_multiple(resolution, of=2**downsamples, because="halved once for each of downsamples")
        maps = [resolution // 2 ** min(stage, downsamples) for stage in range(1, stages + 1)]
        attention_stage = stage_with_attention(attention_resolution, maps)
        super().__init__(feature_dim=widths[-1], sample_shape=(channels, resolution, resolution))
        self.classes = classes
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 3, padding=1)]
        for stage, (inputs, outputs) in enumerate(pairwise(widths)):
            layers.append(DeepDiscriminatorBlock(inputs, outputs, halve=stage < downsamples))
            layers.append(DeepDiscriminatorBlock(outputs, outputs, halve=False))
            if stage == attention_stage:
                layers.append(SelfAttention(channels=outputs, spectral_norm=False))
        self.body = nn.Sequential(*layers)
        self.output = nn.Linear(self.feature_dim, 1)
        self.class_vectors = None if classes is None else nn.Embedding(classes, self.feature_dim)
        initialize_and_normalize(self, initialization, embeddings=True)

    def blocks_from_input(self) -> list[Block]:
        """Return the first layer, each residual block, and attention, as a block of its own."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to summed maps ``(N, feature_dim)``."""
        return F.relu(self.body(samples)).sum(dim=(2, 3))

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features, and labels int64 ``(N,)`` if there are classes, to logits ``(N,)``."""
        logits = self.output(features).squeeze(1)
        if self.class_vectors is None:
            return logits
        return logits + project(features, self.class_vectors(require_condition(condition)))


def _check_bottlenecks(widths: Sequence[int], *, descending: bool) -> tuple[int, ...]:
    widths = check_widths(widths)
    if any(width % BOTTLENECK for width in widths):
        raise ValueError(f"widths must be multiples of {BOTTLENECK}, got {list(widths)}")
    if list(widths) != sorted(widths, reverse=descending):
        order = "never grow" if descending else "never shrink"
        raise ValueError(f"widths must {order} from one map to the next, got {list(widths)}")
    return widths
