import numpy as np
import pytest
import torch

from gan_lightning.metrics.frechet import frechet_estimate, influences
from gan_lightning.metrics.transport import Moments, frechet_distance, transport

from .test_transport import random_features


@pytest.mark.parametrize(("n", "d"), [(200, 8), (25, 40)])
def test_value_is_the_distance_also_of_few_samples(n, d):
    x, real = random_features(n, d, seed=1), Moments.of(random_features(300, d, seed=2, scale=1.3))
    estimate = frechet_estimate(x, Moments.of(x), real)
    assert estimate.mean == pytest.approx(frechet_distance(Moments.of(x), real), rel=1e-10)


def test_influences_are_the_derivative_along_each_sample():
    x, real = random_features(60, 5, seed=1), Moments.of(random_features(300, 5, seed=2, scale=1.3))
    moments = Moments.of(x)
    found = influences(x, moments, real, transport(moments.covariance, real.covariance, with_map=True))
    assert found.mean().item() == pytest.approx(0, abs=1e-10)

    def distance(weights):
        mean = weights @ x
        scatter = (x - mean).T @ (weights[:, None] * (x - mean)) * 60
        return frechet_distance(Moments(60, mean, scatter), real)

    equal = torch.full((60,), 1 / 60, dtype=torch.float64)
    step = 1e-6
    for sample in (0, 17):
        towards = torch.zeros(60, dtype=torch.float64)
        towards[sample] = 1
        slope = (distance(equal + step * (towards - equal)) - distance(equal - step * (towards - equal))) / (2 * step)
        assert found[sample].item() == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize(("n", "d"), [(200, 6), (30, 40)])
def test_standard_error_is_that_of_repeated_experiments(n, d):
    generator = torch.Generator().manual_seed(0)
    real = Moments.of(random_features(1000, d, seed=2))
    estimates = []
    for _ in range(100):
        x = torch.randn(n, d, generator=generator, dtype=torch.float64) ** 3 / 2 + 0.2
        estimates.append(frechet_estimate(x, Moments.of(x), real))
    true_error = np.std([e.mean for e in estimates], ddof=1)
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(true_error, rel=0.2)


def test_standard_error_is_that_of_a_bootstrap():
    x, real = random_features(300, 4, seed=1), Moments.of(random_features(300, 4, seed=2, scale=1.3))
    random = np.random.default_rng(0)
    draws = [frechet_distance(Moments.of(x[random.integers(0, 300, 300)]), real) for _ in range(300)]
    assert frechet_estimate(x, Moments.of(x), real).stderr == pytest.approx(np.std(draws), rel=0.15)
