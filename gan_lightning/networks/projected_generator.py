"""The generator of Projected GAN (Sauer 2021, arXiv 2111.01007), FastGAN's with wider and equal blocks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from gan_lightning.networks.equalized import pixel_norm
from gan_lightning.networks.fastgan import (
    GENERATOR_FACTORS,
    RESOLUTIONS,
    SMALL,
    SkipExcitationGenerator,
    check_resolution,
)
from gan_lightning.networks.fastgan_layers import normalize


class ProjectedFastGANGenerator(SkipExcitationGenerator):
    """FastGAN's generator as Projected GAN has it: all blocks alike, latents on a sphere, one unbounded image.

    Latents are scaled to a mean square of 1, layers keep torch's own start, every weight is spectrally normalized,
    and the last convolution has a bias.

    Args:
        resolution: height and width of an image: 128, 256, 512 or 1024.
        channels: channels of an image.
        latent_dim: length of a latent vector.
        width: channels of the map of size 128, the authors' ``ngf``; a multiple of 8.
        composed: whether all blocks have two convolutions with noise, or (the authors' ``lite``) one without.
        classes: number of classes, or None without labels.

    Attributes:
        noise_shapes: shape of one sample's noise for each convolution that takes some.

    Raises:
        ValueError: if an argument is out of its range.

    Source: arXiv 2111.01007, section 4, with the numbers of the authors' code.
    """

    def __init__(
        self,
        *,
        resolution: int = 256,
        channels: int = 3,
        latent_dim: int = 256,
        width: int = 128,
        composed: bool = True,
        classes: int | None = None,
    ) -> None:
        check_resolution(resolution, (SMALL, *RESOLUTIONS))
        super().__init__(
            resolution=resolution,
            channels=channels,
            latent_dim=latent_dim,
            width=width,
            composed=tuple(GENERATOR_FACTORS) if composed else (),
            classes=classes,
        )
        self.to_image = nn.Conv2d(self.widths[resolution], channels, 3, padding=1)
        normalize(self)

    def forward(
        self, latents: Tensor, condition: Tensor | None = None, noise: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Map latents ``(N, latent_dim)``, and labels int64 ``(N,)`` if there are classes, to images.

        Args:
            latents: vectors of any length; only their direction counts.
            condition: labels if there are classes.
            noise: one ``(N, 1, H, W)`` for each of ``noise_shapes``; None draws it, in evaluation too.

        Raises:
            ValueError: if ``noise`` has another length, or the condition is missing.
        """
        return self.to_image(self.maps(pixel_norm(latents), condition, noise)[self.sizes[-1]])
