"""Feature matching: generated samples should have the discriminator's features of real ones, on average."""

from __future__ import annotations

import torch
from torch import Tensor

from gan_lightning.core.process_group import mean_over_ranks
from gan_lightning.regularizers.base import GeneratorTurn
from gan_lightning.regularizers.stabilizer import Stabilizer


def mean_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Return ||E f(x) - E f(G(z))||_2^2 of features ``(N, F)``, a float32 scalar; the means are the global batch's."""
    return mean_over_ranks(real.float().mean(dim=0) - fake.float().mean(dim=0)).square().sum()


class FeatureMatching(Stabilizer):
    """Adds the distance of mean features to the generator's loss.

    weight * ||E f(x) - E f(G(z))||_2^2, f the discriminator's body on what it is shown: Salimans et al. 2016
    (arXiv 1606.03498), section 3.1. There it takes the place of the adversarial loss; here it joins it.

    Args:
        weight: factor of the squared distance.

    Raises:
        ValueError: if ``weight`` is negative.
    """

    def __init__(self, *, weight: float = 1.0) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"weight must be at least 0, got {weight}")
        self.weight = weight

    def generator_terms(self, turn: GeneratorTurn) -> dict[str, Tensor]:
        """Return the weighted squared distance; gradients reach the generator through ``turn.fake``."""
        assert turn.fake is not None
        with torch.no_grad():
            real = turn.discriminator.features(turn.shown(turn.real))
        fake = turn.discriminator.features(turn.shown(turn.fake))
        return {"distance": self.weight * mean_distance(real, fake)}
