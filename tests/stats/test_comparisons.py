"""The statistics agree with scipy and statsmodels, keep their error rates, and say when there is nothing to test."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from sayso.stats import comparisons as stats
from sayso.stats.verdict import decide

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


def test_comparisons_agree_with_scipys_paired_t_test() -> None:
    one, other = pair_of_samples()
    found = stats.compare(one, other)
    expected = scipy_stats.ttest_rel(one, other)
    bounds = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
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
    assert found.p == pytest.approx(again.p, nan_ok=True, rel=1e-6)


@pytest.mark.parametrize("exponent", [-1030, -680, -500, 0, 500])
def test_the_size_of_the_unit_does_not_matter(exponent: int) -> None:
    """Squares of differences below 1e-160 are 0, and a deviation computed from them would be no deviation."""
    one, other = np.ldexp([3.0, 1.0, 4.0, 1.0], exponent), np.ldexp([2.0, 7.0, 1.0, 8.0], exponent)
    found, usual = stats.compare(one, other), stats.compare([3.0, 1.0, 4.0, 1.0], [2.0, 7.0, 1.0, 8.0])
    assert (found.p, found.effect_size) == (usual.p, usual.effect_size)
    for name in ("difference", "low", "high", "deviation"):
        assert getattr(found, name) == pytest.approx(math.ldexp(getattr(usual, name), exponent), rel=1e-9, abs=0)


def test_exchanging_the_subsets_changes_only_the_sign() -> None:
    one, other = pair_of_samples()
    there, back = stats.compare(one, other), stats.compare(other, one)
    assert there.difference == pytest.approx(-back.difference)
    assert there.p == pytest.approx(back.p)
    assert there.positive + back.positive == 12


def test_seeds_that_were_not_measured_are_left_out_and_counted() -> None:
    one, other = pair_of_samples()
    one[0], other[3] = math.nan, math.nan
    found = stats.compare(one, other)
    kept = [seed for seed in range(12) if seed not in (0, 3)]
    assert (found.seeds, found.missing) == (10, 2)
    assert found.p == pytest.approx(scipy_stats.ttest_rel(one[kept], other[kept]).pvalue)


def test_nothing_measured_is_nan_and_not_zero() -> None:
    found = stats.compare([math.nan, math.nan], [0.5, 0.5])
    assert found.seeds == 0
    assert math.isnan(found.difference)
    assert math.isnan(found.p)


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_seeds_that_do_not_vary_have_no_p_value(difference: float) -> None:
    other = np.linspace(0.1, 0.9, 8)
    found = stats.compare(other + difference, other)
    assert (found.difference, found.low, found.high) == pytest.approx((difference,) * 3)
    assert math.isnan(found.p)
    assert math.isnan(found.effect_size)
    assert math.isnan(stats.equivalence_p(found, 0.5))
    assert stats.more_seeds_for_difference(found) is None
    assert stats.more_seeds_for_equivalence(found, 0.5) is None


@pytest.mark.parametrize("gap", [0.0, 0.03, 0.2])
def test_equivalence_agrees_with_statsmodels(gap: float) -> None:
    one, other = pair_of_samples(gap=gap)
    expected = ttost_paired(one, other, -0.05, 0.05)[0]
    assert stats.equivalence_p(stats.compare(one, other), 0.05) == pytest.approx(expected)


def test_holm_leaves_out_what_was_not_tested() -> None:
    found = stats.holm([0.01, math.nan, 0.04, 0.03])
    assert math.isnan(found[1])
    assert [found[0], found[2], found[3]] == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([]) == []


def test_seeds_still_needed_give_the_power_promised() -> None:
    found = stats.compare(*pair_of_samples(seeds=6, gap=0.02))
    more = stats.more_seeds_for_difference(found)
    assert more is not None
    assert more > 1
    power = TTestPower()
    enough, fewer = (
        power.power(abs(found.effect_size), 6 + number, 0.05, alternative="two-sided") for number in (more, more - 1)
    )
    assert fewer < 0.8 <= enough


def test_seeds_still_needed_for_equality_find_it_as_often_as_promised() -> None:
    generator = np.random.default_rng(8)
    base = stats.compare(0.004 + 0.05 * np.array([-1.2, 1.2, -1, 1, 0.5, -0.5]), np.zeros(6))
    more = stats.more_seeds_for_equivalence(base, 0.05)
    assert more is not None
    samples = generator.normal(base.difference, base.deviation, (1500, 6 + more))
    found = [stats.equivalence_p(stats.compare(sample, np.zeros(6 + more)), 0.05) < 0.05 for sample in samples]
    assert 0.76 < np.mean(found) < 0.95


def test_a_hopeless_effect_has_no_number_of_seeds() -> None:
    found = stats.compare(np.r_[np.ones(50), -np.ones(50)] + 1e-6, np.zeros(100))
    assert stats.more_seeds_for_difference(found) is None


def test_the_paired_test_finds_nothing_in_noise_but_for_one_time_in_twenty() -> None:
    generator = np.random.default_rng(2)
    noise = generator.normal(size=(3000, 8))
    level = generator.normal(size=(3000, 8))
    found = [stats.compare(a + b, b).p < 0.05 for a, b in zip(noise, level, strict=True)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.015)


def test_a_family_of_claims_about_noise_rarely_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "more_seeds_for_difference", lambda *_, **__: None)  # slow, and not asked for here
    monkeypatch.setattr("gc.collect", lambda *_: 0)  # statsmodels collects garbage in every correction
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(500):
        found = [stats.compare(generator.normal(size=8), generator.normal(size=8)) for _ in range(6)]
        corrected = stats.holm([comparison.p for comparison in found])
        decided = [decide(c, p, tests=6) for c, p in zip(found, corrected, strict=True)]
        wrong += any(decision.outcome == "holds" for decision in decided)
    assert wrong / 500 < 0.05


def test_subsets_at_the_margin_are_rarely_called_equal() -> None:
    generator = np.random.default_rng(6)
    differences = generator.normal(0.05, 0.04, size=(1500, 10))
    found = [stats.equivalence_p(stats.compare(sample, np.zeros(10)), 0.05) < 0.05 for sample in differences]
    assert np.mean(found) == pytest.approx(0.05, abs=0.02)
