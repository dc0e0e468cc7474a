"""WGAN-GP (Gulrajani 2017, arXiv 1704.00028)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from gan_lightning import regularizers
from gan_lightning.losses import Wasserstein
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer


class WGANGP(AdversarialModule):
    """A critic held to gradients of norm one between real and generated samples.

    Algorithm 1 of the paper; the networks are its residual ones for 32x32 RGB (1,204,483 and 1,053,825
    parameters). The critic may not have batch normalisation, under which the
    gradient at one sample depends on the others: the penalty refuses it.
    """

    def default_generator(self) -> Generator:
        """Return the paper's residual generator for 32x32 RGB images."""
        return ResNetGenerator(widths=(128, 128, 128, 128))

    def default_discriminator(self) -> Discriminator:
        """Return the paper's residual critic for 32x32 RGB images."""
        return ResNetDiscriminator(spectral_norm=False, pooling="mean")

    def default_loss(self) -> AdversarialLoss:
        """Return the difference of means."""
        return Wasserstein()

    def default_regularizers(self) -> Mapping[str, Regularizer]:
        """Return the gradient penalty with the paper's weight of 10."""
        return {"gradient_penalty": regularizers.WGANGP()}

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return Adam with the paper's rate and betas for residual networks."""
        return lambda parameters: torch.optim.Adam(parameters, lr=2e-4, betas=(0.0, 0.9))

    def default_updates(self) -> UpdateRule:
        """Return five critic updates per generator update."""
        return UpdateRule(critic_steps=5)

    def check_parts(self) -> None:
        """Refuse a critic without the penalty that the name stands for.

        Raises:
            ValueError: if no gradient penalty is among the regularizers.
        """
        super().check_parts()
        if not any(isinstance(penalty, regularizers.WGANGP) for penalty in self._penalties.values()):
            raise ValueError("model.regularizers must hold a gan_lightning.regularizers.WGANGP: it is what WGAN-GP is")
