"""One rule says which evaluation was the best."""

import math

import pytest

from gan_lightning.metrics.scores import Score
from gan_lightning.runs.best import BestScores, is_better


def fd(value, **protocol):
    return Score("fd", value, None, False, {"samples": 10, **protocol})


def quality(value):
    return Score("cs", value, None, True, {"samples": 10})


def entered(*values):
    """Return the best scores after evaluations at 10, 20, ... images, and which of them improved."""
    best = BestScores()
    improved = [best.enter(10 * number, [value]) for number, value in enumerate(values, start=1)]
    return best, improved


@pytest.mark.parametrize("higher", [True, False])
def test_the_direction_decides(higher):
    assert is_better(2.0, 1.0, higher_is_better=higher) is higher
    assert is_better(1.0, 2.0, higher_is_better=higher) is not higher
    assert not is_better(1.0, 1.0, higher_is_better=higher)
    assert not is_better(math.nan, 1.0, higher_is_better=higher)
    assert not is_better(math.nan, math.nan, higher_is_better=higher)
    assert is_better(1.0, math.nan, higher_is_better=higher)


def test_a_nan_is_never_the_best_and_keeps_nothing_from_being_it():
    best, improved = entered(fd(math.nan), fd(5.0), fd(math.nan), fd(4.0), fd(4.5))
    assert improved == [False, True, False, True, False]
    assert (best.judged["value"], best.judged["images_seen"], best.objective) == (4.0, 40, 4.0)
    assert entered(fd(math.nan))[0].objective is None


def test_values_of_another_protocol_begin_anew():
    best, improved = entered(fd(1.0), fd(9.0, split="heldout"), fd(9.5, split="heldout"))
    assert improved == [True, True, False]
    assert (best.judged["value"], best.judged["protocol"]["split"]) == (9.0, "heldout")


def test_each_score_has_its_own_best_and_the_first_one_judges():
    best = BestScores()
    assert best.enter(10, [quality(6.0), fd(5.0)])
    assert not best.enter(20, [quality(6.0), fd(3.0)])
    assert best.enter(30, [quality(7.0), fd(4.0)])
    assert {key: (entry["value"], entry["images_seen"]) for key, entry in best.entries.items()} == {
        "cs": (7.0, 30),
        "fd": (3.0, 20),
    }
    assert (best.judge, best.objective) == ("cs", -7.0)


def test_an_improvement_that_could_not_be_kept_is_taken_back():
    best, _ = entered(fd(5.0), fd(1.0))
    best.withdraw()
    assert best.judged["value"] == 5.0
    assert best.enter(30, [fd(3.0)])
    best.withdraw()
    first, _ = entered(fd(5.0))
    first.withdraw()
    assert first.judged is None


def test_it_goes_on_from_plain_data():
    best, _ = entered(fd(5.0), fd(4.0))
    again = BestScores()
    again.load_state_dict(best.state_dict())
    again.enter(30, [fd(2.0)])
    assert (best.objective, again.objective) == (4.0, 2.0)
