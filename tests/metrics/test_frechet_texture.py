"""The second score of the digits sees grain on strokes far beyond the spread of real splits; the first does not."""

from __future__ import annotations

import pytest
import torch

from gan_lightning.data import DigitsDataModule
from gan_lightning.metrics import Evaluator
from gan_lightning.metrics.digits_classifier import DigitsExtractor
from gan_lightning.metrics.frechet_texture import FrechetTexture
from gan_lightning.metrics.texture import TextureExtractor
from gan_lightning.metrics.transport import Moments, frechet_distance


@pytest.fixture(scope="module")
def digits():
    """All embedded digits, uint8 ``(1797, 1, 16, 16)``."""
    data = DigitsDataModule(batch_size=64, resolution=16)
    return torch.cat([batch for split in ("train", "heldout") for batch in data.evaluation_images(split).batches(512)])


def with_grain(images, level, seed):
    """Noise on ink alone."""
    noise = level * torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    noisy = (images.float() + noise).clamp(0, 255).round().to(torch.uint8)
    return torch.where(images > 0, noisy, images)


def halves(digits, extract, *, level=0.0, splits=6):
    found = []
    for seed in range(splits):
        order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))
        first, second = digits[order[:898]], digits[order[898:]]
        first = with_grain(first, level, seed) if level else first
        found.append(frechet_distance(Moments.of(extract(first)), Moments.of(extract(second))))
    return torch.tensor(found)


def test_grain_moves_it_by_many_spreads_and_the_classifiers_by_few(digits):
    texture, classifier = TextureExtractor(), DigitsExtractor()
    moved = {}
    for name, extract in (
        ("texture", lambda images: texture.extract(images.expand(-1, 3, -1, -1)).pool),
        ("digits", lambda images: classifier(images).pool),
    ):
        clean, grainy = halves(digits, extract), halves(digits, extract, level=30.0)
        moved[name] = ((grainy.mean() - clean.mean()) / clean.std()).item()
        if name == "texture":
            assert clean.max() < 0.05
            assert 0.7 < grainy.mean() < 1.0
    assert moved["texture"] > 50
    assert 0 < moved["digits"] < 5


def test_it_stands_beside_the_evaluators_own_scores_under_its_own_name():
    data = DigitsDataModule(batch_size=64, resolution=16)
    real = data.evaluation_images("train")
    shown = torch.cat(list(real.batches(512)))[:300]
    evaluator = Evaluator(
        extractor=DigitsExtractor(),
        samples=300,
        batch_size=100,
        metrics=("frechet", FrechetTexture()),
        real_split="train",
    )
    found = evaluator.evaluate(lambda indices: shown[indices].float() / 127.5 - 1, real, weights="raw", device="cpu")
    first, second = found.scores
    assert (first.key, second.key) == ("fd300_train_digits", "fd300_train_texture")
    assert (first.protocol["extractor"], second.protocol["extractor"]) == ("digits", "texture")
    assert second.protocol["n_generated"] == 300
    extract = lambda images: TextureExtractor().extract(images.expand(-1, 3, -1, -1)).pool.double()  # noqa: E731
    everything = torch.cat(list(real.batches(512)))
    expected = frechet_distance(Moments.of(extract(shown)), Moments.of(extract(everything)))
    assert second.value == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert 0 < second.stderr < 1
