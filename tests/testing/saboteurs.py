"""Variants that break the contract, each in one way; configs name them as ``tests.testing.saboteurs.X``."""

from __future__ import annotations

import random

import torch
from torch import nn

from gan_lightning.models import DCGAN


class Forgetful(DCGAN):
    """Has a head that nothing trains."""

    def __init__(self, **parts):
        super().__init__(**parts)
        self.head = nn.Linear(2, 2)

    def player_modules(self, player):
        own = super().player_modules(player)
        return own if player == "generator" else [*own, self.head] if hasattr(self, "head") else own


class Careless(DCGAN):
    """Draws from a generator that no checkpoint knows of."""

    def generator_terms(self, batch, fakes, fake):
        terms = super().generator_terms(batch, fakes, fake)
        return {name: term * random.uniform(0.5, 1.5) for name, term in terms.items()}


class Meddling(DCGAN):
    """Moves the generator in the discriminator's update."""

    def before_update(self, phase):
        if phase.name == "discriminator":
            with torch.no_grad():
                next(self.generator.parameters()).add_(0.01)


class Moody(DCGAN):
    """Samples another image each time."""

    def generate(self, latents, condition, *, generator=None, **options):
        images = super().generate(latents, condition, generator=generator, **options)
        return images if self.generator.training and generator is None else images * torch.rand(())
