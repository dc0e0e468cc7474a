import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.metrics.classifier_score import classifier_score


def logits(n, k, seed=0, scale=2.0):
    return scale * torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


def test_agrees_with_torch_fidelity():
    from torch_fidelity.metric_isc import isc_features_to_metric

    theirs = isc_features_to_metric(logits(107, 9), splits=10, shuffle=True, rng_seed=2020)
    ours = classifier_score(logits(107, 9))
    assert ours.mean == pytest.approx(theirs["inception_score_mean"], rel=1e-10)
    assert ours.std == pytest.approx(theirs["inception_score_std"], rel=1e-8)
    assert ours.stderr == pytest.approx(theirs["inception_score_std"] / 9**0.5, rel=1e-8)


@pytest.mark.parametrize("k", [2, 5])
def test_sure_and_even_predictions_reach_the_number_of_classes(k):
    labels = torch.arange(20 * k) % k
    sure = 200 * torch.nn.functional.one_hot(labels).double()
    assert classifier_score(sure, splits=1).mean == pytest.approx(k, rel=1e-12)
    assert classifier_score(torch.zeros(20, k), splits=4).mean == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("splits", [1, 5])
def test_standard_error_is_that_of_repeated_experiments(splits):
    estimates = [classifier_score(logits(200, 4, seed), splits=splits) for seed in range(150)]
    true_error = np.std([e.mean for e in estimates], ddof=1)
    assert np.mean([e.stderr for e in estimates]) == pytest.approx(true_error, rel=0.15)


def test_two_classes_by_hand():
    # p = (0.9, 0.1) and (0.1, 0.9), marginal (0.5, 0.5)
    p = torch.tensor([[0.9, 0.1], [0.1, 0.9]], dtype=torch.float64)
    expected = np.exp(0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5))
    assert classifier_score(p.log(), splits=1).mean == pytest.approx(expected, rel=1e-12)


def test_a_class_of_zero_probability_is_no_trouble():
    never = torch.cat([logits(30, 3), torch.full((30, 1), -torch.inf)], 1)
    assert classifier_score(never).mean == pytest.approx(classifier_score(logits(30, 3)).mean, rel=1e-10)


@given(st.integers(10, 60), st.integers(2, 6), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_score_lies_between_one_and_the_number_of_classes(n, k, seed):
    estimate = classifier_score(logits(n, k, seed), splits=5)
    assert 1 - 1e-12 <= estimate.mean <= k + 1e-12
    assert estimate.stderr == pytest.approx(estimate.std / 2)


def test_more_parts_than_samples_are_refused():
    with pytest.raises(ValueError, match="splits"):
        classifier_score(logits(3, 2), splits=4)
