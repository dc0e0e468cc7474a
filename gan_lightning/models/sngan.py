"""SNGAN (Miyato 2018, arXiv 1802.05957)."""

from __future__ import annotations

import torch

from gan_lightning.losses import Hinge
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.base import Discriminator, Generator


class SNGAN(AdversarialModule):
    """Each layer of the discriminator is divided by its largest singular value, so that it is 1-Lipschitz.

    One power iteration per forward (algorithm 1 of the paper); the residual networks for 32x32 RGB images have
    4,276,739 and 1,053,824 parameters.
    """

    def default_generator(self) -> Generator:
        """Return the paper's residual generator for 32x32 RGB images."""
        return ResNetGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return the paper's residual discriminator for 32x32 RGB images."""
        return ResNetDiscriminator(head_bias=False)

    def default_loss(self) -> AdversarialLoss:
        """Return the hinge loss."""
        return Hinge()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return Adam with the paper's rate and betas."""
        return lambda parameters: torch.optim.Adam(parameters, lr=2e-4, betas=(0.0, 0.9))

    def default_updates(self) -> UpdateRule:
        """Return five discriminator updates per generator update."""
        return UpdateRule(critic_steps=5)
