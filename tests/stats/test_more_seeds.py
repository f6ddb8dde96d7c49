"""What is said of seeds to come is kept: after so many more, about so many claims are decided."""

import math

import numpy as np
import pytest

from sayso.stats.comparisons import Comparison, compare, moments
from sayso.stats.decisions import decide
from sayso.stats.looks import Looks, look_level
from sayso.stats.more_seeds import MOST_SEEDS, PROMISE, forecast


def found(difference: float, deviation: float, seeds: int) -> Comparison:
    """A comparison of exactly this mean and deviation of differences."""
    sample = np.random.default_rng(seeds).normal(size=seeds)
    sample = (sample - sample.mean()) / sample.std(ddof=1) * deviation + difference
    return compare(sample, np.zeros(seeds))


def once(seeds: int) -> Looks:
    return Looks((seeds,), seeds)


@pytest.mark.parametrize("margin", [None, 0.05])
@pytest.mark.parametrize("pilot", [4, 8])
def test_the_promise_is_kept_where_truths_are_of_all_kinds(margin: float | None, pilot: int) -> None:
    """Pilots of truths from a broad distribution; those undecided get the seeds they are said to take."""
    generator = np.random.default_rng(7)
    margins = [math.nan if margin is None else margin]
    kept: list[bool] = []
    while len(kept) < 200:
        truth, sigma = generator.uniform(-0.15, 0.15), np.exp(generator.normal(np.log(0.05), 1))
        sample = generator.normal(truth, sigma, (pilot, 1))
        decided = decide(moments(sample), margins, 0.01, look_level(1))
        if decided.holds[0] or decided.fails[0]:
            continue
        said = forecast(compare(sample[:, 0], np.zeros(pilot)), margin, 0.01, 1, once(pilot))
        if not said.enough:
            continue
        more = np.vstack([sample, generator.normal(truth, sigma, (said.more, 1))])
        decided = decide(moments(more), margins, 0.01, look_level(2))
        kept.append(bool(decided.holds[0] or decided.fails[0]))
    assert np.mean(kept) == pytest.approx(PROMISE, abs=0.09)


def test_the_number_is_the_smallest_that_keeps_the_promise() -> None:
    said = forecast(found(0.05, 0.08, 8), None, 0.01, 3, once(8))
    assert said.enough
    assert said.route == "holds"
    assert PROMISE <= said.share < PROMISE + 0.05
    later = forecast(found(0.05, 0.08, 8), None, 0.01, 9, once(8))
    assert later.more > said.more  # one of nine claims is held to a stricter level than one of three


@pytest.mark.parametrize(
    ("comparison", "margin", "route"),
    [
        (found(0.04, 0.06, 8), None, "holds"),
        (found(-0.04, 0.06, 8), None, "opposite"),
        (found(0.0, 0.016, 12), None, "fails"),
        (found(0.01, 0.06, 8), 0.05, "holds"),
        (found(0.12, 0.09, 8), 0.05, "fails"),
    ],
)
def test_every_way_a_claim_can_be_decided_counts(comparison: Comparison, margin: float | None, route: str) -> None:
    said = forecast(comparison, margin, 0.01, 1, once(comparison.seeds))
    assert (said.route, said.enough) == (route, True)
    assert said.more < 150


def test_out_of_reach_is_said_only_of_what_a_thousand_seeds_do_not_decide() -> None:
    said = forecast(found(0.005, 1.0, 100), None, 0.01, 1, once(100))
    assert not said.enough
    assert said.more == MOST_SEEDS - 100
    assert said.share < PROMISE
    beyond = forecast(found(0.005, 1.0, 1200), None, 0.01, 1, once(1200))
    assert (beyond.more, beyond.enough) == (1, False)


def test_seeds_planned_and_not_run_yet_come_first_and_are_no_other_look() -> None:
    comparison = found(0.08, 0.06, 6)
    planned = forecast(comparison, None, 0.01, 1, Looks((16,), 6))
    assert (planned.more, planned.enough) == (10, True)
    assert planned.share > forecast(comparison, None, 0.01, 1, Looks((7,), 6)).share
    weak = forecast(found(0.03, 0.06, 6), None, 0.01, 1, Looks((10,), 6))
    assert weak.more > 4


def test_equal_results_say_equal_things() -> None:
    one, other = (forecast(found(0.03, 0.06, 6), None, 0.01, 2, once(6)) for _ in range(2))
    assert one == other
