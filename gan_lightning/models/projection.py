"""The projection discriminator, cGAN-PD (Miyato and Koyama 2018, arXiv 1802.05637)."""

from __future__ import annotations

import torch

from gan_lightning.losses import Hinge
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.labels import LabelConditional
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.base import Discriminator, Generator


class ProjectionGAN(LabelConditional):
    """The label enters the discriminator as an inner product with its features, the generator by batch norm.

    Equation 3 of the paper: f(x, y) = psi(phi(x)) + <v_y, phi(x)>, on SNGAN's networks for 32x32 RGB images of ten
    classes (4,304,387 and 1,055,104 parameters).
    """

    def default_generator(self) -> Generator:
        """Return SNGAN's generator with conditional batch norm."""
        return ResNetGenerator(classes=10)

    def default_discriminator(self) -> Discriminator:
        """Return SNGAN's discriminator with a projection head."""
        return ResNetDiscriminator(classes=10, head_bias=False)

    def default_loss(self) -> AdversarialLoss:
        """Return the hinge loss."""
        return Hinge()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return Adam with the paper's rate and betas."""
        return lambda parameters: torch.optim.Adam(parameters, lr=2e-4, betas=(0.0, 0.9))

    def default_updates(self) -> UpdateRule:
        """Return five discriminator updates per generator update."""
        return UpdateRule(critic_steps=5)
