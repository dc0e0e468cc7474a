"""LeCam regularization: the logits of each kind of sample against a running mean of the other kind's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.core.schedules import Scalar
from gan_lightning.regularizers.base import DiscriminatorTurn, Regularizer


def lecam_penalty(real: Tensor, fake: Tensor, real_mean: Tensor, fake_mean: Tensor) -> Tensor:
    """Return E[relu(D(x) - fake_mean)^2] + E[relu(real_mean - D(G(z)))^2], a scalar.

    Args:
        real: logits of real samples, any shape.
        fake: logits of generated samples, any shape.
        real_mean: scalar, running mean of real logits.
        fake_mean: scalar, running mean of fake logits.
    """
    return F.relu(real - fake_mean).square().mean() + F.relu(real_mean - fake).square().mean()


class LeCam(Regularizer):
    """Holds the critic's logits back while they are far from the running means of the opposite kind.

    weight * (E[relu(D(x) - a_F)^2] + E[relu(a_R - D(G(z)))^2]), with a_R and a_F exponential moving averages of
    the mean logits: Tseng et al. 2021 (arXiv 2104.03310), equation 6, with the one-sided squares of the
    authors' code. Before ``start_images`` there is no penalty and the averages are those of the last step.

    Args:
        weight: lambda (published: 0.3 for BigGAN on CIFAR, 1e-6 for StyleGAN2 on CIFAR).
        decay: decay of the averages, per discriminator step (published: 0.9 and 0.99).
        start_images: images seen by the discriminator before the penalty begins (published: 1,000 steps).

    Raises:
        ValueError: if ``decay`` is outside [0, 1) or ``start_images`` is negative.
    """

    follows_steps: bool = True
    real_mean: Tensor
    fake_mean: Tensor
    started: Tensor

    def __init__(self, *, weight: Scalar = 0.3, decay: float = 0.9, start_images: int = 50_000) -> None:
        super().__init__(weight=weight)  # no interval: the averages follow every step
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        if start_images < 0:
            raise ValueError(f"start_images must be at least 0, got {start_images}")
        self.decay = decay
        self.start_images = start_images
        self.register_buffer("real_mean", torch.zeros(()))
        self.register_buffer("fake_mean", torch.zeros(()))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    @torch.no_grad()
    def _follow(self, real: Tensor, fake: Tensor, running: bool) -> None:
        means = mean_over_ranks(torch.stack([real.mean(), fake.mean()]))
        keep = self.started * self.decay if running else torch.zeros_like(self.real_mean)
        self.real_mean.copy_(keep * self.real_mean + (1 - keep) * means[0])
        self.fake_mean.copy_(keep * self.fake_mean + (1 - keep) * means[1])
        self.started.fill_(True)

    def forward(self, turn: DiscriminatorTurn) -> Tensor:
        """Return the penalty of this step, 0 before ``start_images``: a float32 scalar, before ``weight``."""
        assert turn.real_logits is not None
        assert turn.fake_logits is not None
        real, fake = turn.real_logits.float(), turn.fake_logits.float()
        running = turn.images_seen >= self.start_images
        self._follow(real, fake, running)
        if not running:
            return real.new_zeros(())
        return lecam_penalty(real, fake, self.real_mean, self.fake_mean)
