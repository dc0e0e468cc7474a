import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.data.loader import EndlessOrder, InMemoryLoader, windows


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 2**40), st.integers(0, 100))
def test_balanced_epochs_show_classes_equally_and_repeat_images_evenly(labels, seed, position):
    labels = torch.tensor(labels)
    order = EndlessOrder(len(labels), seed=seed, balance=labels)
    epoch = order.indices(len(labels) * position, len(labels))
    shown = labels[epoch].bincount()[labels.unique()]
    assert shown.max() - shown.min() <= 1
    times = epoch.bincount(minlength=len(labels))
    for label in labels.unique():
        mine = times[labels == label]
        assert mine.max() - mine.min() <= 1


def test_a_balanced_stream_can_be_entered_anywhere():
    labels = torch.tensor([0] * 20 + [1] * 3)
    whole = EndlessOrder(23, seed=1, balance=labels).indices(0, 200)
    assert torch.equal(EndlessOrder(23, seed=1, balance=labels).indices(77, 60), whole[77:137])
    assert not torch.equal(whole[:23], whole[23:46])


def test_windows_are_slices():
    images = torch.arange(3 * 2 * 5 * 6).view(3, 2, 5, 6)
    top, left = torch.tensor([0, 1, 2]), torch.tensor([3, 0, 2])
    expected = torch.stack([images[i, :, t : t + 3, s : s + 3] for i, (t, s) in enumerate(zip(top, left, strict=True))])
    assert torch.equal(windows(images, top, left, 3), expected)


def test_random_windows_take_every_place_equally_often_and_repeat_on_resume():
    grid = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4)
    loader = InMemoryLoader(grid, batch_size=900, seed=2, window=2)
    first = next(iter(loader)).images
    corner = ((first[:, 0, 0, 0] + 1) * 127.5).round().long()
    counts = corner.bincount(minlength=16).view(4, 4)
    assert counts[3].sum() == counts[:, 3].sum() == 0
    assert (counts[:3, :3] - 100).abs().max() < 40  # sigma is 9.4
    again = InMemoryLoader(grid, batch_size=900, seed=2, window=2, start=900)
    batches = iter(loader)
    next(batches)
    assert torch.equal(next(batches).images, next(iter(again)).images)
    assert not torch.equal(first, next(iter(again)).images)


def test_ranks_cut_the_windows_that_one_process_would():
    images = torch.randint(0, 256, (7, 3, 6, 6), dtype=torch.uint8)
    alone = next(iter(InMemoryLoader(images, batch_size=8, window=4, flip=True))).images
    ranks = [
        next(iter(InMemoryLoader(images, batch_size=8, window=4, flip=True, rank=r, world_size=2))) for r in (0, 1)
    ]
    assert torch.equal(alone, torch.cat([batch.images for batch in ranks]))


def test_balance_needs_labels():
    with pytest.raises(ValueError, match=r"data\.balance"):
        InMemoryLoader(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), batch_size=2, balance=True)
