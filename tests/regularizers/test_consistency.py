"""Consistency regularization: its move of images, and its value where the move is known."""

import numpy as np
import pytest
import torch

from gan_lightning.networks.base import Discriminator
from gan_lightning.regularizers import Consistency
from gan_lightning.regularizers.consistency import flip_and_shift
from tests.regularizers.critics import Linear, Quadratic, turn

IMAGES = torch.randn(6, 2, 8, 16, generator=torch.Generator().manual_seed(0))


def test_no_shift_leaves_each_image_or_its_mirror_image():
    torch.manual_seed(0)
    moved = flip_and_shift(IMAGES.repeat(20, 1, 1, 1), 0.0)
    flipped = 0
    for before, after in zip(IMAGES.repeat(20, 1, 1, 1), moved, strict=True):
        mirrored = torch.equal(after, before.flip(-1))
        assert mirrored or torch.equal(after, before)
        flipped += mirrored
    assert 40 < flipped < 80


def test_every_moved_image_is_a_crop_of_the_reflected_one():
    torch.manual_seed(1)
    seen = set()
    images = IMAGES.repeat(30, 1, 1, 1)
    for before, after in zip(images.numpy(), flip_and_shift(images, 0.125).numpy(), strict=True):
        padded = np.pad(before, ((0, 0), (1, 1), (2, 2)), mode="reflect")
        matches = [
            (dy, dx, flip)
            for dy in range(3)
            for dx in range(5)
            for flip in (False, True)
            if np.array_equal(padded[:, dy : dy + 8, dx : dx + 16][..., :: -1 if flip else 1], after)
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 30  # every move and flip occurs


def test_value_for_a_pure_flip():
    torch.manual_seed(0)
    critic = Linear(IMAGES.shape[1:])
    real, fake = IMAGES, IMAGES * 2
    flipped = torch.tensor([not torch.equal(a, b) for a, b in zip(flip_and_shift(real, 0.0), real, strict=True)])
    torch.manual_seed(0)
    critic = Linear(IMAGES.shape[1:])
    with torch.no_grad():
        expected = ((critic(real.flip(-1)) - critic(real)).square() * flipped).mean()
    assert 0 < flipped.sum() < 6
    got = Consistency(shift_fraction=0.0)(turn(critic, real, fake))
    assert got.item() == pytest.approx(expected.item(), rel=1e-4)


def test_an_invariant_critic_pays_nothing_and_its_gradient_flows_through_both_logits():
    real, fake = IMAGES, IMAGES * 2
    assert Consistency(shift_fraction=0.0, fake_ratio=1.0)(turn(Quadratic(), real, fake)).item() < 1e-6
    critic = Linear(IMAGES.shape[1:])
    torch.manual_seed(0)
    Consistency()(turn(critic, real, fake)).backward()
    # D(T(x)) - D(x) is linear in w, so w . grad = 2 * penalty holds only if both logits carry gradients
    torch.manual_seed(0)
    penalty = Consistency()(turn(critic, real, fake)).item()
    assert (critic.w * critic.w.grad).sum().item() == pytest.approx(2 * penalty, rel=1e-4)


def test_balanced_form_adds_the_fakes():
    critic = Linear(IMAGES.shape[1:])
    shown = turn(critic, IMAGES, IMAGES)
    torch.manual_seed(0)
    alone = Consistency()(shown).item()
    torch.manual_seed(0)
    balanced = Consistency(fake_ratio=0.5)(shown).item()
    torch.manual_seed(0)
    flip_and_shift(IMAGES, 0.125)
    with torch.no_grad():
        of_fakes = (critic(flip_and_shift(IMAGES, 0.125)) - critic(IMAGES)).square().mean().item()
    assert balanced == pytest.approx(alone + 0.5 * of_fakes, rel=1e-4)


def test_points_are_refused():
    with pytest.raises(ValueError, match=r"samples of shape \(2,\)"):
        Consistency().check(Discriminator(feature_dim=4, sample_shape=(2,)))
    Consistency().check(Discriminator(feature_dim=4, sample_shape=(3, 8, 8)))


@pytest.mark.parametrize(("argument", "value"), [("fake_ratio", -1.0), ("shift_fraction", 0.6), ("weight", -1.0)])
def test_bad_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=argument):
        Consistency(**{argument: value})
