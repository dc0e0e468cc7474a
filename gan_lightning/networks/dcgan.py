"""The DCGAN networks (Radford 2015, arXiv 1511.06434), for any power-of-two resolution from 8 up."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.networks.checks import check_positive, check_power_of_two
from gan_lightning.networks.freezing import Block, layers_of
from gan_lightning.networks.init import normal_init
from gan_lightning.networks.spectral import normalized_if


def dcgan_widths(resolution: int, width: int) -> list[int]:
    """Return the channels of the feature maps from 4x4 up to ``resolution / 2``: halved whenever the map doubles.

    Raises:
        ValueError: if ``resolution`` is not a power of two of at least 8, or ``width`` below 1.
    """
    stages = check_power_of_two(resolution, minimum=8) - 2
    check_positive(width=width)
    return [width * 2**stage for stage in reversed(range(stages))]


def upsampling_stack(*, latent_dim: int, widths: list[int], channels: int, batch_norm: bool = True) -> nn.Sequential:
    """Build transposed convolutions from ``(N, latent_dim, 1, 1)`` over 4x4 to an image in [-1, 1]."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(latent_dim, widths[0], 4, 1, 0, bias=False)]
    for inputs, outputs in pairwise([*widths, channels]):
        layers += [nn.BatchNorm2d(inputs)] if batch_norm else []
        layers += [nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.Tanh())


def downsampling_stack(*, channels: int, widths: list[int], batch_norm: bool) -> nn.Sequential:
    """Build strided convolutions from an image down to flattened 4x4 maps; no batch norm in the first layer."""
    layers: list[nn.Module] = []
    for stage, (inputs, outputs) in enumerate(pairwise([channels, *widths])):
        layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False))
        if batch_norm and stage > 0:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Flatten())


class DCGANGenerator(Generator):
    """Strided transposed convolutions with batch norm and ReLU, tanh at the end.

    At 64x64 and ``width`` 64 the maps are 512x4x4, 256x8x8, 128x16x16, 64x32x32; at other resolutions the widest
    layer has ``width * 2 ** (log2(resolution) - 3)`` channels. Latents float ``(N, latent_dim)`` become images
    ``(N, channels, resolution, resolution)`` in [-1, 1].

    Args:
        resolution: height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        width: channels of the last hidden map, the paper's ``ngf``.
        batch_norm: normalize all hidden maps; WGAN (Arjovsky 2017, arXiv 1701.07875) shows that it does without.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1511.06434, figure 1 and section 3.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        channels: int = 3,
        latent_dim: int = 100,
        width: int = 64,
        batch_norm: bool = True,
    ) -> None:
        widths = dcgan_widths(resolution, width)
        check_positive(channels=channels, latent_dim=latent_dim)
        super().__init__(latent_dim=latent_dim, sample_shape=(channels, resolution, resolution))
        self.stack = upsampling_stack(latent_dim=latent_dim, widths=widths, channels=channels, batch_norm=batch_norm)
        normal_init(self)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer but the last, with the norm behind it."""
        return layers_of(self.stack)[:-1]

    def forward(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map latents ``(N, latent_dim)`` to images in [-1, 1]; the condition is not used."""
        return self.stack(latents[:, :, None, None])


class DCGANDiscriminator(Discriminator):
    """Strided convolutions with batch norm and LeakyReLU 0.2, mirroring :class:`DCGANGenerator`.

    Features are the flattened 4x4 maps; the head is linear without bias, which is the paper's last 4x4 convolution.

    Args:
        resolution: height and width of an image, a power of two of at least 8.
        channels: channels of an image.
        width: channels of the first hidden map, the paper's ``ndf``.
        batch_norm: normalize all hidden maps but the first; a gradient penalty needs it off.
        spectral_norm: normalize the weights of all layers (Miyato 2018, arXiv 1802.05957).

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 1511.06434, section 3.
    """

    def __init__(
        self,
        *,
        resolution: int = 64,
        channels: int = 3,
        width: int = 64,
        batch_norm: bool = True,
        spectral_norm: bool = False,
    ) -> None:
        widths = dcgan_widths(resolution, width)[::-1]
        check_positive(channels=channels)
        super().__init__(feature_dim=16 * widths[-1], sample_shape=(channels, resolution, resolution))
        self.body = downsampling_stack(channels=channels, widths=widths, batch_norm=batch_norm)
        self.output = nn.Linear(self.feature_dim, 1, bias=False)
        normal_init(self)
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                normalized_if(spectral_norm, layer)
        normalized_if(spectral_norm, self.output)

    def blocks_from_input(self) -> list[Block]:
        """Return a block for each layer, with the norm behind it."""
        return layers_of(self.body)

    def features(self, samples: Tensor) -> Tensor:
        """Map images ``(N, channels, resolution, resolution)`` to flattened 4x4 maps ``(N, feature_dim)``."""
        return self.body(samples)

    def head(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map features to logits ``(N,)``; the condition is not used."""
        return self.output(features).squeeze(1)
