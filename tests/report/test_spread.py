"""Intervals and tests against values from tables and SciPy, and their promises by simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t, ttest_ind

from gan_lightning.report.spread import compare_with, holm, spread, stars, welch


def test_interval_of_three_values_by_the_printed_table_of_t():
    found = spread([1.0, 2.0, 6.0], higher_is_better=True)
    half = 4.303 * math.sqrt(7.0) / math.sqrt(3)  # t(0.975, 2) = 4.303
    assert (found.mean, found.best, found.count) == (3.0, 6.0, 3)
    assert (found.low, found.high) == (pytest.approx(3 - half, rel=1e-3), pytest.approx(3 + half, rel=1e-3))


def test_the_interval_of_a_distance_has_no_negative_part():
    found = spread([1.0, 2.0, 6.0], higher_is_better=False)
    assert (found.low, found.best) == (0.0, 1.0)
    assert found.high == pytest.approx(3 + 4.303 * math.sqrt(7.0) / math.sqrt(3), rel=1e-3)
    assert spread([-1.0, -2.0, -6.0], higher_is_better=False).low < -6  # of an estimate that may be negative


def test_intervals_cover_the_expectation_in_95_percent():
    values = np.random.default_rng(0).normal(5.0, 2.0, size=(2000, 3))
    found = [spread(list(row), higher_is_better=True) for row in values]
    covered = np.mean([s.low <= 5.0 <= s.high for s in found])
    assert 0.935 < covered < 0.965


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0, 3.0], [3.0, math.nan], [3.0, math.inf]])
def test_without_a_finite_spread_there_is_no_interval(values):
    found = spread(values, higher_is_better=False)
    assert (found.low, found.high) == (None, None)
    assert found.best == 3.0


def test_welch_is_scipys_and_does_not_apply_to_two_seeds_or_no_spread():
    first, second = [1.0, 2.0, 3.0], [4.0, 6.0, 9.0, 5.0]
    assert welch(first, second) == pytest.approx(ttest_ind(first, second, equal_var=False).pvalue, rel=1e-9)
    # means 2 and 6, variances of the means 1/3 and 7/6; degrees of freedom by Welch and Satterthwaite
    freedom = (1 / 3 + 7 / 6) ** 2 / ((1 / 3) ** 2 / 2 + (7 / 6) ** 2 / 3)
    assert welch(first, second) == pytest.approx(2 * t.sf(4 / math.sqrt(1 / 3 + 7 / 6), freedom), rel=1e-9)
    for nothing in ([1.0, 2.0], [], [1.0, 2.0, math.nan]):
        assert welch(first, nothing) is None
    assert welch([8.0] * 3, [5.0] * 3) is None
    assert welch([8.0] * 3, second) is not None


def test_holm_by_the_textbook_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p_values):
    corrected = holm(p_values)
    for p, c in zip(p_values, corrected, strict=True):
        assert p <= c <= 1
        assert c <= max(1e-300, len(p_values) * max(q for q in p_values if q <= p))
    assert all(a <= b for (p, a), (q, b) in itertools.permutations(zip(p_values, corrected, strict=True), 2) if p < q)


def test_equal_configurations_get_a_mark_in_at_most_5_percent_of_comparisons_and_different_ones_often():
    random = np.random.default_rng(0)

    def marked(shift, rounds=100):
        count = 0
        for _ in range(rounds):
            samples = random.normal(size=(4, 4))
            samples[0] -= shift
            best = int(np.argmin(samples.mean(axis=1)))
            count += any(p is not None and p < 0.05 for p in compare_with(best, samples.tolist()))
        return count / rounds

    assert marked(0.0) <= 0.05
    assert marked(8.0) > 0.9


def test_the_best_itself_and_groups_without_scores_have_no_test():
    p_values = compare_with(1, [[5.0, 6.0, 7.0], [1.0, 2.0, 2.5], [], [1.0, 2.0]])
    assert p_values[1:] == [None, None, None]
    assert p_values[0] == pytest.approx(ttest_ind([5, 6, 7], [1, 2, 2.5], equal_var=False).pvalue)


@pytest.mark.parametrize(("p", "mark"), [(0.2, "="), (0.05, "="), (0.049, "*"), (0.009, "**"), (0.0009, "***")])
def test_marks(p, mark):
    assert stars(p) == mark
