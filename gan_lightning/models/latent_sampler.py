"""What an evaluator asks of a model that generates from latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from gan_lightning.metrics.base import GeneratorSampler
from gan_lightning.seeding import mix

if TYPE_CHECKING:
    from gan_lightning.models.sampling import Sampling

_PATH_STREAM = 0x70617468  # tells the latents at the far end of a path from those at its start


@dataclass(frozen=True, slots=True)
class LatentSampler(GeneratorSampler):
    """Samples of a model, their classes, and steps in its latent space.

    Attributes:
        model: whose generator is asked.
        seed: with an index, what a sample is a function of.
        weights: averaged or raw generator.
    """

    model: Sampling
    seed: int
    weights: Literal["ema", "raw"]

    def __call__(self, indices: Tensor) -> Tensor:
        """Return ``sample_indices``."""
        return self.model.sample_indices(indices.tolist(), seed=self.seed, weights=self.weights)

    def labels(self, indices: Tensor) -> Tensor | None:
        """Return the classes that samples are drawn of."""
        return self.model.sample_labels(indices.tolist(), seed=self.seed)

    def codes(self, indices: Tensor) -> Tensor | None:
        """Return the classes, or the categorical codes, that samples are drawn of."""
        return self.model.sample_codes(indices.tolist(), seed=self.seed)

    def path(self, indices: Tensor, *, epsilon: float) -> tuple[Tensor, Tensor]:
        """Return the samples, and those a step towards another draw of latents away; see ``GeneratorSampler``."""
        rows = indices.tolist()
        start, condition = self.model.inputs(rows, seed=self.seed)
        other, _ = self.model.inputs(rows, seed=mix(self.seed, _PATH_STREAM))
        ends = (start, torch.lerp(start, other, epsilon))
        first, second = (self.model.render(latents, condition, weights=self.weights) for latents in ends)
        return first, second
