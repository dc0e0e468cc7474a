"""The FastGAN networks (Liu 2021, arXiv 2101.04775): skip-layer excitation, two scales, a self-supervised encoder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive, check_widths
from gan_lightning.networks.conditional import require_condition
from gan_lightning.networks.fastgan_layers import (
    ComposedBlock,
    ConditionalBlock,
    DownBlock,
    Excitation,
    decoder,
    down_layers,
    initialize_and_normalize,
    up_layers,
)
from gan_lightning.networks.freezing import Block, block_of

RESOLUTIONS = (256, 512, 1024)
SMALL = 128
# Channels of a map of each size, in multiples of the width.
GENERATOR_FACTORS = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 1 / 2, 512: 1 / 4, 1024: 1 / 8}
DISCRIMINATOR_FACTORS = GENERATOR_FACTORS | {8: 16, 16: 8, 32: 4}
MULTIPLE = 8


def check_resolution(resolution: int, allowed: Sequence[int]) -> None:
    """Refuse a size that the networks are not made for.

    Raises:
        ValueError: naming the known ones.
    """
    if resolution not in allowed:
        raise ValueError(f"resolution must be one of {list(allowed)}, got {resolution}")


def _widths(width: int, factors: dict[int, float]) -> dict[int, int]:
    if width < 1 or width % MULTIPLE:
        raise ValueError(f"width must be a positive multiple of {MULTIPLE}, got {width}")
    return {size: int(factor * width) for size, factor in factors.items()}


class SkipExcitationGenerator(Generator):
    """A transposed convolution to 4x4, doubling blocks with gated linear units, and gates from small to large maps.

    The map of size s = 64 to 512 is multiplied by a gate computed from the map of size s / 16. Composed blocks have
    two convolutions with noise, the others one without.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        width: channels of the map of size 128.
        composed: sizes that composed blocks end at.
        classes: number of classes, whose vectors steer batch norm, or None without labels.

    Attributes:
        noise_shapes: shape of one sample's noise for each convolution that takes some.
    """

    def __init__(
        self,
        *,
        resolution: int,
        channels: int,
        latent_dim: int,
        width: int,
        composed: Collection[int],
        classes: int | None = None,
    ) -> None:
        check_positive(channels=channels, latent_dim=latent_dim, classes=1 if classes is None else classes)
        widths = _widths(width, GENERATOR_FACTORS)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.classes = classes
        self.widths = widths
        self.sizes = [size for size in widths if 8 <= size <= resolution]
        self.composed = frozenset(composed) & frozenset(self.sizes)
        self.stem = nn.Sequential(
            nn.ConvTranspose2d(latent_dim, 2 * widths[4], 4, bias=False), nn.BatchNorm2d(2 * widths[4]), nn.GLU(dim=1)
        )
        self.blocks = nn.ModuleDict({str(size): self._block(size) for size in self.sizes})
        self.noise_shapes = tuple((1, size, size) for size in self.sizes if size in self.composed for _ in range(2))
        gated = [size for size in self.sizes if 64 <= size <= 512]
        self.gates = nn.ModuleDict({str(size): Excitation(widths[size // 16], widths[size]) for size in gated})
        self.class_vectors = None if classes is None else nn.Embedding(classes, latent_dim)

    def _block(self, size: int) -> nn.Module:
        inputs, outputs, composed = self.widths[size // 2], self.widths[size], size in self.composed
        if self.classes is not None:
            return ConditionalBlock(inputs, outputs, condition_dim=self.latent_dim, composed=composed)
        return ComposedBlock(inputs, outputs) if composed else nn.Sequential(*up_layers(inputs, outputs))

    def maps(self, latents: Tensor, condition: Tensor | None, noise: Sequence[Tensor] | None) -> dict[int, Tensor]:
        """Return the gated maps of all sizes from 4 to the resolution.

        Args:
            latents: ``(N, latent_dim)``.
            condition: labels int64 ``(N,)`` if there are classes.
            noise: one ``(N, 1, H, W)`` for each of ``noise_shapes``; None draws it, in evaluation too.

        Raises:
            ValueError: if ``noise`` has another length, or the condition is missing.
        """
        if noise is None:
            noise = [latents.new_empty(len(latents), *shape).normal_() for shape in self.noise_shapes]
        if len(noise) != len(self.noise_shapes):
            raise ValueError(f"noise must have {len(self.noise_shapes)} maps, got {len(noise)}")
        remaining = iter(noise)
        vectors = () if self.class_vectors is None else (self.class_vectors(require_condition(condition)),)
        h = self.stem(latents[:, :, None, None])
        maps = {4: h}
        for size in self.sizes:
            h = self.blocks[str(size)](h, *vectors, *(next(remaining) for _ in range(2 * (size in self.composed))))
            if str(size) in self.gates:
                h = h * self.gates[str(size)](maps[size // 16])
            maps[size] = h
        return maps


class FastGANGenerator(SkipExcitationGenerator):
    """A transposed convolution to 4x4, doubling blocks with gated linear units, and gates from small to large maps.

    The map of size s = 64 to 512 is multiplied by a gate computed from the map of size s / 16. Blocks that end at 8,
    32, 128 and 512 have two convolutions with noise, the others one without. Every weight is spectrally normalized.
    Images are in [-1, 1] at 1024; at 256 and 512, as in the authors' code, nothing bounds them.

    Args:
        resolution: height and width of an image: 256, 512 or 1024.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        width: channels of the map of size 128, the authors' ``ngf``; a multiple of 8.

    Attributes:
        noise_shapes: shape of one sample's noise for each convolution that takes some.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 2101.04775, section 3.1 and figures 3 and 4.
    """

    def __init__(self, *, resolution: int = 256, channels: int = 3, latent_dim: int = 256, width: int = 64) -> None:
        check_resolution(resolution, RESOLUTIONS)
        super().__init__(
            resolution=resolution, channels=channels, latent_dim=latent_dim, width=width, composed=(8, 32, 128, 512)
        )
        self.to_small = nn.Conv2d(self.widths[SMALL], channels, 1, bias=False)
        self.to_image = nn.Conv2d(self.widths[resolution], channels, 3, padding=1, bias=False)
        self.bounded = resolution == 1024
        initialize_and_normalize(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each size from 4x4 on, with its gate; layers to an image are in none."""
        gates: dict[int, list[nn.Module]] = {int(size): [gate] for size, gate in self.gates.items()}
        return [
            block_of(self.stem),
            *(block_of(self.blocks[str(size)], *gates.get(size, [])) for size in self.sizes),
        ]

    def views(
        self, latents: Tensor, condition: Tensor | None = None, noise: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the images and their small versions ``(N, channels, 128, 128)``; the discriminator sees both.

        Args:
            latents: ``(N, latent_dim)``.
            condition: not used.
            noise: one ``(N, 1, H, W)`` for each of ``noise_shapes``; None draws it, in evaluation too.

        Raises:
            ValueError: if ``noise`` has another length.
        """
        maps = self.maps(latents, None, noise)
        images, small = self.to_image(maps[self.sizes[-1]]), self.to_small(maps[SMALL])
        return (images.tanh(), small.tanh()) if self.bounded else (images, small)

    def forward(
        self, latents: Tensor, condition: Tensor | None = None, noise: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Map latents ``(N, latent_dim)`` to images; the condition is not used."""
        return self.views(latents, condition, noise)[0]


class FastGANFeatures(NamedTuple):
    """What the discriminator's heads and decoders read, for N samples and ``width`` w.

    Attributes:
        last: ``(N, 8 w, 8, 8)`` of the image.
        middle: ``(N, 4 w, 16, 16)`` of the image, before ``last``.
        small: ``(N, 4 w, 8, 8)`` of the small view.
    """

    last: Tensor
    middle: Tensor
    small: Tensor


class Reconstructions(NamedTuple):
    """Images ``(N, channels, 128, 128)`` in [-1, 1] decoded from features.

    Attributes:
        image: from ``last``; resembles the image.
        small: from ``small``; resembles the small view.
        quadrant: from a quarter of ``middle``; resembles that quadrant of the image.
    """

    image: Tensor
    small: Tensor
    quadrant: Tensor


class FastGANDiscriminator(Discriminator):
    """Two encoders, of the image and of its small view, each with 5x5 logits, and three decoders for real images.

    Features are :class:`FastGANFeatures`, logits ``(N, 1, 10, 5)``: the image's above those of the small view, equally
    many, so that a plain mean weighs both heads alike. Every weight is spectrally normalized.

    Args:
        resolution: height and width of an image: 256, 512 or 1024.
        channels: channels of an image.
        width: channels of a map of size 128, the authors' ``ndf``; a multiple of 8.
        decoder_channels: channels of each decoder's maps of 16, 32, 64 and 128 pixels.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 2101.04775, section 3.2 and figure 4.
    """

    feature_maps = True

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        width: int = 64,
        decoder_channels: Sequence[int] = (128, 64, 64, 32),
    ) -> None:
        check_positive(channels=channels)
        decoder_channels = check_widths(decoder_channels, name="decoder_channels")
        if len(decoder_channels) != 4:
            raise ValueError(f"decoder_channels must be four numbers, got {list(decoder_channels)}")
        check_resolution(resolution, RESOLUTIONS)
        maps = _widths(width, DISCRIMINATOR_FACTORS)
        super().__init__(feature_dim=maps[16], sample_shape=(channels, resolution, resolution))
        if resolution == 256:
            first: list[nn.Module] = [nn.Conv2d(channels, maps[512], 3, padding=1, bias=False), nn.LeakyReLU(0.2)]
        elif resolution == 512:
            first = down_layers(channels, maps[512], norm=False)
        else:
            first = down_layers(channels, maps[1024], norm=False) + down_layers(maps[1024], maps[512])
        self.from_image = nn.Sequential(*first)
        # From 256x256 to 8x8 at any resolution
        self.blocks = nn.ModuleList(DownBlock(maps[size], maps[size // 2]) for size in (512, 256, 128, 64, 32))
        self.gates = nn.ModuleList(Excitation(maps[low], maps[high]) for low, high in ((512, 64), (256, 32), (128, 16)))
        self.image_head = nn.Sequential(
            nn.Conv2d(maps[16], maps[8], 1, bias=False),
            nn.BatchNorm2d(maps[8]),
            nn.LeakyReLU(0.2),
            nn.Conv2d(maps[8], 1, 4, bias=False),
        )
        self.from_small = nn.Sequential(
            *down_layers(channels, maps[256], norm=False),
            *down_layers(maps[256], maps[128]),
            *down_layers(maps[128], maps[64]),
            *down_layers(maps[64], maps[32]),
        )
        self.small_head = nn.Conv2d(maps[32], 1, 4, bias=False)
        self.image_decoder = decoder(maps[16], decoder_channels, channels)
        self.quadrant_decoder = decoder(maps[32], decoder_channels, channels)
        self.small_decoder = decoder(maps[32], decoder_channels, channels)
        initialize_and_normalize(self)

    def blocks_from_input(self) -> list[Block]:
        """Return the image's encoder, a block for each size, with its gate; the small view's encoder is in none."""
        gates = [[], [], *([gate] for gate in self.gates)]
        blocks = [block_of(block, *gate) for block, gate in zip(self.blocks, gates, strict=True)]
        return [block_of(self.from_image), *blocks]

    def features(self, samples: Tensor, small: Tensor | None = None) -> FastGANFeatures:  # type: ignore[override]
        """Encode images ``(N, channels, resolution, resolution)`` and their small views.

        Args:
            samples: the images.
            small: ``(N, channels, 128, 128)``; None takes the pixels of the images that are nearest, as for reals.
        """
        if small is None:
            small = F.interpolate(samples, size=SMALL, mode="nearest")
        h = self.from_image(samples)
        maps = [h]
        for index, block in enumerate(self.blocks):
            h = block(h)
            if index >= 2:  # gated by a map 8 times as large
                h = h * self.gates[index - 2](maps[index - 2])
            maps.append(h)
        return FastGANFeatures(last=h, middle=maps[-2], small=self.from_small(small))

    def head(self, features: FastGANFeatures, condition: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Map features to both heads' logits, stacked as ``(N, 1, 10, 5)``; the condition is not used."""
        return torch.cat([self.image_head(features.last), self.small_head(features.small)], dim=2)

    def forward(self, samples: Tensor, condition: Tensor | None = None, small: Tensor | None = None) -> Tensor:
        """Map images, and their small views if they have any of their own, to logits; no sigmoid."""
        return self.head(self.features(samples, small), condition)

    def reconstruct(self, features: FastGANFeatures, *, quadrant: int) -> Reconstructions:
        """Decode real images from their features.

        Args:
            features: features of the images.
            quadrant: 0 to 3 for upper left, upper right, lower left, lower right.

        Raises:
            ValueError: if there is no such quadrant.
        """
        if quadrant not in range(4):
            raise ValueError(f"quadrant must be 0, 1, 2 or 3, got {quadrant}")
        row, column = divmod(quadrant, 2)
        part = features.middle[:, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        return Reconstructions(
            image=self.image_decoder(features.last),
            small=self.small_decoder(features.small),
            quadrant=self.quadrant_decoder(part),
        )
