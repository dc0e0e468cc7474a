"""The first GAN (Goodfellow 2014, arXiv 1406.2661)."""

from __future__ import annotations

import math

import torch

from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.priors import Prior, Uniform
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.networks import MaxoutDiscriminator, MLPGenerator
from gan_lightning.networks.base import Discriminator, Generator


class GAN(AdversarialModule):
    """Fully connected networks, a maxout discriminator with dropout, momentum SGD.

    The defaults are the paper's for 28x28 grey digits: 2,503,984 and 1,231,441 parameters, latents uniform with
    unit variance, SGD with rate 0.1 and momentum 0.5. The generator maximises log D(G(z)), which section 3 of the
    paper recommends over the minimax form; choose ``Minimax`` for equation 1 itself.
    """

    def default_generator(self) -> Generator:
        """Return the paper's generator for 28x28 grey images."""
        return MLPGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return the paper's discriminator for 28x28 grey images."""
        return MaxoutDiscriminator()

    def default_loss(self) -> AdversarialLoss:
        """Return the non-saturating loss."""
        return NonSaturating()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return SGD with the released configuration's first rate and momentum."""
        return lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.5)

    def default_prior(self) -> Prior:
        """Return U(-sqrt(3), sqrt(3)), which has unit variance."""
        return Uniform(bound=math.sqrt(3))
