"""Curves of several seeds on one axis, against means that can be seen by eye and a plain loop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_lightning.report.curves import band, points_within, series


def test_series_are_the_scalars_of_the_rows_and_not_the_axes():
    rows = [
        {"images_seen": 10, "wall_time_s": 1.0, "d/loss": 0.5},
        {"images_seen": 20, "wall_time_s": 2.0, "d/loss": math.nan, "note": "text"},
        {"images_seen": 20, "wall_time_s": 2.0, "score/fd": 3},
    ]
    found = series(rows)
    assert list(found) == ["d/loss", "score/fd"]
    np.testing.assert_array_equal(found["d/loss"][0], [10, 20])
    np.testing.assert_array_equal(found["d/loss"][1], [0.5, math.nan])
    np.testing.assert_array_equal(found["score/fd"], [[20], [3]])


def test_few_points_stay_where_they_are_and_seeds_that_end_early_leave_the_mean():
    first = np.array([10.0, 20.0, 30.0]), np.array([1.0, 2.0, math.inf])
    second = np.array([10.0, 20.0]), np.array([3.0, 6.0])
    found = band([first, second, (np.empty(0), np.empty(0))], points=5)
    np.testing.assert_array_equal(found.x, [10, 20, 30])
    np.testing.assert_array_equal(found.mean, [2, 4, math.nan])
    np.testing.assert_array_equal(found.low, [1, 2, math.nan])
    np.testing.assert_array_equal(found.high, [3, 6, math.nan])
    np.testing.assert_array_equal(found.runs, np.array([[1, 2, np.nan], [3, 6, np.nan], [np.nan] * 3], np.float32))
    assert (found.x.dtype, found.mean.dtype) == (np.float64, np.float32)


def test_many_points_become_means_of_equal_intervals():
    x = np.arange(1, 1001, dtype=np.float64)
    found = band([(x, 2 * x), (x, np.where(x == 500, math.nan, 4 * x))], points=10)
    assert len(found.x) == 10
    np.testing.assert_allclose(found.runs[0], 2 * found.x, rtol=1e-6)
    np.testing.assert_allclose(np.diff(found.x), 100, atol=1)
    np.testing.assert_allclose(found.mean, 3 * found.x, rtol=1e-3)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 10**8), st.floats(-1e6, 1e6)), min_size=1, max_size=40),
        min_size=1,
        max_size=4,
    ),
    st.integers(2, 30),
)
def test_thinning_keeps_the_range_and_the_sum_of_the_parts(curves, points):
    made = [
        (np.array([x for x, _ in sorted(c)], np.float64), np.array([y for _, y in sorted(c)], np.float64))
        for c in curves
    ]
    found = band(made, points=points)
    assert len(found.x) <= max(points, 1)
    assert np.all(np.diff(found.x) > 0)
    assert np.all(found.low <= found.high)
    for row, (_, ys) in zip(found.runs, made, strict=True):
        assert np.nanmin(row) >= ys.min() - 1e-1
        assert np.nanmax(row) <= ys.max() + 1e-1


@pytest.mark.parametrize(("curves", "points"), [(1, 500), (3000, 333), (10**6, 60), (0, 500)])
def test_points_within_a_budget(curves, points):
    assert points_within(1_000_000, curves=curves) == points
