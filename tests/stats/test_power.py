"""Power from a pilot is that of the test, and says how far a small pilot can be trusted."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from sayso.stats.comparisons import moments
from sayso.stats.decisions import decide
from sayso.stats.looks import look_level
from sayso.stats.power import power, seeds_needed

GREATER = math.nan


def pilot(seeds: int = 400, effect: float = 0.5, draw: int = 0) -> np.ndarray:
    """Differences whose mean and deviation are exactly `effect` and 1."""
    sample = np.random.default_rng(draw).normal(size=(seeds, 1))
    return np.asarray((sample - sample.mean()) / sample.std() + effect)


def test_a_large_normal_pilot_gives_the_power_of_the_t_test() -> None:
    found = power(pilot(), [GREATER], 0.0, [10, 30, 60])
    for number, share in zip(found.seeds, found.holds[:, 0], strict=True):
        expected = TTestPower().power(0.5, number, look_level(1), alternative="two-sided")
        assert share == pytest.approx(expected, abs=0.04)


def test_sums_over_draws_are_judged_as_the_draws_themselves() -> None:
    """The same draws of whole seeds, made row by row, of values that were not all measured."""
    generator = np.random.default_rng(3)
    differences = generator.normal([0.4, 0.0, 0.02], [0.5, 0.3, 0.05], size=(24, 3))
    differences[generator.uniform(size=differences.shape) < 0.1] = math.nan
    margins = [GREATER, GREATER, 0.05]
    rows = generator.integers(24, size=(4000, 16))
    expected = decide(moments(differences[rows]), margins, 0.1, 0.05)
    found = power(differences, margins, 0.1, [16], level=0.05, draws=4000)
    assert found.holds[0] == pytest.approx(expected.holds.mean(axis=0), abs=0.035)
    assert found.fails[0] == pytest.approx(expected.fails.mean(axis=0), abs=0.035)
    assert 0.05 < found.fails[0, 1] < 0.95


def test_more_claims_in_a_family_take_more_seeds() -> None:
    alone = power(pilot(), [GREATER], 0.0, [20]).holds[0, 0]
    family = np.hstack([pilot(), *[pilot(effect=0.0, draw=draw) for draw in range(1, 9)]])
    assert power(family, [GREATER] * 9, 0.0, [20]).holds[0, 0] < alone - 0.1


def test_seeds_that_are_all_the_same_decide_nothing() -> None:
    found = power(np.full((8, 1), 0.1) + 1e-17, [GREATER], 0.01, [8])
    assert found.holds.tolist() == found.fails.tolist() == [[0.0]]


def test_the_number_of_seeds_needed_gives_the_share_asked_for() -> None:
    (found,) = seeds_needed(pilot(), [GREATER], 0.0, pilots=20)
    assert found.seeds is not None
    enough, fewer = (
        TTestPower().power(0.5, found.seeds + more, look_level(1), alternative="two-sided") for more in (4, -8)
    )
    assert fewer < 0.95 < enough
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.seeds <= found.high


def test_a_small_pilot_is_less_sure_and_no_effect_is_out_of_reach() -> None:
    small, large = (seeds_needed(pilot(n, effect=1.0), [GREATER], 0.0, pilots=60)[0] for n in (10, 100))
    assert large.low is not None
    assert large.high is not None
    assert small.low is not None
    assert small.low < large.low
    assert small.high is None or small.high > large.high
    assert seeds_needed(pilot(effect=0.0), [GREATER], 0.0, pilots=10)[0].seeds is None
