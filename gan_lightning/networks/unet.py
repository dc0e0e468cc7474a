"""The U-Net generator of pix2pix (Isola 2016, arXiv 1611.07004)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_lightning.networks.checks import check_positive, check_power_of_two, check_probability
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import normal_init
from gan_lightning.networks.norms import NormKind, check_norm, needs_bias, norm_layers
from gan_lightning.networks.translator import Translator

DROPOUT_LAYERS = 3
"""The first layers of the decoder, after which dropout is the only noise there is."""


def unet_widths(depth: int, width: int) -> list[int]:
    """Return the channels of the encoder's maps: C64-C128-C256-C512-C512-... at ``width`` 64."""
    return [width * min(2**stage, 8) for stage in range(depth)]


class UNetGenerator(Translator):
    """An encoder down to a small map, a decoder back up, and a skip between layers of equal size.

    Every layer is a 4x4 convolution of stride 2: LeakyReLU 0.2, convolution, norm on the way down, ReLU, transposed
    convolution, norm, dropout on the way up. The first and the innermost convolution have no norm, so that a map of
    1x1 can be trained on one image. Dropout follows the first three decoder layers (CD512-CD512-CD512 in the paper),
    which are those of 2x2, 4x4 and 8x8 when the innermost map is 1x1, at every resolution.

    With the default ``depth`` the innermost map is 1x1: depth 8 at 256, 7 at 128, 6 at 64, 5 at 32.

    Args:
        resolution: height and width of the training images, a power of two of at least 8, unless ``depth`` is given.
        channels: channels of a translation.
        source_channels: channels of a source image.
        width: channels of the first map, the paper's 64.
        depth: halvings; ``resolution`` must be a multiple of ``2 ** depth``. None: log2(resolution).
        norm: "batch", "instance" or "none".
        dropout: probability of dropping a value.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1611.07004, appendix 6.1.1.
    """

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        source_channels: int = 3,
        width: int = 64,
        depth: int | None = None,
        norm: NormKind = "batch",
        dropout: float = 0.5,
    ) -> None:
        depth = check_power_of_two(resolution, minimum=8) if depth is None else depth
        if depth < 3:
            raise ValueError(f"depth must be at least 3, got {depth}")
        check_positive(width=width)
        check_probability(dropout=dropout)
        check_norm(norm)
        super().__init__(source_channels=source_channels, channels=channels, resolution=resolution, multiple=2**depth)
        widths, bias = unet_widths(depth, width), needs_bias(norm)
        down: list[nn.Module] = [nn.Conv2d(source_channels, widths[0], 4, 2, 1, bias=bias)]
        for stage in range(1, depth):
            convolution = nn.Conv2d(widths[stage - 1], widths[stage], 4, 2, 1, bias=bias)
            normed = norm_layers(norm, widths[stage]) if stage < depth - 1 else []
            down.append(nn.Sequential(nn.LeakyReLU(0.2), convolution, *normed))
        up: list[nn.Module] = []
        for layer, stage in enumerate(reversed(range(1, depth))):
            inputs = widths[stage] * (1 if layer == 0 else 2)
            enlarging = nn.ConvTranspose2d(inputs, widths[stage - 1], 4, 2, 1, bias=bias)
            noise = [nn.Dropout(dropout)] if dropout > 0 and layer < DROPOUT_LAYERS else []
            up.append(nn.Sequential(nn.ReLU(), enlarging, *norm_layers(norm, widths[stage - 1]), *noise))
        up.append(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * widths[0], channels, 4, 2, 1), nn.Tanh()))
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer but the last, down and up, with the norm behind it."""
        return layers_of([*self.down, *self.up])[:-1]

    def translate(self, images: Tensor) -> Tensor:
        """Map source images ``(N, C', H, W)`` to images ``(N, C, H, W)`` in [-1, 1]."""
        maps = []
        for layer in self.down:
            images = layer(images)
            maps.append(images)
        images = self.up[0](maps.pop())
        for layer in self.up[1:]:
            images = layer(torch.cat([maps.pop(), images], dim=1))
        return images
