"""The interface of an evaluator, whatever it measures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from gan_lightning.metrics.scores import Evaluation

Sampler = Callable[[Tensor], Tensor]
"""Sample indices int64 ``(n,)`` on the CPU to samples ``(n, *sample_shape)``; sample i depends on (seed, i) only.

Images lie in [-1, 1].
"""


class SampleEvaluator(ABC):
    """Scores a generator by its samples.

    Attributes:
        seed: of the generated samples; whoever makes the sampler reads it here.
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
