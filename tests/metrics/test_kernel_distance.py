import itertools

import numpy as np
import pytest
import torch

from gan_lightning.metrics import kernel_distance as module
from gan_lightning.metrics.kernel_distance import kernel_distance, mmd2_estimate, mmd2_unbiased


def features(n, d=7, seed=0, shift=0.0):
    return shift + torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def kernel(a, b):
    return (float(a @ b) / len(a) + 1) ** 3


@pytest.mark.parametrize(("m", "n"), [(2, 2), (5, 9), (11, 3)])
@pytest.mark.parametrize("block", [1, 4, 2048])
def test_equals_the_sum_over_all_pairs(monkeypatch, m, n, block):
    monkeypatch.setattr(module, "BLOCK", block)
    x, y = features(m).double().numpy(), features(n, seed=1, shift=0.4).double().numpy()
    within = [np.mean([kernel(a, b) for a, b in itertools.permutations(group, 2)]) for group in (x, y)]
    across = np.mean([kernel(a, b) for a in x for b in y])
    expected = sum(within) - 2 * across
    got = mmd2_unbiased(torch.from_numpy(x), torch.from_numpy(y))
    assert got == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_agrees_with_torch_fidelity_subset_by_subset():
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = features(90), features(70, seed=1, shift=0.5)
    theirs = kid_features_to_metric(x, y, kid_subsets=12, kid_subset_size=30, verbose=False, rng_seed=2020)
    ours = kernel_distance(x, y, subsets=12, subset_size=30)
    assert ours.mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-5)
    assert ours.std == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-4)


def test_is_unbiased_for_equal_distributions():
    draws = [mmd2_unbiased(features(20, 3, seed=2 * s), features(20, 3, seed=2 * s + 1)) for s in range(400)]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / 20
    assert min(draws) < 0 < max(draws)


def test_standard_error_is_that_of_repeated_experiments():
    estimates = [
        kernel_distance(
            features(120, 3, seed=2 * s), features(120, 3, seed=2 * s + 1, shift=0.5), subsets=40, subset_size=30
        )
        for s in range(60)
    ]
    true_error = np.std([e.mean for e in estimates], ddof=1)
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(true_error, rel=0.3)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_error_over_all_pairs_is_that_of_repeated_experiments(shift):
    estimates = [
        mmd2_estimate(features(60, 3, seed=2 * s), features(90, 3, seed=2 * s + 1, shift=shift)) for s in range(200)
    ]
    true_error = np.std([e.mean for e in estimates], ddof=1)
    # equal distributions are the degenerate case, in which the jackknife is known to err upward
    low, high = (0.85, 1.15) if shift else (1.0, 1.7)
    assert low * true_error < np.mean([e.stderr for e in estimates]) < high * true_error


def test_two_samples_have_no_standard_error():
    assert mmd2_estimate(features(2), features(30, seed=1)).stderr is None


def test_subsets_of_everything_have_no_standard_error():
    assert kernel_distance(features(20), features(30, seed=1), subsets=3, subset_size=20).stderr is None


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="at least 2 samples"):
        mmd2_unbiased(features(1), features(5))
    with pytest.raises(ValueError, match=r"subset_size lie in \[2, 5\]"):
        kernel_distance(features(8), features(5), subset_size=6)
