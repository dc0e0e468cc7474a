import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.metrics.transport import (
    Moments,
    _any_rank_transport,
    _full_rank_transport,
    any_factor,
    few_samples_factor,
    frechet_distance,
    trace_of_root,
    transport,
)


def random_features(n, d, seed, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=generator, dtype=torch.float64) / d**0.5
    return scale * torch.randn(n, d, generator=generator, dtype=torch.float64) @ mix + 0.3


@given(st.integers(2, 40), st.integers(1, 13), st.floats(-1e4, 1e4))
@settings(max_examples=30, deadline=None)
def test_merged_batches_equal_numpy_on_everything(n, batch_size, offset):
    features = random_features(n, 3, seed=n) + offset
    moments = Moments.empty(3)
    for batch in features.split(batch_size):
        moments = moments.merge(Moments.of(batch))
    np.testing.assert_allclose(moments.mean, features.numpy().mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(features.numpy(), rowvar=False), rtol=1e-8, atol=1e-10)


def test_merging_nothing_changes_nothing():
    moments = Moments.of(random_features(5, 3, seed=0))
    for merged in (moments.merge(Moments.empty(3)), Moments.empty(3).merge(moments)):
        assert merged.count == 5
        torch.testing.assert_close(merged.mean, moments.mean, rtol=0, atol=0)
        torch.testing.assert_close(merged.scatter, moments.scatter, rtol=0, atol=0)
    assert Moments.empty(3).merge(Moments.empty(3)).count == 0


@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_trace_of_root_equals_scipy_sqrtm(d):
    s1 = Moments.of(random_features(4 * d + 10, d, seed=1)).covariance
    s2 = Moments.of(random_features(4 * d + 10, d, seed=2, scale=3)).covariance
    expected = np.trace(scipy.linalg.sqrtm(s1.numpy() @ s2.numpy())).real
    assert trace_of_root(s1, s2) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("n1", "n2"), [(20, 20), (20, 200), (5, 90)])
def test_rank_deficient_covariances_are_exact(n1, n2):
    # For centered data X_i the trace is the nuclear norm of X_1 X_2^T / sqrt((n1 - 1)(n2 - 1)): no covariance needed.
    x1, x2 = random_features(n1, 60, seed=3), random_features(n2, 60, seed=4)
    cross = (x1 - x1.mean(0)) @ (x2 - x2.mean(0)).T / ((n1 - 1) * (n2 - 1)) ** 0.5
    expected = np.linalg.svd(cross.numpy(), compute_uv=False).sum()
    got = trace_of_root(Moments.of(x1).covariance, Moments.of(x2).covariance)
    assert got == pytest.approx(expected, rel=1e-9)


def test_one_dimension_by_hand():
    # means 1 and 4, variances 4 and 1: 9 + (2 - 1)^2
    first = Moments(3, torch.tensor([1.0]).double(), torch.tensor([[8.0]]).double())
    second = Moments(5, torch.tensor([4.0]).double(), torch.tensor([[4.0]]).double())
    assert frechet_distance(first, second) == pytest.approx(10, rel=1e-12)


def test_distance_is_symmetric_and_zero_to_itself():
    first, second = Moments.of(random_features(50, 8, seed=5)), Moments.of(random_features(70, 8, seed=6, scale=2))
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-10)
    assert 0 <= frechet_distance(first, first) < 1e-10


def test_one_sample_has_no_covariance():
    single = Moments.of(random_features(1, 3, seed=0))
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(single, single)


def test_agrees_with_torchmetrics_on_the_same_features():
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Flatten(torch.nn.Module):
        num_features = 12

        def forward(self, images):
            return images.flatten(1)

    real, fake = random_features(80, 12, seed=7), random_features(90, 12, seed=8, scale=1.5)
    fid = FrechetInceptionDistance(feature=Flatten(), normalize=True).set_dtype(torch.float64)
    fid.update(real.view(-1, 3, 2, 2), real=True)
    fid.update(fake.view(-1, 3, 2, 2), real=False)
    assert frechet_distance(Moments.of(fake), Moments.of(real)) == pytest.approx(fid.compute().item(), rel=1e-8)


@pytest.mark.parametrize(("n1", "n2", "d"), [(400, 300, 40), (400, 20, 40), (15, 20, 40)])
def test_transport_carries_the_first_covariance_to_the_second(n1, n2, d):
    s1 = Moments.of(random_features(n1, d, seed=1)).covariance
    s2 = Moments.of(random_features(n2, d, seed=2, scale=2)).covariance
    solved = transport(s1, s2, with_map=True)
    assert solved.trace == pytest.approx(trace_of_root(s1, s2), rel=1e-9)
    carried = solved.map_factor @ solved.map_factor.T
    # tr(A S_1) is the trace of the root, and where the first has full rank, A S_1 A = S_2
    assert (carried * s1).sum().item() == pytest.approx(solved.trace, rel=1e-8)
    if n1 > d:
        torch.testing.assert_close(carried @ s1 @ carried, s2, rtol=1e-6, atol=1e-7)


def test_nearly_singular_covariances_take_the_exact_way():
    scale = torch.logspace(0, -9, 30, dtype=torch.float64)
    first = Moments.of(random_features(200, 30, seed=3) * scale).covariance
    second = Moments.of(random_features(200, 30, seed=4) * scale).covariance
    assert _full_rank_transport(first, second, False) is None
    assert trace_of_root(first, second) == pytest.approx(
        _any_rank_transport(any_factor(first), any_factor(second), False).trace, rel=1e-12
    )


def test_both_ways_agree_where_both_apply():
    first, second = (Moments.of(random_features(200, 30, seed=s)).covariance for s in (3, 4))
    quick, exact = (
        _full_rank_transport(first, second, False),
        _any_rank_transport(any_factor(first), any_factor(second), False),
    )
    assert quick.trace == pytest.approx(exact.trace, rel=1e-10)


@pytest.mark.parametrize(("n", "m", "d"), [(15, 20, 64), (2, 3, 10), (30, 200, 64), (15, 50, 64)])
def test_few_samples_take_the_way_through_themselves_and_reach_the_nuclear_norm(n, m, d):
    x, y = random_features(n, d, seed=1), random_features(m, d, seed=2, scale=2)
    first, second = Moments.of(x), Moments.of(y)
    factors = few_samples_factor(x, first.mean), few_samples_factor(y, second.mean)
    assert factors[0].shape == (d, n - 1)
    assert (factors[1] is None) == (m > d / 2)
    torch.testing.assert_close(factors[0] @ factors[0].T, first.covariance)
    solved = transport(first.covariance, second.covariance, with_map=True, factor_1=factors[0], factor_2=factors[1])
    # the singular values of both samples' products are those of the covariances' roots
    products = (x - x.mean(0)).numpy() @ (y - y.mean(0)).numpy().T
    expected = np.linalg.norm(products, "nuc") / np.sqrt((n - 1) * (m - 1))
    assert solved.trace == pytest.approx(expected, rel=1e-10)
    carried = (solved.map_factor @ solved.map_factor.T * first.covariance).sum()
    assert carried.item() == pytest.approx(expected, rel=1e-8)


def test_equal_samples_have_an_empty_factor():
    factor = few_samples_factor(torch.ones(3, 10), torch.ones(10, dtype=torch.float64))
    assert factor.shape == (10, 0)
    assert transport(torch.zeros(10, 10).double(), torch.eye(10).double(), with_map=True, factor_1=factor).trace == 0
