"""Label flipping swaps whole pairs, as often as asked, in the discriminator's turn only."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.losses import Hinge, LabelFlipping, RelativisticPairing, Wasserstein
from gan_lightning.losses.label_flipping import exchanged


def test_each_value_is_the_true_or_the_flipped_one_as_often_as_asked():
    torch.manual_seed(0)
    real, fake = torch.full((20_000,), 2.0), torch.full((20_000,), -0.5)
    values = LabelFlipping(loss=Hinge(), probability=0.1).discriminator(real, fake)
    true, flipped = 0.0 + 0.5, 1.5 + 3.0
    assert set(values.tolist()) == {true, flipped}
    assert (values == flipped).float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_patches_of_a_sample_flip_together():
    torch.manual_seed(0)
    real, fake = torch.ones(64, 1, 3, 3), torch.zeros(64, 1, 3, 3)
    new_real, new_fake = exchanged(real, fake, 0.3)
    assert torch.equal(new_real + new_fake, real)
    sums = set(new_real.flatten(1).sum(1).tolist())
    assert sums == {0.0, 9.0}


def test_generator_is_untouched_and_relativism_is_inherited():
    real, fake = torch.randn(8), torch.randn(8)
    for loss in (Hinge(), RelativisticPairing()):
        wrapped = LabelFlipping(loss=loss, probability=0.4)
        assert wrapped.relativistic == loss.relativistic
        assert torch.equal(wrapped.generator(fake, real), loss.generator(fake, real))


def test_zero_probability_is_the_wrapped_loss():
    real, fake = torch.randn(8), torch.randn(8)
    assert torch.equal(
        LabelFlipping(loss=Hinge(), probability=0.0).discriminator(real, fake), Hinge().discriminator(real, fake)
    )


@given(seed=st.integers(0, 2**31), probability=st.floats(0, 0.49))
@settings(deadline=None, max_examples=30)
def test_a_flip_only_changes_the_sign_of_a_wasserstein_value(seed, probability):
    torch.manual_seed(seed)
    real, fake = torch.randn(6), torch.randn(6)
    values = LabelFlipping(loss=Wasserstein(), probability=probability).discriminator(real, fake)
    assert torch.equal(values.abs(), (fake - real).abs())


@pytest.mark.parametrize("probability", [-0.1, 0.5, 1.0])
def test_bad_probability_is_refused(probability):
    with pytest.raises(ValueError, match="probability"):
        LabelFlipping(loss=Hinge(), probability=probability)


def test_shapes_are_checked_before_they_can_broadcast():
    with pytest.raises(ValueError, match="logits must be"):
        LabelFlipping(loss=Hinge()).discriminator(torch.zeros(4, 1), torch.zeros(4, 1))
