"""The rule agrees with scipy and statsmodels, and its two p-values say what they are said to."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from sayso.stats.comparisons import moments
from sayso.stats.decisions import decide, holding, holm, p_values

GREATER = math.nan


def differences(seeds: int = 12, gap: float = 0.05, draw: int = 0) -> np.ndarray:
    return np.random.default_rng(draw).normal(gap, 0.05, seeds)[:, None]


@pytest.mark.parametrize("gap", [-0.05, 0.0, 0.03])
def test_a_greater_claim_is_tested_as_scipy_tests_it(gap: float) -> None:
    sample = differences(gap=gap)
    found = p_values(moments(sample), [GREATER], 0.01)
    above = scipy_stats.ttest_1samp(sample[:, 0], 0, alternative="greater").pvalue
    below = scipy_stats.ttest_1samp(sample[:, 0], 0.01, alternative="less").pvalue
    assert found.holds[0] == pytest.approx(min(2 * above, 1))
    assert found.fails[0] == pytest.approx(min(2 * below, 1))
    if sample.mean() > 0:
        assert found.holds[0] == pytest.approx(scipy_stats.ttest_1samp(sample[:, 0], 0).pvalue)


@pytest.mark.parametrize("gap", [0.0, 0.03, -0.2])
def test_equality_is_tested_as_statsmodels_tests_it(gap: float) -> None:
    sample = differences(gap=gap)
    found = p_values(moments(sample), [0.05], 0.01)
    assert found.holds[0] == pytest.approx(ttost_paired(sample[:, 0], 0 * sample[:, 0], -0.05, 0.05)[0])
    beyond = [scipy_stats.ttest_1samp(side * sample[:, 0], 0.05, alternative="greater").pvalue for side in (1, -1)]
    assert found.fails[0] == pytest.approx(min(2 * min(beyond), 1))


@settings(max_examples=20, deadline=None)  # statsmodels collects garbage in every correction
@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=9))
def test_holms_correction_is_that_of_statsmodels_without_what_was_not_tested(p: list[float]) -> None:
    found, tested = holm(p), [value for value in p if not math.isnan(value)]
    assert np.isnan(found).tolist() == [math.isnan(value) for value in p]
    expected = multipletests(tested, method="holm")[1] if tested else []
    assert found[~np.isnan(found)] == pytest.approx(expected)


def test_families_are_corrected_one_by_one() -> None:
    p = np.random.default_rng(1).uniform(size=(4, 7))
    assert holm(p) == pytest.approx(np.array([holm(row) for row in p]))


def test_nothing_is_decided_of_too_few_seeds_or_of_seeds_that_do_not_vary() -> None:
    for sample in (differences(seeds=2, gap=5.0), np.full((8, 1), 0.3), np.full((8, 1), math.nan)):
        decided = decide(moments(sample), [GREATER], 0.01)
        assert math.isnan(decided.p_holds[0])
        assert not decided.holds[0]
        assert not decided.fails[0]


def test_a_small_effect_that_was_not_shown_does_not_fail_where_it_is_worth_having() -> None:
    """As on the paper's main experiment: +.004 with an interval from -.001 to +.0095 (20 seeds)."""
    sample = np.resize([1.0, -1.0], 20)[:, None] * 0.0111 + 0.00425
    found = moments(sample)
    half = scipy_stats.t.ppf(0.975, 19) * found.deviation[0] / math.sqrt(20)
    assert found.mean[0] + half == pytest.approx(0.0095, abs=2e-4)
    family = moments(np.hstack([sample, *[differences(20, 0.2, draw) for draw in range(8)]]))
    for worth in (0.01, 0.002):
        decided = decide(family, [GREATER] * 9, worth)
        assert not decided.fails[0]
        assert not decided.holds[0]


def test_a_stricter_level_makes_p_values_larger_and_never_moves_the_bar() -> None:
    spread = 0.05 * np.resize([1.0, -1.0], 12)[:, None]
    found = moments(spread + np.array([0.0, 0.05, 0.1]))
    usual, strict = (decide(found, [GREATER] * 3, 0.01, level) for level in (0.05, 0.001))
    assert strict.p_holds == pytest.approx(np.minimum(50 * usual.p_holds, 1))
    assert strict.holds.tolist() == (usual.p_holds < 0.001).tolist()
    assert usual.holds.tolist() == [False, True, True]
    assert strict.holds.tolist() == [False, False, True]


def test_failing_is_told_from_going_the_other_way() -> None:
    found = moments(np.hstack([differences(40, gap, draw) * 0.2 for draw, gap in enumerate((-0.2, 0.0))]))
    decided = decide(found, [GREATER, GREATER], 0.01)
    assert decided.fails.tolist() == [True, True]
    assert decided.opposite.tolist() == [True, False]


@pytest.mark.parametrize("level", [0.05, 0.02])
def test_what_holds_is_the_same_where_nothing_else_is_asked(level: float) -> None:
    sample = np.random.default_rng(5).normal([0.0, 0.02, 0.05, 0.0, 0.04], 0.05, size=(200, 8, 5))
    sample[0, 2:, 1], sample[1, :, 2] = math.nan, 0.1
    found, margins = moments(sample), [GREATER, GREATER, GREATER, 0.1, 0.05]
    right = decide(found, margins, 0.01, level).holds
    assert (holding(found, margins, level) == right).all()
    assert right.any(axis=0).all()
    assert not right.all(axis=0).any()
