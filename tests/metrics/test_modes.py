import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.core.pixels import NonFiniteSamples
from gan_lightning.data import GridDataModule, RingDataModule
from gan_lightning.metrics import DigitsExtractor, Evaluator, ModeEvaluator
from gan_lightning.metrics.mode_metrics import HighQuality, Modes, ReverseKL, covered, place, reverse_divergence


def mode_counts(points, means, sigma, **radius):
    return place(points, means, sigma, **radius).counts


def mode_statistics(points, means, sigma):
    """What the three metrics find, and None where one finds nothing."""
    placed = place(points, means, sigma)
    modes, quality = Modes().estimate(placed), HighQuality().estimate(placed)
    divergence = None if ReverseKL().obstacle(placed) else ReverseKL().estimate(placed)
    return SimpleNamespace(
        modes=modes.mean,
        modes_stderr=modes.stderr,
        high_quality=quality.mean,
        high_quality_stderr=quality.stderr,
        reverse_kl=divergence and divergence.mean,
        reverse_kl_stderr=divergence and divergence.stderr,
        nearest=placed.fractions,
    )


CORNERS = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_hand_made_samples():
    points = torch.tensor(
        [
            [0.0, 2.9],  # within 3 sigma of (0, 0)
            [0.0, 3.1],  # outside
            [2.1, 2.1],  # 2.97 away
            [2.2, 2.2],  # 3.11 away
            [10.0, -1.0],  # of (10, 0)
            [5.0, 5.0],  # of nobody
        ]
    )
    assert mode_counts(points, CORNERS, 1.0).tolist() == [2, 1, 0, 0]
    found = mode_statistics(points, CORNERS, 1.0)
    assert found.modes == 2
    assert found.high_quality == pytest.approx(50.0, abs=1e-9)
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found.reverse_kl == pytest.approx(math.log(4) - entropy, abs=1e-12)
    assert found.nearest[1:3] == pytest.approx([1 / 6, 0.0], abs=1e-6)
    assert sum(found.nearest) == pytest.approx(1.0, abs=1e-6)  # the sample of nobody is nearest to somebody


def test_the_radius_is_exclusive_and_in_units_of_sigma():
    points = torch.tensor([[3.0, 0.0], [0.0, 2.0]])
    assert mode_counts(points, CORNERS, 1.0).tolist() == [1, 0, 0, 0]
    assert mode_counts(points, CORNERS, 2.0).tolist() == [2, 0, 0, 0]
    assert mode_counts(points, CORNERS, 1.0, radius_sigmas=4.0).tolist() == [2, 0, 0, 0]


def test_even_and_collapsed_samples_are_the_two_ends_of_the_divergence():
    assert mode_statistics(CORNERS, CORNERS, 1.0).reverse_kl == pytest.approx(0.0, abs=1e-12)
    collapsed = mode_statistics(CORNERS[:1].expand(7, 2), CORNERS, 1.0)
    assert (collapsed.modes, collapsed.high_quality) == (1, 100.0)
    assert collapsed.reverse_kl == pytest.approx(math.log(4), abs=1e-12)


def test_without_a_high_quality_sample_there_is_no_divergence():
    found = mode_statistics(torch.full((5, 2), 5.0), CORNERS, 1.0)
    assert (found.modes, found.high_quality, found.reverse_kl) == (0, 0.0, None)


@given(order=st.permutations(range(4)), counts=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
@settings(deadline=None, max_examples=30)
def test_the_names_of_the_modes_do_not_matter(order, counts):
    points = CORNERS.repeat_interleave(torch.tensor(counts), dim=0)
    first, second = mode_statistics(points, CORNERS, 1.0), mode_statistics(points, CORNERS[list(order)], 1.0)
    assert (first.modes, first.high_quality) == (second.modes, second.high_quality)
    assert first.reverse_kl == pytest.approx(second.reverse_kl, abs=1e-12)
    assert 0 <= first.reverse_kl <= math.log(4) + 1e-12


def score_errors(points):
    found = mode_statistics(points, CORNERS, 1.0)
    return [found.modes_stderr, found.high_quality_stderr, found.reverse_kl_stderr]


def test_standard_errors_are_those_of_leaving_each_sample_out():
    points = torch.cat([CORNERS.repeat_interleave(torch.tensor([5, 1, 0, 3]), dim=0), torch.full((4, 2), 5.0)])
    n = len(points)
    left = [mode_statistics(torch.cat([points[:i], points[i + 1 :]]), CORNERS, 1.0) for i in range(n)]
    modes, quality, divergence = score_errors(points)
    variance = (n - 1) * np.var([found.modes for found in left])
    assert modes == pytest.approx(variance**0.5, rel=1e-12)
    assert quality == pytest.approx(100 * math.sqrt(9 / 13 * 4 / 13 / 13), rel=1e-12)
    variance = 8 * np.var([found.reverse_kl for found in left[:9]])  # the four others are in no histogram
    assert divergence == pytest.approx(variance**0.5, rel=1e-9)


def test_too_few_samples_have_no_standard_error():
    assert score_errors(CORNERS[:1]) == [None, 0.0, None]
    points = torch.tensor([[0.0, 0.0], [5.0, 5.0]])
    assert score_errors(points) == [pytest.approx(0.5), pytest.approx(100 * 0.125**0.5), None]
    assert score_errors(points[:1].expand(6, 2)) == [0.0, 0.0, 0.0]  # collapsed, and nothing tells otherwise


SHARES = {
    "uneven": ([0.4, 0.25, 0.15, 0.1, 0.05, 0.04, 0.0], 300),
    "even": ([0.14] * 7, 300),
    "rare": ([0.5, 0.2, 0.002, 0.004, 0.006, 0.01, 0.0], 250),
}


@pytest.mark.parametrize("case", SHARES)
def test_standard_errors_are_the_spread_over_repetitions(case):
    """By simulation: the root mean square of the errors is not below the spread of the scores, and not far above."""
    shares, n = SHARES[case]
    drawn = np.random.default_rng(0).multinomial(n, [*shares, 1 - sum(shares)], size=1500)[:, :-1]
    histograms = drawn / drawn.sum(1, keepdims=True)
    divergences = np.log(len(shares)) + (histograms * np.log(np.where(histograms > 0, histograms, 1))).sum(1)
    found = [reverse_divergence(torch.from_numpy(counts)) for counts in drawn]
    assert [estimate.mean for estimate in found] == pytest.approx(divergences, abs=1e-12)
    ratio = math.sqrt(np.mean([estimate.stderr**2 for estimate in found])) / divergences.std()
    assert 0.95 < ratio < (1.5 if case == "even" else 1.1)
    modes = [covered(torch.from_numpy(counts), n) for counts in drawn]
    numbers = (drawn > 0).sum(1)
    assert [estimate.mean for estimate in modes] == numbers.tolist()
    if case == "rare":
        ratio = math.sqrt(np.mean([estimate.stderr**2 for estimate in modes])) / numbers.std()
        assert 1 < ratio < 1.5


@pytest.mark.parametrize("data", [RingDataModule(), GridDataModule()])
def test_real_points_reach_the_ceiling_and_not_more(data):
    mixture = data.mixture
    n = 100_000
    found = mode_statistics(mixture.draw(n, seed=5), mixture.means, mixture.sigma)
    ceiling = 1 - math.exp(-4.5)
    assert abs(found.high_quality / 100 - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / n)
    assert found.modes == len(mixture.means)
    # 2 n KL of a histogram is chi-squared with K - 1 degrees of freedom: mean K - 1, variance 2 (K - 1)
    freedom = len(mixture.means) - 1
    statistic = 2 * n * ceiling * found.reverse_kl
    assert abs(statistic - freedom) < 5 * math.sqrt(2 * freedom)


def perfect(mixture, seed=0):
    points = mixture.draw(5000, seed=seed)
    return lambda indices: points[indices]


def test_scores_have_names_directions_and_protocols():
    mixture = RingDataModule().mixture
    result = ModeEvaluator(seed=3).evaluate(perfect(mixture), mixture, weights="raw", device="cpu")
    assert [(s.key, s.higher_is_better) for s in result.scores] == [
        ("modes2500_ring", True),
        ("high_quality2500_ring", True),
        ("reverse_kl2500_ring", False),
    ]
    assert result.value("modes2500_ring") == 8.0
    assert result.value("high_quality2500_ring") == pytest.approx(98.89, abs=5 * 100 * math.sqrt(0.011 / 2500))
    assert 0 < result.value("reverse_kl2500_ring") < 0.01
    ceiling = 1 - math.exp(-4.5)
    assert [score.stderr for score in result.scores] == [
        0.0,  # no mode hangs on a single sample
        pytest.approx(100 * math.sqrt(ceiling * (1 - ceiling) / 2500), rel=0.2),
        pytest.approx(math.sqrt(2 * 7) / (2 * 2500), rel=1),  # half a chi-squared with 7 degrees of freedom, over n
    ]
    protocol = result.scores[1].protocol
    assert {k: protocol[k] for k in ("metric", "n_generated", "dataset", "modes", "sigma", "weights", "seed")} == {
        "metric": "high_quality",
        "n_generated": 2500,
        "dataset": "ring",
        "modes": 8,
        "sigma": 0.01,
        "weights": "raw",
        "seed": 3,
    }
    assert result.notes == ["real points would cover 8 modes with 98.89 % high quality"]
    other = RingDataModule(radius=2.0).mixture
    again = ModeEvaluator(seed=3).evaluate(perfect(other), other, weights="raw", device="cpu")
    assert again.scores[0].protocol != result.scores[0].protocol


def test_the_batch_size_does_not_enter_and_the_random_state_is_left_alone():
    mixture = GridDataModule().mixture

    def noisy(indices):
        torch.rand(3)
        return perfect(mixture)(indices)

    state = torch.get_rng_state()
    values = [
        [s.value for s in ModeEvaluator(batch_size=b).evaluate(noisy, mixture, weights="ema", device="cpu").scores]
        for b in (2500, 7)
    ]
    assert values[0] == values[1]
    assert torch.equal(state, torch.get_rng_state())


def test_a_hopeless_generator_is_scored_and_a_broken_one_is_not():
    mixture = RingDataModule().mixture
    result = ModeEvaluator(samples=10).evaluate(
        lambda indices: torch.zeros(len(indices), 2), mixture, weights="ema", device="cpu"
    )
    assert [s.value for s in result.scores] == [0.0, 0.0]
    assert list(result.skipped) == ["reverse_kl10_ring"]
    with pytest.raises(NonFiniteSamples, match="20 of 20 coordinates"):
        ModeEvaluator(samples=10).evaluate(
            lambda indices: torch.full((len(indices), 2), math.nan), mixture, weights="ema", device="cpu"
        )


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"evaluator\.samples must be positive, got 0"):
        ModeEvaluator(samples=0)
    with pytest.raises(ValueError, match=r"evaluator\.metrics must be some of .*got \['fid'\]"):
        ModeEvaluator(metrics=["fid"])
    mixture = RingDataModule().mixture
    with pytest.raises(ValueError, match="weights must be"):
        ModeEvaluator().evaluate(perfect(mixture), mixture, weights="best", device="cpu")
    with pytest.raises(ValueError, match="need points of a mixture"):
        ModeEvaluator().evaluate(perfect(mixture), object(), weights="raw", device="cpu")


def test_the_image_evaluator_refuses_points_by_their_split():
    with pytest.raises(ValueError, match=r"evaluator\.real_split is 'train'"):
        Evaluator(extractor=DigitsExtractor()).evaluate(
            perfect(RingDataModule().mixture), RingDataModule().evaluation_set("true"), weights="raw", device="cpu"
        )
