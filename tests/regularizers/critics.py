"""Critics whose gradients are known, and turns that show samples to a regularizer."""

import torch
from torch import nn

from gan_lightning.regularizers import DiscriminatorTurn


def turn(critic, real, fake, *, images_seen=0):
    return DiscriminatorTurn(
        critic=critic,
        real=real,
        fake=fake,
        real_logits=critic(real),
        fake_logits=critic(fake),
        images_seen=images_seen,
    )


class Linear(nn.Module):
    """D(x) = <w, x> + 1: its gradient is w everywhere."""

    def __init__(self, shape, *, seed=0):
        super().__init__()
        self.w = nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(seed)))

    def forward(self, samples):
        return (samples * self.w).flatten(1).sum(1) + 1


class Quadratic(nn.Module):
    """D(x) = a ||x||^2 / 2: its gradient is a x, another one for each sample."""

    def __init__(self, a=1.0):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))

    def forward(self, samples):
        return self.a * samples.square().flatten(1).sum(1) / 2


class Recorder:
    """A critic that keeps what it was shown."""

    def __init__(self, critic):
        self.critic = critic
        self.seen = []

    def __call__(self, samples):
        self.seen.append(samples.detach().clone())
        return self.critic(samples)
