"""Replay's pool: what it may return, how often, and that it survives a checkpoint."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.regularizers import Replay


def batches(count, size):
    """Samples that carry their serial number."""
    numbers = torch.arange(count * size, dtype=torch.float32).view(count, size, 1)
    return numbers.expand(count, size, 3).contiguous()


@given(
    capacity=st.integers(1, 12),
    size=st.integers(1, 9),
    probability=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=40)
def test_a_batch_keeps_its_size_and_holds_samples_of_now_or_before(capacity, size, probability, seed):
    torch.manual_seed(seed)
    replay = Replay(capacity=capacity, probability=probability)
    alive = set()
    for batch in batches(8, size):
        full = int(replay.stored) == capacity
        got = replay.discriminator_fakes(batch)
        assert got.shape == batch.shape
        assert (got == got[:, :1]).all()
        alive |= set(batch[:, 0].tolist())
        returned = got[:, 0].tolist()
        assert set(returned) <= alive
        assert len(set(returned)) == len(returned) or not full  # while it fills, a sample is stored and passed on
        pool = replay.pool[: int(replay.stored), 0].tolist()
        assert len(set(pool)) == len(pool) == min(capacity, int(replay.stored))
        assert set(pool) <= alive


def test_nothing_is_swapped_until_the_pool_is_full():
    replay = Replay(capacity=6, probability=1.0)
    first, second = batches(2, 4)
    assert torch.equal(replay.discriminator_fakes(first), first)
    got = replay.discriminator_fakes(second)
    assert torch.equal(got[:2], second[:2])  # these filled the pool
    assert (got[2:, 0] < 6).all()  # these came from it


def test_swaps_are_as_frequent_as_asked():
    torch.manual_seed(0)
    replay = Replay(capacity=50, probability=0.5)
    stream = batches(400, 20)
    swapped = [(replay.discriminator_fakes(batch) != batch)[:, 0].float().mean() for batch in stream]
    assert torch.stack(swapped[3:]).mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_batch_larger_than_the_pool_is_served():
    torch.manual_seed(0)
    replay = Replay(capacity=2, probability=1.0)
    for batch in batches(3, 8):
        got = replay.discriminator_fakes(batch)
        assert got.shape == batch.shape


def test_pool_is_independent_of_what_happens_to_the_batch():
    replay = Replay(capacity=4)
    batch = batches(1, 4)[0].clone()
    replay.discriminator_fakes(batch)
    batch.zero_()
    assert replay.pool[3, 0] == 3


def test_state_survives_a_checkpoint():
    torch.manual_seed(0)
    stream = batches(6, 4)
    first, second = Replay(capacity=6), Replay(capacity=6)
    for batch in stream[:4]:
        first.discriminator_fakes(batch)
    second.load_state_dict(first.state_dict())
    for batch in stream[4:]:
        torch.manual_seed(7)
        expected = first.discriminator_fakes(batch)
        torch.manual_seed(7)
        assert torch.equal(second.discriminator_fakes(batch), expected)
    assert torch.equal(first.pool, second.pool)


def test_an_unused_or_half_filled_pool_survives_too():
    fresh = Replay(capacity=6)
    fresh.load_state_dict(Replay(capacity=6).state_dict())
    half = Replay(capacity=6)
    half.discriminator_fakes(batches(1, 4)[0])
    fresh.load_state_dict(half.state_dict())
    got = fresh.discriminator_fakes(batches(1, 2)[0] + 10)
    assert (got[:, 0] >= 10).all()  # places 5 and 6 were still free


def test_another_capacity_than_the_checkpoints_is_refused():
    saved = Replay(capacity=6)
    saved.discriminator_fakes(batches(1, 4)[0])
    with pytest.raises(ValueError, match="capacity is 8"):
        Replay(capacity=8).load_state_dict(saved.state_dict())


def test_half_precision_batches_keep_their_dtype():
    replay = Replay(capacity=2, probability=1.0)
    replay.discriminator_fakes(torch.ones(2, 3))
    got = replay.discriminator_fakes(torch.zeros(2, 3, dtype=torch.bfloat16))
    assert got.dtype == torch.bfloat16
    assert (got == 1).all()


@pytest.mark.parametrize(("argument", "value"), [("capacity", 0), ("probability", -0.1), ("probability", 1.1)])
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=argument):
        Replay(**{argument: value})
