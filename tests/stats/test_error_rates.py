"""Verdicts are wrong as rarely as they say, and intervals hold what they should: by simulation.

Families of nine claims, each of its own spread, where all differences are truly 0, .01 or .02. Tolerances are a few
standard errors of the simulation, and far less than what would double a rate.
"""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sayso.stats.comparisons import ALPHA, moments, share_bounds, t_bounds
from sayso.stats.decisions import Decided, decide
from sayso.stats.looks import INTERIM_LEVEL, look_level

CLAIMS, FAMILIES, WORTH = 9, 10_000, 0.01
GREATER = np.full(CLAIMS, math.nan)
SPREAD = np.resize([0.02, 0.05, 0.1], CLAIMS)

Values = NDArray[np.float64]


def families(truth: float, seeds: int, draw: int = 0) -> Values:
    """Differences, (families, seeds, claims)."""
    normal = np.random.default_rng([draw, seeds]).normal(size=(FAMILIES, seeds, CLAIMS))
    return np.asarray(truth + SPREAD * normal)


def judged(differences: Values, level: float, margins: Values = GREATER) -> Decided:
    return decide(moments(differences), margins, WORTH, level)


def any_of(flags: NDArray[np.bool_]) -> float:
    return float(flags.any(axis=-1).mean())


@pytest.mark.parametrize("seeds", [4, 8, 16])
def test_nothing_is_said_to_hold_by_chance(seeds: int) -> None:
    """Half of the level: that a difference is above 0 is tested two-sided, and fails on the other side."""
    level = look_level(1)
    assert any_of(judged(families(0.0, seeds), level).holds) == pytest.approx(level / 2, abs=0.006)


@pytest.mark.parametrize("seeds", [4, 8, 16])
@pytest.mark.parametrize("truth", [0.01, 0.02])
def test_what_is_worth_having_is_not_said_to_fail(truth: float, seeds: int) -> None:
    level = look_level(1)
    wrong = any_of(judged(families(truth, seeds), level).fails)
    assert wrong < level / 2 + 0.006
    if truth == WORTH:
        assert wrong == pytest.approx(level / 2, abs=0.006)


@pytest.mark.parametrize("seeds", [4, 8, 16])
def test_what_differs_by_the_margin_is_not_said_to_be_equal_and_what_does_not_is_not_said_to_differ(seeds: int) -> None:
    level, margins = look_level(1), 3 * SPREAD
    at_the_margin = judged(families(0.0, seeds) + margins, level, margins)
    assert any_of(at_the_margin.holds) == pytest.approx(level, abs=0.009)
    assert any_of(at_the_margin.fails) == pytest.approx(level / 2, abs=0.006)


@pytest.mark.parametrize(("truth", "most"), [(0.0, ALPHA / 2), (0.01, ALPHA), (0.02, ALPHA)])
def test_looking_three_times_and_stopping_when_it_suits_does_not_make_verdicts_wrong_more_often(
    truth: float, most: float
) -> None:
    """4 seeds, then 8, then 16: a wrong verdict at any of the looks counts, and those on the way to each plan."""
    differences = families(truth, 16, draw=1)
    held, failed, carelessly = (np.zeros(FAMILIES, dtype=bool) for _ in range(3))
    for look, (before, seeds) in enumerate(((0, 4), (4, 8), (8, 16)), start=1):
        for finished in range(before + 1, seeds + 1):
            level = look_level(look) if finished == seeds else INTERIM_LEVEL
            found = judged(differences[:, :finished], level)
            held |= found.holds.any(axis=-1)
            failed |= found.fails.any(axis=-1)
        carelessly |= judged(differences[:, :seeds], ALPHA).holds.any(axis=-1)
    if truth == 0:
        assert held.mean() < most + 0.006
        assert carelessly.mean() > 1.5 * most  # what it would be without a price for looking
    else:
        assert failed.mean() < most / 2 + 0.006


@pytest.mark.parametrize("seeds", [4, 8, 16])
def test_intervals_of_normal_values_hold_their_mean_in_95_of_100_cases(seeds: int) -> None:
    sample = np.random.default_rng(seeds).normal(0.5, 0.1, (20_000, seeds, 1))
    for bounds in (t_bounds, share_bounds):
        assert coverage(sample, 0.5, bounds) == pytest.approx(0.95, abs=0.01)


def drawn(name: str, seeds: int, generator: np.random.Generator) -> tuple[Values, float]:
    """Shares of simulated seeds, (samples, seeds, 1), and their true mean."""
    shape = (20_000, seeds, 1)
    if name == "skewed":
        return generator.beta(2, 8, shape), 0.2
    if name == "very skewed":
        return generator.beta(0.5, 2, shape), 0.2
    if name == "near 1":
        return generator.beta(30, 1, shape), 30 / 31
    return generator.binomial(96, generator.beta(20, 2, shape)) / 96, 20 / 22  # "of 96 questions"


@pytest.mark.parametrize("seeds", [4, 8, 16])
@pytest.mark.parametrize(
    ("name", "least"), [("skewed", 0.935), ("very skewed", 0.91), ("near 1", 0.92), ("of 96 questions", 0.93)]
)
def test_intervals_of_shares_hold_their_mean_more_often_than_t_intervals(name: str, least: float, seeds: int) -> None:
    sample, mean = drawn(name, seeds, np.random.default_rng(seeds))
    found = coverage(sample, mean, share_bounds)
    assert least < found < 0.97
    assert found > coverage(sample, mean, t_bounds)


def coverage(sample: Values, mean: float, bounds: object) -> float:
    assert callable(bounds)
    low, high = bounds(moments(sample))
    return float(((low <= mean) & (mean <= high)).mean())
