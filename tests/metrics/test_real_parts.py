"""What stands beside a score: parts of the real images, at stated counts and with their spread."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gan_lightning.data import DigitsDataModule
from gan_lightning.metrics import DigitsExtractor, Evaluator, Score
from gan_lightning.metrics.extract_features import FeatureSet
from gan_lightning.metrics.frechet import SPLITS_IF_WIDE, frechet_of_random_parts
from gan_lightning.metrics.real_parts import FAR, RealParts, far_or_copied
from gan_lightning.metrics.transport import Moments, frechet_distance

from .toy import ToyExtractor, run, toy_real


def real(n, split="train"):
    return toy_real(n, split=split)


def numpy_distance(x, y):
    """The Frechet distance by numpy's own covariances and eigenvalues (Heusel 2017, equation 6)."""
    first, second = np.cov(x.T), np.cov(y.T)
    root = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(first) + np.trace(second) - 2 * root


@pytest.mark.parametrize(
    ("samples", "counts"),
    [
        pytest.param(40, (40, 80), id="as many as the score's where they suffice"),
        pytest.param(60, (60, 60), id="exactly half"),
        pytest.param(2000, (60, 60), id="halves where they do not"),
    ],
)
def test_counts_are_those_of_the_score_or_halves(make, samples, counts):
    found = make(samples=samples).real_parts([real(90), real(30, "heldout")], device="cpu")
    assert {name: (parts.first, parts.second) for name, parts in found.items()} == {"frechet": counts}


def test_the_digits_halves_are_what_an_independent_computation_makes_of_them(tmp_path):
    data = DigitsDataModule(batch_size=64, resolution=16)
    sets = [data.evaluation_images(split) for split in ("train", "heldout")]
    evaluator = Evaluator(
        extractor=DigitsExtractor(), metrics=("frechet", "score", "kernel", "frechet_texture"), cache_dir=str(tmp_path)
    )
    found = evaluator.real_parts(sets, device="cpu")
    assert set(found) == {"frechet", "frechet_texture"}
    assert {(parts.first, parts.second) for parts in found.values()} == {(898, 899)}
    features = DigitsExtractor()(torch.cat([batch for images in sets for batch in images.batches(500)])).pool.double()
    expected = []
    for seed in range(16):
        order = torch.randperm(1797, generator=torch.Generator().manual_seed(seed))
        expected.append(numpy_distance(features[order[:898]].numpy(), features[order[898:]].numpy()))
    assert found["frechet"].mean == pytest.approx(np.mean(expected), rel=1e-6)
    assert found["frechet"].std == pytest.approx(np.std(expected, ddof=1), rel=1e-6)
    assert 5.2 < found["frechet"].mean < 6.4  # rounding of other processors does not reach it
    assert 0.5 < found["frechet"].std < 1.3


def test_they_are_computed_once_and_kept_apart_by_all_that_they_depend_on(make, monkeypatch):
    computed = []
    monkeypatch.setattr(
        "gan_lightning.metrics.frechet.Frechet.random_parts",
        staticmethod(lambda real, first: computed.append(first) or frechet_of_random_parts(real, first)),
    )
    sets = [real(90), real(30, "heldout")]
    first = make().real_parts(sets, device="cpu")
    assert make().real_parts(sets, device="cpu") == first
    assert computed == [60]
    make(samples=40).real_parts(sets, device="cpu")
    alone = make().real_parts(sets[:1], device="cpu")
    make().real_parts([real(90), real(31, "heldout")], device="cpu")
    assert computed == [60, 40, 45, 60]
    assert alone["frechet"].first == 45


def test_no_image_is_read_again_where_single_features_are_kept(make):
    class Counting(ToyExtractor):
        seen = 0

        def forward(self, images):
            type(self).seen += len(images)
            return super().forward(images)

    evaluator = make(extractor=Counting())
    run(evaluator, real=real(90))
    before = Counting.seen
    assert evaluator.real_parts([real(90)], device="cpu")
    assert Counting.seen == before == 190
    assert make(metrics=["frechet"]).real_parts([real(90)], device="cpu") == {}


def test_too_few_images_have_no_parts(make):
    assert make().real_parts([real(3)], device="cpu") == {}
    assert make().real_parts([real(4)], device="cpu")["frechet"].first == 2


def test_wide_features_are_split_a_few_times_only():
    features = torch.randn(30, 600, generator=torch.Generator().manual_seed(0))
    real = FeatureSet(moments=Moments.of(features), features=features)
    assert len(frechet_of_random_parts(real, 15)) == SPLITS_IF_WIDE
    narrow = features[:, :5]
    found = frechet_of_random_parts(FeatureSet(moments=Moments.of(narrow), features=narrow), 15)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(3))
    expected = frechet_distance(Moments.of(narrow[order[:15]]), Moments.of(narrow[order[15:]]))
    assert len(found) == 16
    assert found[3].item() == pytest.approx(expected, rel=1e-9)


def test_taking_a_part_away_is_the_inverse_of_adding_it():
    x = torch.randn(70, 4, generator=torch.Generator().manual_seed(1)).double() + 100
    rest = Moments.of(x).without(Moments.of(x[:20]))
    assert rest.count == 50
    torch.testing.assert_close(rest.mean, x[20:].mean(0), rtol=1e-13, atol=0)
    torch.testing.assert_close(rest.covariance, torch.cov(x[20:].T), rtol=1e-9, atol=1e-10)


def score(value, metric="frechet"):
    return Score("fd100_train_toy", value, None, False, {"metric": metric, "weights": "ema"})


def parts(mean, std=0.5):
    return {"frechet": RealParts(first=60, second=61, mean=mean, std=std)}


def test_samples_far_or_copied_are_said_to_be_so_with_both_numbers():
    said = far_or_copied([score(50.1), score(1.0)], parts(5.0))
    assert said is not None
    assert all(
        word in said for word in ("fd100_train_toy = 50.1", f"{FAR} times the 5 ", "60 against 61", "health", "longer")
    )


@pytest.mark.parametrize(("value", "copied"), [(0.49, True), (-0.01, True), (0.51, False), (1.25, False)])
def test_samples_nearer_than_real_images_are_said_to_be_copies(value, copied):
    said = far_or_copied([score(value)], parts(5.0))
    assert (said is not None) is copied
    if said is not None:
        assert all(
            word in said for word in (f"fd100_train_toy = {value}", "tenth of the 5 ", "60 against 61", "copies")
        )


def test_independent_images_are_not_taken_for_copies():
    generator = torch.Generator().manual_seed(0)
    real, made = torch.randn(400, 8, generator=generator), torch.randn(40_000, 8, generator=generator)
    halves = frechet_of_random_parts(FeatureSet(moments=Moments.of(real), features=real), 200)
    found = frechet_distance(Moments.of(made), Moments.of(real))
    said = {"frechet": RealParts(first=200, second=200, mean=halves.mean().item(), std=halves.std().item())}
    assert 0.2 < found / halves.mean().item() < 0.4
    assert far_or_copied([score(found)], said) is None
    assert far_or_copied([score(frechet_distance(Moments.of(real[:380]), Moments.of(real)))], said) is not None


@pytest.mark.parametrize(
    ("scores", "real"),
    [
        pytest.param([score(49.9)], parts(5.0), id="near"),
        pytest.param([score(1.0), score(99.0)], parts(5.0), id="not the first score"),
        pytest.param([score(99.0, "score")], parts(5.0), id="no distance"),
        pytest.param([score(99.0)], {}, id="nothing to compare with"),
        pytest.param([score(99.0)], parts(0.4, 0.5), id="no scale: as far from zero as its spread"),
        pytest.param([], parts(5.0), id="no score"),
    ],
)
def test_others_are_not(scores, real):
    assert far_or_copied(scores, real) is None
