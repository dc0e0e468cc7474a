"""Closed forms of the cross-entropy losses."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.losses import Minimax, NonSaturating


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


REAL, FAKE = [0.0, 2.0, -1.5], [0.0, -3.0, 0.7]


def test_at_logit_zero_every_term_is_log_two():
    zero = torch.zeros(1)
    assert Minimax().discriminator(zero, zero).item() == pytest.approx(2 * math.log(2), rel=1e-6)
    assert Minimax().generator(zero).item() == pytest.approx(-math.log(2), rel=1e-6)
    assert NonSaturating().generator(zero).item() == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("loss", [Minimax(), NonSaturating()])
def test_discriminator_is_the_log_likelihood(loss):
    expected = [-math.log(sigmoid(r)) - math.log(1 - sigmoid(f)) for r, f in zip(REAL, FAKE, strict=True)]
    got = loss.discriminator(torch.tensor(REAL), torch.tensor(FAKE))
    torch.testing.assert_close(got.double(), torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=1e-6)


def test_generator_of_minimax_and_of_its_non_saturating_form():
    fake = torch.tensor(FAKE)
    saturating = torch.tensor([math.log(1 - sigmoid(f)) for f in FAKE], dtype=torch.float64)
    non_saturating = torch.tensor([-math.log(sigmoid(f)) for f in FAKE], dtype=torch.float64)
    torch.testing.assert_close(Minimax().generator(fake).double(), saturating, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(NonSaturating().generator(fake).double(), non_saturating, rtol=1e-6, atol=1e-6)


def test_one_sided_smoothing_leaves_fakes_alone_and_is_least_at_its_target():
    loss = NonSaturating(real_target=0.9)
    zero = torch.zeros(1)
    expected = -0.9 * math.log(sigmoid(1.0)) - 0.1 * math.log(1 - sigmoid(1.0)) + math.log(2)
    assert loss.discriminator(torch.ones(1), zero).item() == pytest.approx(expected, rel=1e-6)
    best = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
    loss.discriminator(best, zero).sum().backward()
    assert best.grad.item() == pytest.approx(0, abs=1e-6)
    assert torch.equal(loss.generator(torch.ones(1)), NonSaturating().generator(torch.ones(1)))


@pytest.mark.parametrize("target", [0.0, -0.1, 1.1])
def test_smoothing_target_outside_its_range_is_refused(target):
    with pytest.raises(ValueError, match="real_target"):
        NonSaturating(real_target=target)


def test_generator_gradient_saturates_only_in_minimax():
    fake = torch.tensor([-20.0], requires_grad=True)
    (saturated,) = torch.autograd.grad(Minimax().generator(fake).sum(), fake)
    (strong,) = torch.autograd.grad(NonSaturating().generator(fake).sum(), fake)
    assert -1e-6 < saturated.item() < 0
    assert strong.item() == pytest.approx(-1, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=1, max_size=8))
@settings(deadline=None)
def test_likelihood_losses_are_non_negative_and_finite(pairs):
    real, fake = torch.tensor(pairs).T
    for loss in (Minimax(), NonSaturating(), NonSaturating(real_target=0.9)):
        values = loss.discriminator(real, fake)
        assert (values >= 0).all()
        assert values.isfinite().all()
    assert (Minimax().generator(fake) <= 0).all()
