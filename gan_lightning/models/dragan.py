"""DRAGAN (Kodali 2017, arXiv 1705.07215)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from gan_lightning import regularizers
from gan_lightning.losses import NonSaturating
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.priors import Prior, Uniform
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.networks import MLPDiscriminator, MLPGenerator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer


class DRAGAN(AdversarialModule):
    """A gradient penalty around the real samples only, against the sharp gradients that precede mode collapse.

    The networks are those of the authors' notebook for 28x28 grey digits (114,064 and 100,609 parameters).
    """

    def default_generator(self) -> Generator:
        """Return the notebook's generator, one hidden layer of 128."""
        return MLPGenerator(widths=(128,), initialization="he")

    def default_discriminator(self) -> Discriminator:
        """Return the notebook's discriminator, one hidden layer of 128."""
        return MLPDiscriminator(widths=(128,), activation="relu", initialization="he")

    def default_loss(self) -> AdversarialLoss:
        """Return the non-saturating loss."""
        return NonSaturating()

    def default_regularizers(self) -> Mapping[str, Regularizer]:
        """Return the penalty around real samples with the paper's weight of 10."""
        return {"dragan": regularizers.DRAGAN()}

    def default_prior(self) -> Prior:
        """Return the notebook's uniform prior on [-1, 1]."""
        return Uniform(bound=1.0)

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return Adam with the notebook's rate and betas."""
        return lambda parameters: torch.optim.Adam(parameters, lr=1e-4, betas=(0.5, 0.9))
