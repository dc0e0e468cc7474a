"""The detectors on made-up series: each fires on its trouble, and not on what is healthy, or another trouble."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.callbacks.health import detectors as d


def test_a_winning_discriminator_with_a_vanished_gradient_overpowers():
    won, vanished = [1.0] * 10, [1e-3] * 10
    message = d.discriminator_overpowers(won, vanished, reference=0.5)
    assert "100.0%" in message
    assert "from 0.5 to 0.001" in message
    assert d.discriminator_overpowers(won[1:], vanished[1:], reference=0.5) is None


@pytest.mark.parametrize(
    ("accuracy", "gradient"),
    [(1.0, 0.5), (0.97, 1e-3), (0.6, 1e-3), (1.0, 0.011)],
    ids=["a good critic of WGAN", "not all won", "equilibrium", "small, but not vanished"],
)
def test_winning_or_a_small_gradient_alone_is_no_trouble(accuracy, gradient):
    assert d.discriminator_overpowers([accuracy] * 20, [gradient] * 20, reference=0.5) is None


def test_fakes_that_rank_above_real_samples_overpower():
    assert "ranks only 20.0%" in d.generator_overpowers([0.2] * 10, started=True)
    assert d.generator_overpowers([0.2] * 9, started=True) is None
    assert d.generator_overpowers([0.2] * 10, started=False) is None
    assert d.generator_overpowers([0.2] * 4 + [0.5] * 6, started=True) is None
    assert d.generator_overpowers([0.4] * 40, started=True) is None


def test_swings_from_side_to_side_are_an_oscillation():
    swinging = [0.5 + 0.45 * math.sin(math.pi * row / 5) for row in range(40)]
    assert "swung 7 times between 7% and 93%" in d.oscillates(swinging, batch=64)
    assert d.oscillates([0.5 + 0.2 * (-1) ** row for row in range(40)], batch=64) is None
    assert d.oscillates([0.9] * 20 + [0.1] * 20, batch=64) is None
    assert d.oscillates([0.9, 0.6] * 20, batch=64) is None


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(1, 500))
def test_an_oscillation_needs_both_sides_twice(accuracy, batch):
    recent = accuracy[-d.LONG_WINDOW :]
    low, high = sum(value < 0.25 for value in recent), sum(value > 0.75 for value in recent)
    if min(low, high) < d.SWINGS // 2:
        assert d.oscillates(accuracy, batch=batch) is None


def test_small_batches_swing_by_chance():
    swinging = [0.2, 0.8] * 10
    assert d.oscillates(swinging, batch=64) is not None
    assert d.oscillates(swinging, batch=8) is None


def test_gradients_that_are_all_zero_are_a_death():
    assert "stopped learning" in d.dies([1.0] + [0.0] * 10, [0.0] * 10)
    assert d.dies([0.0] * 10, [0.0] * 9 + [1e-30]) is None
    assert d.dies([0.0] * 9, [0.0] * 9) is None


def test_samples_far_beyond_the_real_ones_are_an_explosion():
    assert "50 times" in d.explodes([1.0, 40.0, 60.0, 50.0])
    assert d.explodes([40.0, 60.0, 20.0]) is None
    assert d.explodes([50.0, 50.0]) is None


def test_a_collapse_is_a_fall_or_a_generator_that_never_became_diverse():
    fallen = [0.9, 0.1, 0.1, 0.1]
    assert "10.0% as far apart" in d.collapses(fallen, first_mature=None)
    assert d.collapses(fallen[:-1], first_mature=None) is None
    assert d.collapses([0.05] * 5, first_mature=None) is None
    assert d.collapses([0.05] * 5, first_mature=3) is None
    assert d.collapses([0.05] * 6, first_mature=3) is not None
    assert d.collapses([0.9, 0.1, 0.1, 0.3], first_mature=0) is None


def test_classes_are_missing_by_what_real_samples_have():
    expected = [0.5, 0.4, 0.1]
    assert "misses 1 of 3 classes: 1" in d.misses_classes([0.8, 0.0, 0.2], expected, progress=1.0)
    assert d.misses_classes([0.8, 0.0, 0.2], expected, progress=0.2) is None
    assert d.misses_classes([0.7, 0.28, 0.02], expected, progress=1.0) is None
    many = d.misses_classes([0.0] * 20 + [1.0], [1 / 21] * 21, progress=1.0)
    assert "misses 20 of 21 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..." in many


EVEN, ONE = [1 / 8] * 8, [0.0] * 3 + [1.0] + [0.0] * 4


@pytest.mark.parametrize(
    ("fractions", "covered", "high_quality", "progress", "missing"),
    [
        (EVEN, 8, 0.9, 1.0, None),
        (EVEN, 2, 0.9, 1.0, 6),  # good samples, and others between the modes
        (EVEN, 2, 0.1, 1.0, None),  # on their way
        (ONE, 0, 0.0, 1.0, 7),  # collapsed to a place that is no mode
        (ONE, 1, 0.9, 1.0, 7),
        (ONE, None, None, 1.0, 7),
        (ONE, 1, 0.9, 0.2, None),
        ([0.013, 0.012, *[0.1625] * 6], None, None, 1.0, 1),
    ],
)
def test_modes_are_missing_that_no_sample_is_near_to(fractions, covered, high_quality, progress, missing):
    seen = d.misses_modes(fractions, covered=covered, high_quality=high_quality, progress=progress)
    assert seen == (None if missing is None else f"the generator misses {missing} of 8 modes")


def test_knowing_the_training_set_is_overfitting():
    assert "tells 90%" in d.overfits([0.1, 0.6, 0.7, 0.8], [0.5, 0.9, 0.9, 0.9])
    assert d.overfits([0.6, 0.7, 0.8], [0.6] * 3) is None  # the demo
    assert d.overfits([0.1, 0.7, 0.8], [0.9] * 3) is None
    assert d.overfits([0.8] * 2, [0.9] * 2) is None
