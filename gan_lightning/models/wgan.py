"""WGAN (Arjovsky 2017, arXiv 1701.07875)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gan_lightning.augment.base import Augmentation
from gan_lightning.core.torch_internals import clamp_all
from gan_lightning.losses import Wasserstein
from gan_lightning.losses.base import AdversarialLoss
from gan_lightning.models.base import AdversarialModule
from gan_lightning.models.priors import Prior
from gan_lightning.models.two_player import OptimizerFactory
from gan_lightning.models.update_rule import UpdateRule
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers.base import Regularizer
from gan_lightning.regularizers.stabilizer import Stabilizer


class WGAN(AdversarialModule):
    """A critic whose weights are clipped, so that its mean difference approximates the earth mover's distance.

    Algorithm 1 of the paper with the released code's warm-up: before the first generator updates, and again at
    every 500th, the critic is trained for 100 steps instead of 5. As there, the clamp comes before each critic
    update, so the weights may stand outside the box by one step.

    Args:
        generator: as in ``AdversarialModule``, and so on to ``stabilizers``.
        discriminator: likewise.
        loss: likewise.
        generator_optimizer: likewise.
        discriminator_optimizer: likewise.
        prior: likewise.
        updates: likewise.
        regularizers: likewise.
        augment: likewise.
        stabilizers: likewise.
        weight_clip: every weight of the critic is clamped to [-weight_clip, weight_clip].
        warmup_generator_steps: number of first generator updates that get a well-trained critic.
        warmup_every: so does every generator update with a number divisible by this.
        warmup_critic_steps: critic updates before such a generator update.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self,
        *,
        generator: Generator | None = None,
        discriminator: Discriminator | None = None,
        loss: AdversarialLoss | None = None,
        generator_optimizer: OptimizerFactory | None = None,
        discriminator_optimizer: OptimizerFactory | None = None,
        prior: Prior | None = None,
        updates: UpdateRule | None = None,
        regularizers: Mapping[str, Regularizer] | None = None,
        augment: Augmentation | None = None,
        stabilizers: Mapping[str, Stabilizer] | None = None,
        weight_clip: float = 0.01,
        warmup_generator_steps: int = 25,
        warmup_every: int = 500,
        warmup_critic_steps: int = 100,
    ) -> None:
        if weight_clip <= 0:
            raise ValueError(f"model.weight_clip must be positive, got {weight_clip}")
        if warmup_every < 1 or warmup_critic_steps < 1:
            raise ValueError(
                "model.warmup_every and model.warmup_critic_steps must be at least 1, "
                f"got {warmup_every} and {warmup_critic_steps}"
            )
        super().__init__(
            generator=generator,
            discriminator=discriminator,
            loss=loss,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            prior=prior,
            updates=updates,
            regularizers=regularizers,
            augment=augment,
            stabilizers=stabilizers,
        )
        self.weight_clip = weight_clip
        self.warmup_generator_steps = warmup_generator_steps
        self.warmup_every = warmup_every
        self.warmup_critic_steps = warmup_critic_steps

    def default_generator(self) -> Generator:
        """Return DCGAN's generator for 64x64 RGB images."""
        return DCGANGenerator()

    def default_discriminator(self) -> Discriminator:
        """Return DCGAN's discriminator for 64x64 RGB images, as the critic."""
        return DCGANDiscriminator()

    def default_loss(self) -> AdversarialLoss:
        """Return the difference of means."""
        return Wasserstein()

    def default_optimizer(self, player: str) -> OptimizerFactory:
        """Return RMSprop with the paper's rate."""
        return lambda parameters: torch.optim.RMSprop(parameters, lr=5e-5)

    def default_updates(self) -> UpdateRule:
        """Return five critic updates per generator update."""
        return UpdateRule(critic_steps=5)

    def critic_steps_now(self) -> float:
        """Return ``warmup_critic_steps`` where the warm-up says so, else ``updates.critic_steps``."""
        if self.generator_steps < self.warmup_generator_steps or self.generator_steps % self.warmup_every == 0:
            return self.warmup_critic_steps
        return super().critic_steps_now()

    @torch.no_grad()
    def before_discriminator_turn(self) -> None:
        """Clamp the critic's weights."""
        weights: list[Tensor] = [*self._parameters_of["discriminator"]]
        clamp_all(weights, self.weight_clip)
