"""Gradient penalties on critics whose gradients are known exactly."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gan_lightning.regularizers import DRAGAN, R1, R2, WGANGP, input_gradient
from gan_lightning.regularizers.lipschitz import interpolates, surroundings
from tests.regularizers.critics import Linear, Quadratic, Recorder, turn

SHAPE = (2, 3, 4)
REAL = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1))
FAKE = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(2)) + 3
PENALTIES = {"wgan_gp": WGANGP(), "dragan": DRAGAN(), "r1": R1(weight=1.0), "r2": R2(weight=1.0)}
each_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES.keys())


def test_linear_critic_gives_the_exact_value():
    critic = Linear(SHAPE)
    squared = critic.w.detach().double().square().sum().item()
    shown = turn(critic, REAL, FAKE)
    assert R1(weight=7.0)(shown).item() == pytest.approx(squared / 2, rel=1e-5)  # weight is the caller's to apply
    assert R2(weight=7.0)(shown).item() == pytest.approx(squared / 2, rel=1e-5)
    assert WGANGP()(shown).item() == pytest.approx((math.sqrt(squared) - 1) ** 2, rel=1e-5)
    assert WGANGP(target=0.5)(shown).item() == pytest.approx((math.sqrt(squared) - 0.5) ** 2, rel=1e-5)
    assert DRAGAN()(shown).item() == pytest.approx((math.sqrt(squared) - 1) ** 2, rel=1e-5)


def test_norms_are_per_sample_and_not_of_the_batch():
    real = torch.zeros(2, 2)
    real[0, 0], real[1, 1] = 3.0, 1.0  # gradients of norms 3 and 1
    shown = turn(Quadratic(), real, real)
    assert R1(weight=1.0)(shown).item() == pytest.approx((9 + 1) / 2 / 2, rel=1e-6)
    assert WGANGP()(shown).item() == pytest.approx(((3 - 1) ** 2 + (1 - 1) ** 2) / 2, rel=1e-6)


def test_r1_looks_at_real_and_r2_at_fake_samples():
    shown = turn(Quadratic(), REAL, FAKE)
    assert R1(weight=1.0)(shown).item() == pytest.approx(REAL.double().square().sum().item() / 10, rel=1e-5)
    assert R2(weight=1.0)(shown).item() == pytest.approx(FAKE.double().square().sum().item() / 10, rel=1e-5)


@each_penalty
def test_double_backward_reaches_the_parameters(penalty):
    critic = Quadratic(2.0)
    torch.manual_seed(0)
    penalty(turn(critic, REAL, FAKE)).backward()
    analytic = critic.a.grad.item()
    values = []
    for a in (2.0 - 1e-2, 2.0 + 1e-2):
        torch.manual_seed(0)
        values.append(penalty(turn(Quadratic(a), REAL, FAKE)).item())
    assert analytic == pytest.approx((values[1] - values[0]) / 2e-2, rel=1e-2)
    assert abs(analytic) > 1


@each_penalty
def test_penalty_ignores_autocast(penalty):
    critic = nn.Sequential(nn.Flatten(), nn.Linear(24, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    torch.manual_seed(0)
    expected = penalty(turn(critic, REAL, FAKE))
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert critic(REAL).dtype == torch.bfloat16
        got = penalty(turn(critic, REAL, FAKE))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


@each_penalty
def test_a_dead_critic_has_a_finite_gradient(penalty):
    critic = Linear(SHAPE)
    nn.init.zeros_(critic.w)
    penalty(turn(critic, REAL, FAKE)).backward()
    assert critic.w.grad.isfinite().all()


def test_half_precision_samples_are_raised():
    gradient = input_gradient(Linear(SHAPE), FAKE.bfloat16())
    assert gradient.dtype == torch.float32


def test_patch_maps_are_summed_per_image():
    convolution = nn.Conv2d(2, 1, 1, bias=False)
    gradient = input_gradient(convolution, REAL)
    torch.testing.assert_close(gradient, convolution.weight.view(1, 2, 1, 1).expand_as(REAL))


def test_gradient_does_not_leak_into_the_samples():
    samples = REAL.clone().requires_grad_(True)
    input_gradient(Quadratic(), samples).sum().backward()
    assert samples.grad is None


def test_gradient_works_without_grad_mode():
    with torch.no_grad():
        assert input_gradient(Quadratic(), REAL).requires_grad


@pytest.mark.parametrize("shape", [(2,), SHAPE])
def test_interpolates_lie_between_with_one_alpha_a_sample(shape):
    real, fake = torch.zeros(200, *shape), torch.ones(200, *shape)
    points = interpolates(real, fake).flatten(1)
    assert (points >= 0).all()
    assert (points <= 1).all()
    assert torch.equal(points, points[:, :1].expand_as(points))
    assert points[:, 0].unique().numel() > 150
    assert points[:, 0].mean().item() == pytest.approx(0.5, abs=0.08)


@given(seed=st.integers(0, 2**31), n=st.integers(1, 6))
@settings(deadline=None, max_examples=30)
def test_interpolates_are_convex_combinations(seed, n):
    torch.manual_seed(seed)
    real, fake = torch.randn(n, 3), torch.randn(n, 3)
    points = interpolates(real, fake)
    low, high = torch.minimum(real, fake), torch.maximum(real, fake)
    assert ((points >= low - 1e-6) & (points <= high + 1e-6)).all()


def test_wgan_gp_shows_the_critic_interpolates():
    critic = Recorder(Linear((2,)))
    WGANGP()(turn(critic, torch.zeros(50, 2), torch.full((50, 2), 4.0)))
    points = critic.seen[-1]
    assert points.min() >= 0
    assert points.max() <= 4
    assert 0.5 < points.mean() < 3.5


def test_dragan_moves_upwards_by_at_most_half_a_standard_deviation():
    real = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    move = surroundings(real, 0.5) - real
    reach = 0.5 * real.double().numpy().std()  # biased, as numpy's
    assert (move >= -1e-6).all()
    assert move.max().item() <= reach + 1e-6
    # alpha and U are independent and uniform: the mean is a quarter of the reach
    assert move.mean().item() == pytest.approx(reach / 4, rel=0.1)
    assert not torch.allclose(move[:, 0], move[:, 1])
    critic = Recorder(Linear((3,)))
    DRAGAN(scale=0.0)(turn(critic, real, real + 5))
    assert torch.equal(critic.seen[-1], real)


def test_dragan_takes_the_biased_standard_deviation():
    torch.manual_seed(0)
    real = torch.tensor([[-1.0], [1.0]])  # 1 when divided by N, 1.41 when divided by N - 1
    reach = max((surroundings(real, 0.5) - real).max().item() for _ in range(500))
    assert 0.4 < reach <= 0.5 + 1e-6


@pytest.mark.parametrize("norm_layer", [nn.BatchNorm2d(4), nn.SyncBatchNorm(4), nn.LazyBatchNorm2d()])
def test_wgan_gp_refuses_batch_normalization_by_name(norm_layer):
    body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Sequential(nn.ReLU(), norm_layer), nn.BatchNorm2d(4))
    with pytest.raises(ValueError, match=r"'1\.1'.*BatchNorm"):
        WGANGP().check(body)


def test_wgan_gp_accepts_other_normalizations():
    WGANGP().check(nn.Sequential(nn.InstanceNorm2d(3), nn.GroupNorm(1, 3), nn.LayerNorm(4), nn.Linear(4, 1)))
    R1(weight=1.0).check(nn.Sequential(nn.BatchNorm1d(3)))


@pytest.mark.parametrize("make", [WGANGP, DRAGAN, R1, R2])
def test_bad_arguments_are_named(make):
    with pytest.raises(ValueError, match="weight"):
        make(weight=-1.0)
    with pytest.raises(ValueError, match="interval"):
        make(weight=1.0, interval=0)
    with pytest.raises(ValueError, match="scale"):
        DRAGAN(scale=-0.5)
