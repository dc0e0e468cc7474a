"""CGAN (Mirza 2014, arXiv 1411.1784)."""

from __future__ import annotations

import math

import torch

from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.labels import LabelConditional
from gan_lightning.models.priors import Prior, Uniform
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.networks import CGANDiscriminator, CGANGenerator
from gan_lightning.networks.base import Discriminator, Generator


class CGAN(LabelConditional):
    """Both networks are told the label: the two-player game of equation 2 of the paper.

    The defaults are its fully connected networks for 28x28 grey digits (2,413,984 and 1,224,351 parameters).
    """

    def default_generator(self) -> Generator:
        """Return the paper's generator."""
        return CGANGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return the paper's maxout discriminator."""
        return CGANDiscriminator()

    def default_loss(self) -> AdversarialLoss:
        """Return the non-saturating loss."""
        return NonSaturating()

    def default_prior(self) -> Prior:
        """Return a uniform prior of unit variance."""
        return Uniform(bound=math.sqrt(3))

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return SGD with the paper's first rate and momentum."""
        return lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.5)
