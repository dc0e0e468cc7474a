"""The residual generator of CycleGAN (Zhu 2017, arXiv 1703.10593), after Johnson 2016 (arXiv 1603.08155)."""

from __future__ import annotations

from torch import Tensor, nn

from gan_lightning.networks.checks import check_positive, check_probability
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import normal_init
from gan_lightning.networks.norms import NormKind, check_norm, needs_bias, norm_layers
from gan_lightning.networks.translator import Translator


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions on reflection-padded maps, added to their input, without a nonlinearity behind the sum."""

    def __init__(self, channels: int, *, norm: NormKind, dropout: float) -> None:
        super().__init__()
        bias = needs_bias(norm)
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            *norm_layers(norm, channels),
            nn.ReLU(),
            *([nn.Dropout(dropout)] if dropout > 0 else []),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            *norm_layers(norm, channels),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``(N, channels, H, W)`` to maps of the same shape."""
        return maps + self.body(maps)


class ResNetTranslator(Translator):
    """c7s1-64, d128, d256, residual blocks at a quarter of the size, u128, u64, c7s1-3 and tanh.

    Args:
        resolution: height and width of the training images, a multiple of 4 of at least 8.
        channels: channels of a translation.
        source_channels: channels of a source image.
        width: channels of the first map, the paper's 64.
        blocks: residual blocks: 9 for 256x256 and above, 6 for 128x128.
        norm: "batch", "instance" or "none".
        dropout: probability of dropping a value in the middle of each block; 0: none.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1703.10593, appendix 7.2.
    """

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        source_channels: int = 3,
        width: int = 64,
        blocks: int = 9,
        norm: NormKind = "instance",
        dropout: float = 0.0,
    ) -> None:
        check_positive(width=width, blocks=blocks)
        check_probability(dropout=dropout)
        check_norm(norm)
        if resolution < 8:  # a block reflects one pixel of a map a quarter as large
            raise ValueError(f"resolution must be at least 8, got {resolution}")
        super().__init__(source_channels=source_channels, channels=channels, resolution=resolution, multiple=4)
        bias = needs_bias(norm)
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(source_channels, width, 7, bias=bias),
            *norm_layers(norm, width),
            nn.ReLU(),
        ]
        for maps in (width, 2 * width):
            layers += [nn.Conv2d(maps, 2 * maps, 3, 2, 1, bias=bias), *norm_layers(norm, 2 * maps), nn.ReLU()]
        layers += [ResidualBlock(4 * width, norm=norm, dropout=dropout) for _ in range(blocks)]
        for maps in (4 * width, 2 * width):
            convolution = nn.ConvTranspose2d(maps, maps // 2, 3, 2, 1, output_padding=1, bias=bias)
            layers += [convolution, *norm_layers(norm, maps // 2), nn.ReLU()]
        self.stack = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh())
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer but the last, with the norm behind it, and for each residual block."""
        return layers_of(self.stack)[:-1]

    def translate(self, images: Tensor) -> Tensor:
        """Map source images ``(N, C', H, W)`` to images ``(N, C, H, W)`` in [-1, 1]."""
        return self.stack(images)

    def allows(self, height: int, width: int) -> bool:
        """Return whether the network takes images of this size."""
        return min(height, width) >= 8 and super().allows(height, width)
