import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.data.loader import InMemoryLoader, to_unit_range

N = 10
IMAGES = torch.arange(N, dtype=torch.uint8).view(N, 1, 1, 1).expand(N, 3, 4, 4).contiguous()


def loader(n=N, **arguments):
    images = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1)
    return InMemoryLoader(images, torch.arange(n), **{"batch_size": 4, **arguments})


def stream(source, batches):
    """Labels, which are the images' numbers, of the first batches."""
    return torch.cat([batch.labels for batch in itertools.islice(iter(source), batches)])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**40))
def test_every_epoch_shows_every_image_once(n, batch_size, seed):
    numbers = stream(loader(n, batch_size=batch_size, seed=seed), 1 + 3 * n // batch_size)
    for epoch in range(len(numbers) // n):
        assert sorted(numbers[epoch * n : (epoch + 1) * n].tolist()) == list(range(n))


def test_epochs_differ():
    numbers = stream(loader(n=100, batch_size=50), 6).view(3, 100)
    assert not torch.equal(numbers[0], numbers[1])
    assert not torch.equal(numbers[1], numbers[2])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.booleans())
def test_a_later_start_continues_the_stream(batches, flip):
    whole = list(itertools.islice(iter(loader(flip=flip)), batches + 3))
    later = itertools.islice(iter(loader(flip=flip, start=4 * batches)), 3)
    for expected, batch in zip(whole[batches:], later, strict=True):
        assert torch.equal(expected.labels, batch.labels)
        assert torch.equal(expected.images, batch.images)


def test_a_start_inside_a_batch_continues_the_stream():
    assert torch.equal(stream(loader(), 5)[7:], stream(loader(start=7), 4)[:13])


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_share_every_global_batch(world_size):
    images = torch.arange(N * 2, dtype=torch.uint8).view(N, 1, 1, 2)
    arguments = {"batch_size": 8, "seed": 3, "flip": True}
    alone = iter(InMemoryLoader(images, torch.arange(N), **arguments))
    ranks = [
        iter(InMemoryLoader(images, torch.arange(N), **arguments, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    for _ in range(5):
        whole, parts = next(alone), [next(rank) for rank in ranks]
        assert torch.equal(whole.labels, torch.cat([part.labels for part in parts]))
        assert torch.equal(whole.images, torch.cat([part.images for part in parts]))


def test_seeds_differ():
    assert not torch.equal(stream(loader(n=100), 10), stream(loader(n=100, seed=1), 10))


def test_iterating_twice_and_in_turns_gives_the_same_stream():
    source = loader()
    first, second = iter(source), iter(source)
    ahead = torch.cat([next(first).labels for _ in range(6)])
    assert torch.equal(ahead, torch.cat([next(second).labels for _ in range(6)]))


def test_labels_belong_to_their_images_and_images_have_the_unit_range():
    for batch in itertools.islice(iter(InMemoryLoader(IMAGES, torch.arange(N), batch_size=4)), 6):
        expected = batch.labels.double() / 127.5 - 1
        assert batch.images.dtype == torch.float32
        assert torch.allclose(batch.images.double(), expected.view(4, 1, 1, 1).expand(4, 3, 4, 4), atol=1e-6)


def test_the_unit_range_has_its_ends_at_minus_one_and_one():
    values = to_unit_range(torch.tensor([0, 51, 255], dtype=torch.uint8))
    assert values.tolist() == pytest.approx([-1, -0.6, 1], abs=1e-6)


def test_without_labels_there_are_none():
    assert next(iter(InMemoryLoader(IMAGES, batch_size=4))).labels is None


def test_about_half_of_the_images_are_mirrored_each_alone():
    ramp = torch.arange(4, dtype=torch.uint8).expand(1, 1, 1, 4)
    batches = itertools.islice(iter(InMemoryLoader(ramp, batch_size=100, flip=True)), 20)
    rows = torch.cat([batch.images for batch in batches]).view(-1, 4)
    mirrored = (rows == rows[rows[:, 0].argmax()]).all(1)
    assert (rows[~mirrored] == rows[rows[:, 0].argmin()]).all()
    assert mirrored.float().mean().item() == pytest.approx(0.5, abs=0.06)  # 2,000 images: 5 standard errors


def test_no_global_random_state_is_touched():
    before = torch.get_rng_state()
    stream(loader(flip=True), 8)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("batch_size", "world_size"), [(0, 1), (6, 4), (1, 2)])
def test_a_batch_that_does_not_divide_is_refused(batch_size, world_size):
    with pytest.raises(ValueError, match=f"must divide over {world_size} processes, got {batch_size}"):
        loader(batch_size=batch_size, world_size=world_size)


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        InMemoryLoader(IMAGES[:0], batch_size=4)
