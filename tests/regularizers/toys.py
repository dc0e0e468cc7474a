"""Small players for the stabilizers' tests."""

import torch
from torch import nn

from gan_lightning.networks.base import Discriminator, Generator
from gan_lightning.regularizers import GeneratorTurn


class ToyGenerator(Generator):
    def __init__(self):
        super().__init__(latent_dim=3, sample_shape=(2,))
        self.layer = nn.Linear(3, 2)

    def forward(self, latents, condition=None):
        return self.layer(latents)


class ToyDiscriminator(Discriminator):
    def __init__(self, dim=2):
        super().__init__(feature_dim=4, sample_shape=(dim,))
        self.body = nn.Linear(dim, 4)
        self.last = nn.Linear(4, 1)

    def features(self, samples):
        return torch.tanh(self.body(samples))

    def head(self, features, condition=None):
        return self.last(features).squeeze(1)


def generator_turn(generator, discriminator, real, fake, shown=lambda samples: samples):
    return GeneratorTurn(
        generator=generator,
        discriminator=discriminator,
        real=real,
        fake=fake,
        condition=None,
        images_seen=0,
        shown=shown,
        draw=lambda count: (torch.randn(count, generator.latent_dim), None),
    )
