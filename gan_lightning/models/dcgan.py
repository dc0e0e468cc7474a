"""DCGAN (Radford 2015, arXiv 1511.06434)."""

from __future__ import annotations

from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from gan_lightning.networks.base import Discriminator, Generator


class DCGAN(AdversarialModule):
    """Convolutional networks whose batch norm, strides and rates made GAN training work on pictures.

    The defaults are the paper's at 64x64 RGB: 3,576,704 and 2,765,568 parameters, the non-saturating loss, Adam
    with rate 2e-4 and betas (0.5, 0.999) for both players. Pass networks of another resolution for other data.
    """

    def default_generator(self) -> Generator:
        """Return the paper's generator for 64x64 RGB images."""
        return DCGANGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return the paper's discriminator for 64x64 RGB images."""
        return DCGANDiscriminator()

    def default_loss(self) -> AdversarialLoss:
        """Return the non-saturating loss: binary cross-entropy with the labels swapped for the generator."""
        return NonSaturating()
