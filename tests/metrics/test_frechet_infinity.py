import numpy as np
import pytest
import torch

from gan_lightning.metrics.frechet_infinity import frechet_infinity
from gan_lightning.metrics.transport import Moments, frechet_distance


def exact(mean, covariance):
    return Moments(1001, mean, covariance * 1000)


@pytest.fixture(scope="module")
def experiments():
    """Two Gaussians in 16 dimensions whose distance is known, and draws of 300 samples from the first."""
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(16, 16, generator=generator, dtype=torch.float64) / 4
    first = exact(torch.full((16,), 0.2, dtype=torch.float64), mix.T @ mix)
    second = exact(torch.zeros(16, dtype=torch.float64), torch.eye(16, dtype=torch.float64))
    draws = [torch.randn(300, 16, generator=generator, dtype=torch.float64) @ mix + 0.2 for _ in range(60)]
    return frechet_distance(first, second), second, draws


def test_the_bias_of_few_samples_is_gone(experiments):
    true, second, draws = experiments
    plain = np.array([frechet_distance(Moments.of(x), second) for x in draws])
    infinite = np.array([frechet_infinity(x, second).mean for x in draws])
    assert plain.mean() - true > 5 * plain.std() / 60**0.5
    assert abs(infinite.mean() - true) < 2.5 * infinite.std() / 60**0.5
    assert abs(infinite.mean() - true) < 0.25 * (plain.mean() - true)


def test_standard_error_is_that_of_repeated_experiments(experiments):
    _, second, draws = experiments
    estimates = [frechet_infinity(x, second) for x in draws]
    true_error = np.std([e.mean for e in estimates], ddof=1)
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(true_error, rel=0.25)


def test_it_is_the_value_at_zero_of_a_line_through_growing_sets(experiments):
    _, second, draws = experiments
    order = torch.from_numpy(np.random.RandomState(7).permutation(300))
    sizes = [30, 165, 300]
    distances = [frechet_distance(Moments.of(draws[0][order[:n]]), second) for n in sizes]
    _, intercept = np.polyfit(1 / np.array(sizes), distances, 1)
    assert frechet_infinity(draws[0], second, points=3, seed=7).mean == pytest.approx(intercept, rel=1e-9)


def test_too_few_samples_or_points_are_refused():
    x = torch.randn(30, 3)
    with pytest.raises(ValueError, match=r"points must be at least 2.*got 1 and 30"):
        frechet_infinity(x, Moments.of(x), points=1)
    with pytest.raises(ValueError, match="at least 20 samples"):
        frechet_infinity(x[:19], Moments.of(x))
