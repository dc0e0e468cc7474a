import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.core.schedules import Constant, Cosine, EpochDecay, Exponential, Linear, Warmup

IMAGES = st.integers(min_value=0, max_value=10**8)


@given(IMAGES, st.none() | IMAGES)
def test_constant_is_one(images, budget):
    assert Constant().value(images, budget) == 1


@pytest.mark.parametrize(
    ("images", "expected"), [(0, 1), (2000, 1), (3000, 0.775), (4000, 0.55), (6000, 0.1), (9000, 0.1)]
)
def test_linear_is_a_straight_line_between_start_and_end(images, expected):
    assert Linear(start_kimg=2, end_kimg=6, final=0.1).value(images, None) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("images", "expected"), [(0, 1), (1000, 1), (2000, 0.2 + 0.8 * (2 + math.sqrt(2)) / 4), (3000, 0.6), (5000, 0.2)]
)
def test_cosine_is_half_a_wave(images, expected):
    assert Cosine(start_kimg=1, end_kimg=5, final=0.2).value(images, None) == pytest.approx(expected, abs=1e-12)


@given(IMAGES, st.integers(min_value=1, max_value=10**8))
def test_without_an_end_the_budget_is_the_end(images, budget):
    for kind in (Linear, Cosine):
        of_budget = kind().value(images, budget)
        assert of_budget == pytest.approx(kind(end_kimg=budget / 1000).value(images, None), abs=1e-9)
        assert 0 <= of_budget <= 1
    assert Linear().value(images, budget) == pytest.approx(max(1 - images / budget, 0), abs=1e-9)
    assert Linear(final=0.5).value(budget, budget) == 0.5


@given(IMAGES, IMAGES)
def test_decays_never_rise(a, b):
    low, high = sorted((a, b))
    for schedule in (Linear(start_kimg=10, end_kimg=5e4), Cosine(start_kimg=10, end_kimg=5e4)):
        assert schedule.value(low, None) >= schedule.value(high, None)


def test_a_budget_that_ends_before_the_decay_begins_drops_at_its_start():
    assert Linear(start_kimg=5).value(4999, 5000) == 1
    assert Linear(start_kimg=5).value(5000, 5000) == 0


@pytest.mark.parametrize("kind", [Linear, Cosine])
def test_neither_end_nor_budget_is_refused(kind):
    with pytest.raises(ValueError, match=r"schedule\.end_kimg must be given: the run has no budget"):
        kind().value(0, None)


@pytest.mark.parametrize("images_per_epoch", [1, 7, 1096])
def test_epoch_decay_is_that_of_the_published_code(images_per_epoch):
    budget = 200 * images_per_epoch
    for epoch in (0, 98, 99, 100, 150, 199):
        expected = 1 - max(0, epoch + 1 - 100) / 101
        for images in (epoch * images_per_epoch, (epoch + 1) * images_per_epoch - 1):
            assert EpochDecay().value(images, budget) == pytest.approx(expected, abs=1e-12)
    assert EpochDecay().value(budget + 5, budget) == pytest.approx(1 / 101)
    assert EpochDecay(constant_epochs=1, decay_epochs=1).value(budget - 1, budget) == 0.5


def test_epoch_decay_needs_a_budget_and_epochs():
    with pytest.raises(ValueError, match="budget"):
        EpochDecay().value(0, None)
    with pytest.raises(ValueError, match=r"schedule\.decay_epochs"):
        EpochDecay(decay_epochs=0)


def test_warmup_multiplies_what_follows():
    assert [Warmup(warmup_kimg=2).value(n, None) for n in (0, 500, 2000, 9000)] == [0, 0.25, 1, 1]
    decayed = Warmup(warmup_kimg=2, then=Linear(end_kimg=10))
    assert decayed.value(1000, None) == pytest.approx(0.5 * 0.9)
    assert decayed.value(5000, None) == pytest.approx(0.5)


def test_times_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"schedule\.end_kimg must be above start_kimg=3, got 3"):
        Linear(start_kimg=3, end_kimg=3)
    with pytest.raises(ValueError, match=r"schedule\.warmup_kimg must be positive, got 0"):
        Warmup(warmup_kimg=0)


def test_exponential_is_the_division_by_a_constant_at_every_batch():
    halflife_kimg = math.log(2) / math.log(1.000004) * 100 / 1000
    schedule = Exponential(halflife_kimg=halflife_kimg, final=1e-5)
    for batches in (0, 1, 1000, 600_000):
        assert schedule.value(batches * 100, None) == pytest.approx(1.000004**-batches, rel=1e-9)
    assert schedule.value(10**9, None) == 1e-5


@pytest.mark.parametrize("arguments", [{"halflife_kimg": 0}, {"halflife_kimg": 1, "final": 1.5}])
def test_exponential_out_of_range_is_refused(arguments):
    with pytest.raises(ValueError, match=r"schedule\.(halflife_kimg|final) must be"):
        Exponential(**arguments)
