"""LSGAN (Mao 2016, arXiv 1611.04076)."""

from __future__ import annotations

from gan_lightning.losses import LeastSquares
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from gan_lightning.networks.base import Discriminator, Generator


class LSGAN(AdversarialModule):
    """Least squares instead of cross-entropy: fakes far on the right side of the boundary still get a gradient.

    Equation 9 of the paper (targets 0, 1 and 1) on the DCGAN networks.
    """

    def default_generator(self) -> Generator:
        """Return DCGAN's generator for 64x64 RGB images."""
        return DCGANGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return DCGAN's discriminator for 64x64 RGB images."""
        return DCGANDiscriminator()

    def default_loss(self) -> AdversarialLoss:
        """Return the least-squares loss."""
        return LeastSquares()
