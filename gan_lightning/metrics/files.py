"""Images from files in place of a generator."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gan_lightning.data.images import EvaluationImages
from gan_lightning.metrics.base import GeneratorSampler


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
