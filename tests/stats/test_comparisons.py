"""Means, differences and intervals agree with scipy, and say when there is nothing to go by."""

import dataclasses
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from sayso.stats import comparisons as stats

Samples = NDArray[np.float64]


def pair_of_samples(seeds: int = 12, gap: float = 0.05, draw: int = 0) -> tuple[Samples, Samples]:
    generator = np.random.default_rng(draw)
    other = generator.normal(0.5, 0.1, seeds)
    return other + gap + generator.normal(0, 0.05, seeds), other


def test_the_mean_has_scipys_t_interval() -> None:
    values = np.random.default_rng(1).normal(size=9)
    low, high = scipy_stats.t.interval(0.95, 8, loc=values.mean(), scale=scipy_stats.sem(values))
    found = stats.mean_interval([*values, math.nan])
    assert (found.mean, found.low, found.high, found.seeds) == pytest.approx((values.mean(), low, high, 9))


def test_a_single_seed_has_a_mean_and_no_interval() -> None:
    found = stats.mean_interval([0.5, math.nan])
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert found.seeds == 1
    assert math.isnan(stats.mean_interval([]).mean)


def test_two_seeds_have_no_interval() -> None:
    assert math.isnan(stats.mean_interval([0.2, 0.9]).low)
    found = stats.compare([0.2, 0.9], [0.1, 0.3])
    assert found.difference == pytest.approx(0.35)
    assert math.isnan(found.low)
    assert not math.isnan(stats.compare([0.2, 0.9, 0.4], [0.1, 0.3, 0.1]).low)


def test_differences_of_shares_are_between_minus_one_and_one() -> None:
    wide = stats.compare([1.0, 0.9, 0.0], [0.0, 0.1, 0.9], shares=True)
    assert (wide.low, wide.high) == (-1.0, 1.0)
    assert stats.mean_interval([1.0, 0.8, -0.1], within=(-1.0, 1.0)).high == 1.0
    one, other = pair_of_samples()
    assert stats.compare(one, other, shares=True) == stats.compare(one, other)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=20))
def test_intervals_of_shares_stay_between_0_and_1_and_hold_their_mean(values: list[float]) -> None:
    found = stats.moments(np.array(values)[:, None])
    (low,), (high,) = stats.share_bounds(found)
    assert -1e-12 <= low <= found.mean[0] + 1e-12
    assert found.mean[0] - 1e-12 <= high <= 1 + 1e-12


def test_the_interval_of_a_share_is_wilsons_with_the_quantile_of_t() -> None:
    """The ends are where the mean is just t standard errors away, by the variance that a share has there."""
    values = np.random.default_rng(4).beta(9, 1, 8)
    found = stats.moments(values[:, None])
    worth = found.mean[0] * (1 - found.mean[0]) / (found.deviation[0] ** 2 / 8)
    for (bound,) in stats.share_bounds(found):
        assert abs(found.mean[0] - bound) == pytest.approx(
            scipy_stats.t.ppf(0.975, 7) * math.sqrt(bound * (1 - bound) / worth)
        )


def test_the_interval_of_a_share_in_the_middle_is_the_t_interval() -> None:
    found = stats.moments(np.random.default_rng(5).normal(0.5, 0.03, 16)[:, None])
    assert np.ravel(stats.share_bounds(found)) == pytest.approx(np.ravel(stats.t_bounds(found)), abs=2e-4)


def test_moments_are_taken_of_many_claims_at_once() -> None:
    values = np.random.default_rng(6).normal(size=(5, 9, 3))
    values[2, 4, 1] = math.nan
    found = stats.moments(values)
    assert found.mean == pytest.approx(np.nanmean(values, axis=1))
    assert found.deviation == pytest.approx(np.nanstd(values, axis=1, ddof=1))
    assert found.seeds[2].tolist() == [9, 8, 9]


def test_comparisons_agree_with_scipys_paired_t_test() -> None:
    one, other = pair_of_samples()
    found = stats.compare(one, other)
    expected = scipy_stats.ttest_rel(one, other)
    bounds = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert found.effect_size == pytest.approx(expected.statistic / math.sqrt(12))
    assert found.positive == int((one > other).sum())


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12), st.randoms(use_true_random=False)
)
def test_the_order_of_seeds_does_not_matter(pairs: list[tuple[float, float]], shuffler: random.Random) -> None:
    shuffled = list(pairs)
    shuffler.shuffle(shuffled)
    found, again = (stats.compare(*zip(*values, strict=True)) for values in (pairs, shuffled))
    for name in ("difference", "low", "high", "deviation"):
        assert getattr(found, name) == pytest.approx(getattr(again, name), nan_ok=True, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("exponent", [-1030, -680, -500, 0, 500])
def test_the_size_of_the_unit_does_not_matter(exponent: int) -> None:
    """Squares of differences below 1e-160 are 0, and a deviation computed from them would be no deviation."""
    one, other = np.ldexp([3.0, 1.0, 4.0, 1.0], exponent), np.ldexp([2.0, 7.0, 1.0, 8.0], exponent)
    found, usual = stats.compare(one, other), stats.compare([3.0, 1.0, 4.0, 1.0], [2.0, 7.0, 1.0, 8.0])
    assert found.effect_size == pytest.approx(usual.effect_size, rel=1e-9)
    for name in ("difference", "low", "high", "deviation"):
        assert getattr(found, name) == pytest.approx(math.ldexp(getattr(usual, name), exponent), rel=1e-9, abs=0)


def test_exchanging_the_subsets_changes_only_the_sign() -> None:
    one, other = pair_of_samples()
    there, back = stats.compare(one, other), stats.compare(other, one)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert (there.first, there.second) == (back.second, back.first)
    assert there.positive + back.positive == 12


def test_seeds_that_were_not_measured_are_left_out_and_counted() -> None:
    one, other = pair_of_samples()
    one[0], other[3] = math.nan, math.nan
    found = stats.compare(one, other)
    kept = [seed for seed in range(12) if seed not in (0, 3)]
    assert (found.seeds, found.missing) == (10, 2)
    assert found == dataclasses.replace(stats.compare(one[kept], other[kept]), missing=2)


def test_nothing_measured_is_nan_and_not_zero() -> None:
    found = stats.compare([math.nan, math.nan], [0.5, 0.5])
    assert found.seeds == 0
    assert math.isnan(found.difference)
    assert math.isnan(found.low)


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_seeds_that_do_not_vary_have_an_interval_of_one_point(difference: float) -> None:
    other = np.linspace(0.1, 0.9, 8)
    found = stats.compare(other + difference, other)
    assert (found.difference, found.low, found.high) == pytest.approx((difference,) * 3)
    assert found.deviation == 0
    assert math.isnan(found.effect_size)
