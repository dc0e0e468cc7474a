import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.runs.cadence import Cadence


def firings(cadence, start, stop, batch):
    cadence.start(start)
    return [seen for seen in range(start + batch, stop + 1, batch) if cadence.passed(seen)]


def test_it_fires_at_multiples_and_at_the_first_batch_after_one():
    assert firings(Cadence(1, key="k"), 0, 4000, 400) == [1200, 2000, 3200, 4000]
    assert firings(Cadence(0.5, key="k"), 0, 2000, 500) == [500, 1000, 1500, 2000]


@pytest.mark.parametrize("images", [1001, 2007, 4030, 8050])
def test_rounding_does_not_put_it_off_by_a_batch(images):
    assert firings(Cadence(images / 1000, key="k"), 0, 3 * images, images) == [images, 2 * images, 3 * images]


def test_several_multiples_in_one_batch_fire_once():
    assert firings(Cadence(0.1, key="k"), 0, 2000, 1000) == [1000, 2000]


def test_a_start_fires_for_nothing_that_lies_before():
    cadence = Cadence(1, key="k")
    cadence.start(5000)
    assert not cadence.passed(5000)
    assert not cadence.passed(5999)
    assert cadence.passed(6000)


@given(st.integers(1, 5000), st.integers(1, 700), st.integers(1, 60), st.data())
def test_a_resumed_run_fires_at_the_same_places(every, batch, batches, data):
    stop = data.draw(st.integers(0, batches)) * batch
    whole = firings(Cadence(every / 1000, key="k"), 0, batches * batch, batch)
    first = firings(Cadence(every / 1000, key="k"), 0, stop, batch)
    second = firings(Cadence(every / 1000, key="k"), stop, batches * batch, batch)
    assert first + second == whole
    assert whole == [n for n in range(batch, batches * batch + 1, batch) if n // every > (n - batch) // every]


def test_without_an_interval_it_never_fires():
    assert firings(Cadence(None, key="k"), 0, 10**6, 1000) == []


@pytest.mark.parametrize("every", [0, -1.5])
def test_an_interval_must_be_positive(every):
    with pytest.raises(ValueError, match=rf"callbacks\.x\.every_kimg must be positive or null, got {every}"):
        Cadence(every, key="callbacks.x")
