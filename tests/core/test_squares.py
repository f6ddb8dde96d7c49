import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core import squares
from sayso.core.errors import SaysoError
from sayso.core.seeds import Seeds
from sayso.core.subsets import Subset


def subsets_of(defined: int, fraction: float = 0.1) -> tuple[Subset, ...]:
    """A control in front, so that places of sources and of subsets are not the same."""
    control = Subset(name="QA7", group="X2", fraction=1 - defined * fraction)
    return (control, *(Subset(name=f"D{n}", group="X2", source=f"s{n}", fraction=fraction) for n in range(defined)))


@given(st.integers(2, 9), st.integers(0, 20))
def test_each_subset_meets_each_block_once_in_a_square_and_turning_back_undoes_it(defined, row):
    subsets = subsets_of(defined)
    blocks = ["left over", *(f"block {n}" for n in range(defined))]
    met = [squares.turned(subsets, blocks, r) for r in range(defined)]
    for place in range(1, defined + 1):
        assert sorted(own[place] for own in met) == blocks[1:]
    assert {own[0] for own in met} == {"left over"}
    assert squares.turned(subsets, squares.turned(subsets, blocks, row), -row) == blocks


@given(st.integers(2, 30), st.integers(0, 1000))
def test_seeds_lie_in_squares(defined, seed):
    square, row = squares.place(subsets_of(defined, 0.01), seed)
    assert square * defined + row == seed
    assert 0 <= row < defined


@given(st.integers(1, 9), st.integers(2, 30), st.integers(0, 300))
def test_whole_squares_are_taken_and_begin_as_soon_as_they_can(count, of, first):
    seeds = squares.seeds_of(count, of, first)
    assert seeds.count == count * of
    assert first <= seeds.first < first + of
    squares.require_whole(seeds, of)


@pytest.mark.parametrize(
    ("seeds", "nearest"), [("100-118", "100-119"), ("100-104", "100-109"), ("96-105", "100-109"), ("3-13", "0-9")]
)
def test_other_seeds_are_refused_with_the_nearest_that_are(seeds, nearest):
    with pytest.raises(SaysoError, match=f"10 sources need whole squares of 10 seeds .*nearest is {nearest}$"):
        squares.require_whole(Seeds.parse(seeds), 10)
    squares.require_whole(Seeds.parse(nearest), 10)


def test_what_makes_no_square_is_refused():
    three = subsets_of(3)
    squares.check(three, 1)
    with pytest.raises(ValueError, match="needs two subsets with a source at least, found 1"):
        squares.check(three[:2], 1)
    with pytest.raises(ValueError, match=r"equal fractions of one group: D0 has 0\.1 of X2, D2 0\.2 of X2"):
        squares.check((*three[:3], three[3].model_copy(update={"fraction": 0.2})), 1)
    with pytest.raises(ValueError, match="D2 is not consistent"):
        squares.check((*three[:3], three[3].model_copy(update={"consistent": False})), 1)
    with pytest.raises(ValueError, match="stage2_seeds is 2, set it to 1"):
        squares.check(three, 2)
