"""The interface of an evaluator, whatever it measures, and of what it measures samples of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.scores import Evaluation

Sampler = Callable[[Tensor], Tensor]
"""Sample indices int64 ``(n,)`` on the CPU to samples ``(n, *sample_shape)``; sample i depends on (seed, i) only.

Images lie in [-1, 1].
"""


class GeneratorSampler(ABC):
    """A ``Sampler`` that tells more of its samples than what they look like."""

    @abstractmethod
    def __call__(self, indices: Tensor) -> Tensor:
        """Make samples, as a ``Sampler`` does."""

    def labels(self, indices: Tensor) -> Tensor | None:
        """Return the classes that were asked of the generator: int64 ``(n,)``, or None if it is told none."""
        return None

    def codes(self, indices: Tensor) -> Tensor | None:
        """Return the kind of sample that was asked for: the class, or a categorical code that was learned without one.

        int64 ``(n,)``, or None if samples have none.
        """
        return self.labels(indices)

    def facts(self) -> dict[str, Any]:
        """Return what the samples depend on besides weights and seed: plain values for the protocol of a score."""
        return {}

    def path(self, indices: Tensor, *, epsilon: float) -> tuple[Tensor, Tensor] | None:
        """Return two images for each index whose latents are ``epsilon`` of the way to another draw apart.

        The first is that of latents z, the second of ``z + epsilon (z' - z)`` under the same condition. None if the
        samples are not made of latents.
        """
        return None


class SampleEvaluator(ABC):
    """Scores a generator by its samples.

    Attributes:
        seed: seed of the generated samples; the sampler is made with it.
        real_split: part of the real data to compare with.
    """

    seed: int
    real_split: str

    @abstractmethod
    def evaluate(
        self, sample: Sampler, real: Any, *, weights: Literal["ema", "raw"], device: torch.device | str
    ) -> Evaluation:
        """Generate samples and score them against ``real``, the data module's ``evaluation_set(real_split)``.

        Raises:
            NonFiniteSamples: if a generated value is NaN or infinite.
        """


@dataclass(frozen=True, slots=True)
class FileSampler(GeneratorSampler):
    """Hands over image i of a set as sample i.

    Attributes:
        images: the set.
    """

    images: EvaluationImages

    def __call__(self, indices: Tensor) -> Tensor:
        """Return uint8 ``(n, C, H, W)``."""
        return self.images.take(indices.tolist())

    def labels(self, indices: Tensor) -> Tensor | None:
        """Return the labels of the images."""
        return None if self.images.labels is None else self.images.labels[indices]
