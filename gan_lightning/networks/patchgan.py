"""Discriminators that judge patches of an image (Isola 2016, arXiv 1611.07004, section 3.2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator
from gan_lightning.networks.checks import check_positive
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import normal_init
from gan_lightning.networks.norms import NormKind, check_norm, needs_bias, norm_layers


def receptive_field(convolutions: Sequence[tuple[int, int]]) -> int:
    """Return the side in pixels of what one output sees through ``(kernel, stride)`` convolutions, first to last."""
    field = 1
    for kernel, stride in reversed(convolutions):
        field = (field - 1) * stride + kernel
    return field


def patch_convolutions(layers: int) -> list[tuple[int, int]]:
    """Return kernel and stride of each convolution of a PatchGAN with ``layers`` strided ones."""
    return [(4, 2)] * layers + [(4, 1)] * 2


class PatchDiscriminator(Discriminator):
    """4x4 convolutions, ``layers`` of them of stride 2 and two of stride 1, to a map of logits, one a patch.

    A logit sees 16, 70 or 286 pixels with 1, 3 or 5 strided layers (C64-C128-C256-C512 is the 70x70 PatchGAN).
    Channels double up to ``8 * width``; the first and the last convolution have no norm; LeakyReLU 0.2.

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        source_channels: channels of the source image that is laid over it; 0: it judges images alone.
        width: channels of the first map.
        layers: strided convolutions.
        norm: "batch", "instance" or "none".

    Raises:
        ValueError: if an argument is out of its range, or no patch fits into an image.

    Source: arXiv 1611.07004, appendix 6.1.2.
    """

    feature_maps = True

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        source_channels: int = 0,
        width: int = 64,
        layers: int = 3,
        norm: NormKind = "batch",
    ) -> None:
        check_positive(resolution=resolution, channels=channels, width=width, layers=layers)
        check_norm(norm)
        side = resolution
        for kernel, stride in patch_convolutions(layers):
            side = (side + 2 - kernel) // stride + 1
        if side < 1:
            raise ValueError(f"layers = {layers} leave nothing of an image of resolution {resolution}; take fewer")
        widths = [width * min(2**stage, 8) for stage in range(layers + 1)]
        inputs = channels + source_channels
        super().__init__(feature_dim=widths[-1], sample_shape=(inputs, resolution, resolution))
        body: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for stage in range(1, layers + 1):
            stride = 2 if stage < layers else 1
            convolution = nn.Conv2d(widths[stage - 1], widths[stage], 4, stride, 1, bias=needs_bias(norm))
            body += [convolution, *norm_layers(norm, widths[stage]), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*body)
        self.output = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer, with the norm behind it."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, C, H, W)`` to the last hidden maps ``(N, feature_dim, h + 1, w + 1)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map maps to logits ``(N, 1, h, w)``; the condition is not used."""
        return self.output(features)


class PixelDiscriminator(Discriminator):
    """Three 1x1 convolutions: every pixel is judged alone, by its color (the paper's PixelGAN).

    Args:
        resolution: height and width of an image.
        channels: channels of an image.
        source_channels: channels of the source image that is laid over it; 0: it judges images alone.
        width: channels of the first map.
        norm: "batch", "instance" or "none".

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1611.07004, appendix 6.1.2.
    """

    feature_maps = True

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        source_channels: int = 0,
        width: int = 64,
        norm: NormKind = "batch",
    ) -> None:
        check_positive(resolution=resolution, channels=channels, width=width)
        check_norm(norm)
        inputs, bias = channels + source_channels, needs_bias(norm)
        super().__init__(feature_dim=2 * width, sample_shape=(inputs, resolution, resolution))
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 1, bias=bias),
            *norm_layers(norm, 2 * width),
            nn.LeakyReLU(0.2),
        )
        self.output = nn.Conv2d(2 * width, 1, 1, bias=bias)
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer, with the norm behind it."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, C, H, W)`` to maps ``(N, feature_dim, H, W)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map maps to logits ``(N, 1, H, W)``; the condition is not used."""
        return self.output(features)
