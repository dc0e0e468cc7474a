"""WGAN (Arjovsky 2017, arXiv 1701.07875)."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor

from gan_lightning.core.torch_internals import clamp_all
from gan_lightning.models.adversarial import AdversarialModule, Parts
from gan_lightning.models.players import Phase


class WGAN(AdversarialModule):
    """A critic whose weights are clipped, so that its mean difference approximates the earth mover's distance.

    Algorithm 1 of the paper with the released code's warm-up: before the first generator updates, and again at
    every 500th, the critic is trained for 100 steps instead of 5. As there, the clamp comes before each critic
    update, so the weights may stand outside the box by one step.

    Args:
        weight_clip: every weight of the critic is clamped to [-weight_clip, weight_clip].
        warmup_generator_steps: number of first generator updates that get a well-trained critic.
        warmup_every: so does every generator update with a number divisible by this.
        warmup_critic_steps: critic updates before such a generator update.
        **parts: as in ``AdversarialModule``.

    Raises:
        ValueError: for a value out of range.
    """

    def __init__(
        self,
        *,
        weight_clip: float = 0.01,
        warmup_generator_steps: int = 25,
        warmup_every: int = 500,
        warmup_critic_steps: int = 100,
        **parts: Unpack[Parts],
    ) -> None:
        if weight_clip <= 0:
            raise ValueError(f"model.weight_clip must be positive, got {weight_clip}")
        if warmup_every < 1 or warmup_critic_steps < 1:
            raise ValueError(
                "model.warmup_every and model.warmup_critic_steps must be at least 1, "
                f"got {warmup_every} and {warmup_critic_steps}"
            )
        super().__init__(**parts)
        self.weight_clip = weight_clip
        self.warmup_generator_steps = warmup_generator_steps
        self.warmup_every = warmup_every
        self.warmup_critic_steps = warmup_critic_steps

    def critic_steps_now(self) -> float:
        """Return ``warmup_critic_steps`` where the warm-up says so, else ``updates.critic_steps``."""
        steps = self.steps["generator"]
        if steps < self.warmup_generator_steps or steps % self.warmup_every == 0:
            return self.warmup_critic_steps
        return super().critic_steps_now()

    @torch.no_grad()
    def before_update(self, phase: Phase) -> None:
        """Clamp the critic's weights before each of its updates."""
        if phase.name == "discriminator":
            weights: list[Tensor] = [*self.active["discriminator"].parameters]
            clamp_all(weights, self.weight_clip)
