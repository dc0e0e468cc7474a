"""Top-k: how many samples count, and which."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gan_lightning.losses import Hinge
from gan_lightning.regularizers import TopK


def test_k_falls_with_the_epochs_to_its_floor():
    top_k = TopK(gamma=0.9, minimum_fraction=0.75, images_per_epoch=1000)
    assert [top_k.kept(64, images) for images in (0, 999, 1000, 1999, 2000, 3000, 10**9)] == [
        64,
        64,
        58,
        58,
        52,
        48,
        48,
    ]
    assert TopK(gamma=0.55, minimum_fraction=0.1, images_per_epoch=1).kept(100, 1) == 55


def test_the_best_fakes_are_kept():
    top_k = TopK(gamma=0.5, minimum_fraction=0.5, images_per_epoch=1)
    logits = torch.tensor([0.1, 3.0, -2.0, 1.0], requires_grad=True)
    kept = top_k.generator_values(Hinge().generator(logits), logits, images_seen=1)
    assert sorted(kept.tolist()) == [-3.0, -1.0]
    kept.mean().backward()
    assert logits.grad.tolist() == [0.0, -0.5, 0.0, -0.5]


def test_highest_logits_are_kept_even_where_their_loss_is_not_the_lowest():
    logits = torch.tensor([3.0, 2.0, 0.9, 0.5])
    kept = TopK(gamma=0.5, images_per_epoch=1).generator_values((logits - 1).square(), logits, images_seen=1)
    assert kept.tolist() == [4.0, 1.0]


def test_patch_maps_count_by_their_mean():
    # the highest patch is in the worst sample
    logits = torch.tensor([[0.0, 0.0], [1.0, 2.0], [-9.0, 5.0], [1.0, 1.0]]).view(4, 1, 1, 2)
    values = torch.tensor([10.0, 20.0, 30.0, 40.0])
    kept = TopK(gamma=0.5, images_per_epoch=1).generator_values(values, logits, images_seen=1)
    assert kept.tolist() == [20.0, 40.0]


@given(
    gamma=st.floats(0.01, 1),
    floor=st.floats(0.01, 1),
    batch=st.integers(1, 300),
    images=st.integers(0, 10**8),
)
def test_k_is_between_one_and_the_batch_and_never_grows(gamma, floor, batch, images):
    top_k = TopK(gamma=gamma, minimum_fraction=floor, images_per_epoch=1000)
    k = top_k.kept(batch, images)
    assert max(1, floor * batch - 1e-6) <= k <= batch
    assert top_k.kept(batch, images + 5000) <= k
    assert top_k.kept(batch, 0) == batch


@pytest.mark.parametrize(("argument", "value"), [("gamma", 0.0), ("minimum_fraction", 1.1), ("images_per_epoch", 0)])
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=argument):
        TopK(**{argument: value})
