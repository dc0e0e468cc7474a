"""SAGAN (Zhang 2018, arXiv 1805.08318)."""

from __future__ import annotations

import torch

from gan_lightning.losses import Hinge
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.labels import LabelConditional
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.networks import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.base import Discriminator, Generator


class SAGAN(LabelConditional):
    """Self-attention and spectral norm in both networks, and a slower generator instead of more critic steps.

    The defaults are for 32x32 RGB images of ten classes (4,386,308 and 1,075,586 parameters); rates 1e-4 and 4e-4
    (two time scales, Heusel 2017, arXiv 1706.08500), one discriminator update per generator update.
    """

    def default_generator(self) -> Generator:
        """Return the residual generator with spectral norm, and attention at 16x16."""
        return ResNetGenerator(classes=10, spectral_norm=True, attention_resolution=16)

    def default_discriminator(self) -> Discriminator:
        """Return the residual projection discriminator with attention at 16x16."""
        return ResNetDiscriminator(classes=10, attention_resolution=16)

    def default_loss(self) -> AdversarialLoss:
        """Return the hinge loss."""
        return Hinge()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return Adam with the paper's rate of the player, and its betas."""
        rate = 1e-4 if player == "generator" else 4e-4
        return lambda parameters: torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.9))
