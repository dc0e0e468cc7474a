"""A sampler that tells how far an evaluation is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from gan_lightning.metrics import GeneratorSampler


@dataclass(frozen=True, slots=True)
class Watched(GeneratorSampler):
    """Hands on what ``sampler`` makes.

    Attributes:
        sampler: what makes the samples.
        report: is told of every so many made.
    """

    sampler: GeneratorSampler
    report: Callable[[int], None]

    def __call__(self, indices: Tensor) -> Tensor:
        """Make samples, and report them."""
        made = self.sampler(indices)
        self.report(len(indices))
        return made

    def labels(self, indices: Tensor) -> Tensor | None:
        """Return the classes that were asked for."""
        return self.sampler.labels(indices)

    def codes(self, indices: Tensor) -> Tensor | None:
        """Return the classes or codes that were asked for."""
        return self.sampler.codes(indices)

    def path(self, indices: Tensor, *, epsilon: float) -> tuple[Tensor, Tensor] | None:
        """Return neighbouring images; see ``GeneratorSampler``."""
        return self.sampler.path(indices, epsilon=epsilon)
