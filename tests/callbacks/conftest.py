from collections.abc import Callable
from typing import Any

import pytest
import torch

from gan_lightning.data import DigitsDataModule
from gan_lightning.metrics import DigitsExtractor, Evaluation, Score
from gan_lightning.models import DCGAN, AdversarialModule
from gan_lightning.networks import DCGANDiscriminator, DCGANGenerator
from tests.parts import parts_with


@pytest.fixture
def build() -> Callable[..., tuple[AdversarialModule, DigitsDataModule]]:
    """Return a maker of small models of 8x8 digits, batches of 10, always with the same initial weights."""

    def make(**parts: Any) -> tuple[AdversarialModule, DigitsDataModule]:
        torch.manual_seed(0)
        model = DCGAN(
            **parts_with(
                generator=DCGANGenerator(resolution=8, channels=1, width=4, latent_dim=8),
                discriminator=DCGANDiscriminator(resolution=8, channels=1, width=4),
                **parts,
            )
        )
        return model, DigitsDataModule(resolution=8, batch_size=10)

    return make


class ScriptedEvaluator:
    """Stands in for an evaluator: gives the scores it was told to give, one after the other."""

    seed = 0
    real_split = "train"
    samples = 4
    extractor = DigitsExtractor

    def __init__(self, values: list[float], *, higher_is_better: bool = False, key: str = "fd4_train_toy") -> None:
        self.values = list(values)
        self.higher_is_better = higher_is_better
        self.key = key
        self.skipped: dict[str, str] = {}
        self.calls: list[dict[str, Any]] = []

    def evaluate(self, sample: Any, real: Any, *, weights: str, device: Any) -> Evaluation:
        """Draw the samples, as the real one does, and return the next score."""
        self.calls.append({"images": sample(torch.arange(self.samples)), "weights": weights, "split": real.split})
        value = self.values.pop(0)
        score = Score(self.key, value, None, self.higher_is_better, {"metric": "frechet", "samples": self.samples})
        return Evaluation(scores=[score], skipped=self.skipped)


@pytest.fixture
def scripted() -> type[ScriptedEvaluator]:
    """Return the class of the scripted evaluator."""
    return ScriptedEvaluator
