"""Rates of exchange are those that made the values, with intervals that cover them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sayso.stats.exchange import Contest, exchange

CONTESTS = [Contest("good", "bad", 1, times) for times in (1, 2, 4, 8)]


def values(preference: float, weight: float, noise: float = 0.0, seeds: int = 16, draw: int = 0) -> np.ndarray:
    generator = np.random.default_rng(draw)
    exact = np.array([preference + weight * each.doublings for each in CONTESTS])
    found: np.ndarray = exact + generator.normal(0, noise, size=(seeds, len(CONTESTS)))
    return found


def test_a_preference_is_worth_so_many_doublings():
    (found,) = exchange(CONTESTS, values(2.0, 1.0))
    assert (found.source, found.other) == ("good", "bad")
    assert found.preference.mean == pytest.approx(2.0)
    assert found.weight.mean == pytest.approx(1.0)
    assert found.outweighed.mean == pytest.approx(4.0)


def test_intervals_cover_the_rate_about_as_often_as_they_say():
    inside = 0
    for draw in range(100):
        (found,) = exchange(CONTESTS, values(1.0, 1.0, noise=0.8, draw=draw), draws=500)
        inside += found.outweighed.low <= 2.0 <= found.outweighed.high
    assert inside >= 85


def test_what_repetition_does_not_move_is_never_outweighed():
    (found,) = exchange(CONTESTS, values(1.0, -0.5))
    assert math.isinf(found.outweighed.mean)


def test_pairs_that_meet_at_one_rate_have_none():
    contests = [*CONTESTS[:2], Contest("good", "new")]
    found = exchange(contests, np.array([[1.0, 0.0, 3.0]] * 4))
    assert [(each.source, each.other) for each in found] == [("good", "bad")]
    assert found[0].outweighed.mean == pytest.approx(2.0)
