"""Sources compared in Latin squares: on data whose truth is known because it was put there."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sayso.stats.omnibus import POWER, omnibus

#: Simulated runs.
COUNT = 400


def simulated(
    generator: np.random.Generator,
    order: int,
    squares: int,
    effects: np.ndarray,
    *,
    noise: float = 1.0,
    heavy: bool = False,
) -> pd.DataFrame:
    """Values with large effects of seeds and of blocks; source (i + r) % S has block i in row r."""
    rows = []
    for _ in range(squares):
        blocks = generator.normal(0, 5, order)
        for row in range(order):
            drawn = generator.standard_t(2, order) if heavy else generator.normal(0, 1, order)
            own = generator.normal(0, 5) + noise * drawn
            value = np.empty(order)
            for block in range(order):
                value[(block + row) % order] = own[block] + blocks[block] + effects[(block + row) % order]
            rows.append(value)
    index = pd.Index(range(3 * order, (3 + squares) * order), name="seed")
    return pd.DataFrame(rows, index=index, columns=[f"s{n}" for n in range(order)])


def share(count: int, order: int, squares: int, effects: np.ndarray, **more: bool) -> float:
    generator, twins = np.random.default_rng(order), more.pop("twins", False)
    found = [
        omnibus(simulated(generator, order, squares, effects, **more), twins=twins, deals=99) for _ in range(count)
    ]
    return float(np.mean([one.differ for one in found]))


@pytest.mark.parametrize(("order", "heavy", "twins"), [(5, False, False), (5, True, False), (6, False, True)])
def test_where_nothing_differs_at_most_one_in_twenty_is_called_different(order, heavy, twins):
    assert share(COUNT, order, 2, np.zeros(order), heavy=heavy, twins=twins) < 0.05 + 2.5 * math.sqrt(
        0.05 * 0.95 / COUNT
    )


def test_twins_that_are_alike_are_alike_however_much_sources_differ_and_others_are_found():
    alike = np.array([0.0, 10.0, 20.0] * 2)
    assert share(COUNT, 6, 2, alike, twins=True) < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / COUNT)
    assert share(40, 6, 2, alike + np.array([0, 0, 0, 0, 3.0, 0]), twins=True) > 0.9


def test_the_smallest_difference_is_found_in_about_as_many_runs_as_it_says():
    order, squares = 5, 2
    values = simulated(np.random.default_rng(1), order, squares, np.zeros(order))
    found = omnibus(values)
    smallest = found.smallest / found.noise  # the noise is 1
    assert abs(share(COUNT, order, squares, smallest * np.array([0.5, -0.5, 0, 0, 0])) - POWER) < 0.1


def test_numbers_are_those_of_the_analysis_of_variance_by_least_squares():
    order, squares = 4, 2
    effects = np.array([1.0, 0.0, -1.0, 0.5])
    values = simulated(np.random.default_rng(2), order, squares, effects)
    columns, target = [], []
    for seed, (_, row) in zip(map(int, values.index), values.iterrows(), strict=True):
        for source in range(order):
            square, block = seed // order, (source - seed % order) % order
            columns.append((f"seed {seed}", f"block {square} {block}", f"source {source}"))
            target.append(row.iloc[source])
    names = sorted(set(itertools.chain(*columns)))
    design = np.array([[float(name in own) for name in names] for own in columns])
    fitted, _, rank, _ = np.linalg.lstsq(design, np.array(target), rcond=None)
    left = np.array(target) - design @ fitted
    noise = math.sqrt(left @ left / (len(target) - rank))
    coefficient = dict(zip(names, fitted, strict=True))
    found = omnibus(values)
    assert found.noise == pytest.approx(noise)
    pair = found.pairs[0]
    apart = coefficient[f"source {pair.first[1:]}"] - coefficient[f"source {pair.second[1:]}"]
    assert pair.difference == pytest.approx(apart)
    error = noise * math.sqrt(2 / (squares * order))
    assert pair.high - pair.difference == pytest.approx(stats.t.ppf(0.975, len(target) - rank) * error)
    raw = 2 * stats.t.sf(pair.difference / error, len(target) - rank)
    assert pair.p == pytest.approx(min(1, raw * len(found.pairs)))
    assert len(found.pairs) == 6
    assert [one.source for one in found.ranking] == list(values.mean().sort_values(ascending=False).index)
    for one in found.ranking:
        assert one.mean == pytest.approx(values[one.source].mean())
        assert one.above == pytest.approx(values[one.source].mean() - values.to_numpy().mean())


def test_intervals_cover_and_the_spread_is_that_of_the_truth():
    generator = np.random.default_rng(3)
    effects = np.array([2.0, 1.0, 0.0, -1.0, -2.0])
    runs = [omnibus(simulated(generator, 5, 2, effects)) for _ in range(150)]
    covered = [one.low < effects[int(one.source[1:])] < one.high for run in runs for one in run.ranking]
    assert abs(np.mean(covered) - 0.95) < 0.03
    assert np.mean([run.spread**2 for run in runs]) == pytest.approx(np.var(effects, ddof=1), rel=0.05)


def test_the_same_values_give_the_same_p_and_squares_that_are_not_whole_are_left_out():
    values = simulated(np.random.default_rng(4), 4, 3, np.array([1.0, 0, 0, 0]))
    assert omnibus(values) == omnibus(values)
    two = omnibus(values.iloc[:8])
    assert omnibus(values.iloc[:11]) == two
    assert omnibus(values.iloc[::-1].drop(values.index[9])) == two
    gap = values.copy()
    gap.iloc[10, 2] = math.nan
    assert omnibus(gap) == two
    assert (two.squares, two.seeds) == (2, 8)
    nothing = omnibus(values.iloc[:3])
    assert (nothing.squares, nothing.ranking, nothing.pairs, nothing.differ) == (0, (), (), False)
    assert math.isnan(nothing.p)


def test_no_p_is_below_what_so_few_deals_can_give_and_a_clear_difference_reaches_it():
    for order, squares, twins, alike in ((2, 5, False, 2 / 2**5), (3, 3, False, 3 / 6**3), (4, 3, True, 2 / 4**3)):
        effects = 50.0 * np.arange(order)
        found = omnibus(simulated(np.random.default_rng(5), order, squares, effects), twins=twins)
        assert found.least_p == pytest.approx(alike)
        assert found.p == pytest.approx(alike, abs=0.01)
        assert found.p >= found.least_p
