"""Every loss against hand-computed numbers and an independent float64 formula; the checks at the boundary."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.losses import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    RelativisticPairing,
    Wasserstein,
)


def log_sigmoid(x):
    return np.log(1 / (1 + np.exp(-x)))


def relu(x):
    return np.where(x > 0, x, 0.0)


def average(taken_for_real, taken_for_fake):
    """(D, G) formulas of a relativistic average loss."""

    def value(a, b):
        return (taken_for_real(a - b.mean()) + taken_for_fake(b - a.mean())) / 2

    return value, lambda r, f: value(f, r)


# name: loss, formula of D's values, formula of G's values
CASES = {
    "minimax": (
        Minimax(),
        lambda r, f: -log_sigmoid(r) - log_sigmoid(-f),
        lambda r, f: log_sigmoid(-f),
    ),
    "non_saturating": (
        NonSaturating(),
        lambda r, f: -log_sigmoid(r) - log_sigmoid(-f),
        lambda r, f: -log_sigmoid(f),
    ),
    "smoothed": (
        NonSaturating(real_target=0.9),
        lambda r, f: -0.9 * log_sigmoid(r) - 0.1 * log_sigmoid(-r) - log_sigmoid(-f),
        lambda r, f: -log_sigmoid(f),
    ),
    "least_squares": (
        LeastSquares(),
        lambda r, f: ((r - 1) ** 2 + f**2) / 2,
        lambda r, f: (f - 1) ** 2 / 2,
    ),
    "least_squares_pearson": (
        LeastSquares(fake_target=-1.0, real_target=1.0, generator_target=0.0),
        lambda r, f: ((r - 1) ** 2 + (f + 1) ** 2) / 2,
        lambda r, f: f**2 / 2,
    ),
    "squares": (LeastSquares(scale=1.0), lambda r, f: (r - 1) ** 2 + f**2, lambda r, f: (f - 1) ** 2),
    "hinge": (Hinge(), lambda r, f: relu(1 - r) + relu(1 + f), lambda r, f: -f),
    "wasserstein": (Wasserstein(), lambda r, f: f - r, lambda r, f: -f),
    "relativistic_pairing": (
        RelativisticPairing(),
        lambda r, f: -log_sigmoid(r - f),
        lambda r, f: -log_sigmoid(f - r),
    ),
    "relativistic_average": (
        RelativisticAverage(kind="standard"),
        *average(lambda x: -log_sigmoid(x), lambda x: -log_sigmoid(-x)),
    ),
    "relativistic_average_least_squares": (
        RelativisticAverage(kind="least_squares"),
        *average(lambda x: (x - 1) ** 2, lambda x: (x + 1) ** 2),
    ),
    "relativistic_average_hinge": (
        RelativisticAverage(kind="hinge"),
        *average(lambda x: relu(1 - x), lambda x: relu(1 + x)),
    ),
}
LOSSES = {name: case[0] for name, case in CASES.items()}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(7,), (1,), (5, 1, 3, 2)])
def test_values_equal_the_formula(name, shape):
    loss, of_discriminator, of_generator = CASES[name]
    random = np.random.default_rng(0)
    real, fake = random.normal(size=shape) * 3, random.normal(size=shape) * 3
    patches = tuple(range(1, len(shape)))
    got_d = loss.discriminator(torch.tensor(real).float(), torch.tensor(fake).float())
    got_g = loss.generator(torch.tensor(fake).float(), torch.tensor(real).float())
    assert got_d.shape == got_g.shape == (shape[0],)
    np.testing.assert_allclose(got_d.double(), of_discriminator(real, fake).mean(patches), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(got_g.double(), of_generator(real, fake).mean(patches), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    ("loss", "of_discriminator", "of_generator"),
    [
        (LeastSquares(), [2.5, 0.125], [2.0, 0.125]),
        (Hinge(), [0.0, 2.5], [1.0, -0.5]),
        (Wasserstein(), [-2.0, 0.5], [1.0, -0.5]),
        # mean real 0.5 (of 1, 0), mean fake -0.25 (of -1, 0.5); r = [1.25, 0.25], f = [-1.5, 0]
        (RelativisticAverage(kind="hinge"), [0.0, 0.875], [2.375, 1.125]),
        (RelativisticAverage(kind="least_squares"), [0.15625, 0.78125], [5.65625, 1.28125]),
    ],
)
def test_hand_computed(loss, of_discriminator, of_generator):
    real, fake = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.5])
    if isinstance(loss, LeastSquares):
        real, fake = torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 0.5])
    assert loss.discriminator(real, fake).tolist() == pytest.approx(of_discriminator, abs=1e-6)
    assert loss.generator(fake, real).tolist() == pytest.approx(of_generator, abs=1e-6)


@each_loss
def test_players_pull_in_their_directions(loss):
    real = torch.tensor([0.3, -0.2], requires_grad=True)
    fake = torch.tensor([0.1, -0.4], requires_grad=True)
    for_real, for_fake = torch.autograd.grad(loss.discriminator(real, fake).sum(), (real, fake))
    (for_generator,) = torch.autograd.grad(loss.generator(fake, real.detach()).sum(), fake)
    if loss not in (LOSSES["least_squares"], LOSSES["squares"]):  # there a fake logit below its target 0 is pulled up
        assert (for_fake > 0).all()
    assert (for_real < 0).all()
    if loss is not LOSSES["least_squares_pearson"]:  # pulls fake scores to 0 from either side
        assert (for_generator < 0).all()


@each_loss
@pytest.mark.parametrize("shape", [(4, 1), (4, 2), (), (4, 3, 2, 2), (4, 1, 2)])
def test_shapes_that_could_broadcast_are_refused(loss, shape):
    bad = torch.zeros(shape)
    with pytest.raises(ValueError, match="logits must be"):
        loss.discriminator(bad, bad)
    with pytest.raises(ValueError, match="logits must be"):
        loss.generator(bad, bad)


@each_loss
def test_mismatch_is_refused(loss):
    for real, fake in [((4,), (5,)), ((4,), (1,)), ((4, 1, 2, 2), (4,))]:
        with pytest.raises(ValueError, match="differ in shape"):
            loss.discriminator(torch.zeros(real), torch.zeros(fake))


@each_loss
def test_half_precision_is_computed_in_float32(loss):
    real, fake = torch.tensor([1.0, -2.0, 0.25]), torch.tensor([0.5, 3.0, -0.125])  # exact in bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        of_discriminator = loss.discriminator(real.bfloat16(), fake.bfloat16())
        of_generator = loss.generator(fake.bfloat16(), real.bfloat16())
    assert of_discriminator.dtype == of_generator.dtype == torch.float32
    torch.testing.assert_close(of_discriminator, loss.discriminator(real, fake), rtol=0, atol=0)
    torch.testing.assert_close(of_generator, loss.generator(fake, real), rtol=0, atol=0)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="kind must be one of"):
        RelativisticAverage(kind="wasserstein")
    with pytest.raises(ValueError, match="real_target"):
        LeastSquares(real_target=0.0)
    with pytest.raises(ValueError, match="scale"):
        LeastSquares(scale=0.0)


relativistic = pytest.mark.parametrize(
    "loss", [loss for name, loss in LOSSES.items() if name.startswith("relativistic")]
)


@relativistic
def test_relativistic_generator_needs_real_logits(loss):
    assert loss.relativistic
    with pytest.raises(ValueError, match="real logits"):
        loss.generator(torch.zeros(3))


def test_the_others_do_not():
    for name, loss in LOSSES.items():
        assert isinstance(loss, AdversarialLoss)
        assert loss.relativistic == name.startswith("relativistic")
        if not loss.relativistic:
            assert torch.equal(loss.generator(torch.ones(3)), loss.generator(torch.ones(3), torch.zeros(3)))


logits = st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=6)


@relativistic
@given(pairs=logits, shift=st.floats(-50, 50))
@settings(deadline=None, max_examples=40)
def test_relativistic_losses_see_differences_only(loss, pairs, shift):
    real, fake = torch.tensor(pairs, dtype=torch.float64).T
    before = loss.discriminator(real, fake), loss.generator(fake, real)
    after = loss.discriminator(real + shift, fake + shift), loss.generator(fake + shift, real + shift)
    torch.testing.assert_close(before, after, rtol=1e-9, atol=1e-9)


@relativistic
@given(pairs=logits)
@settings(deadline=None, max_examples=40)
def test_relativistic_players_are_mirror_images(loss, pairs):
    real, fake = torch.tensor(pairs, dtype=torch.float64).T
    assert torch.equal(loss.generator(fake, real), loss.discriminator(fake, real))


@given(pairs=logits)
@settings(deadline=None, max_examples=40)
def test_hinge_ignores_logits_beyond_the_margin(pairs):
    real, fake = torch.tensor(pairs, dtype=torch.float64).T
    clipped = Hinge().discriminator(real.clamp(max=1), fake.clamp(min=-1))
    torch.testing.assert_close(Hinge().discriminator(real, fake), clipped, rtol=0, atol=0)


def test_hinge_draws_a_margin_for_each_logit_where_the_least_is_below_one():
    loss, zeros = Hinge(least_margin=0.8), torch.zeros(500, 1, 2, 2, dtype=torch.float64)
    torch.manual_seed(0)
    beyond = torch.full_like(zeros, 2.0)
    for values in (loss.discriminator(zeros, -beyond), loss.discriminator(beyond, zeros)):  # one side's margins each
        assert 0.8 <= values.min() < values.max() <= 1
        assert values.mean().item() == pytest.approx(0.9, abs=4 * 0.2 / (12 * 2000) ** 0.5)
        # a mean of four draws from U(0.8, 1): its standard deviation is known to 1 / sqrt(1000) of itself
        assert values.std().item() == pytest.approx(0.2 / 12**0.5 / 2, rel=4 / 1000**0.5)
    before = torch.get_rng_state()
    Hinge().discriminator(zeros, zeros)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("margin", [-0.1, 1.1])
def test_a_margin_out_of_range_is_refused(margin):
    with pytest.raises(ValueError, match=rf"loss\.least_margin must be from 0 to 1, got {margin}"):
        Hinge(least_margin=margin)


@given(pairs=logits)
@settings(deadline=None, max_examples=40)
def test_wasserstein_players_see_opposite_fake_terms(pairs):
    real, fake = torch.tensor(pairs, dtype=torch.float64).T
    total = Wasserstein().discriminator(real, fake) + Wasserstein().generator(fake)
    torch.testing.assert_close(total, -real)


@each_loss
def test_gradcheck(loss):
    real = torch.tensor([0.4, -1.3, 0.8], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([-0.6, 0.9, 1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(loss.generator, (fake, real))
