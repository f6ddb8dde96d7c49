import math

from hypothesis import given
from hypothesis import strategies as st

from sayso.learners.single.generation import Said
from sayso.learners.single.near_ties import (
    FURTHER,
    MULTIPLE,
    SAMPLE,
    Found,
    Near,
    alternatives,
    bound_of,
    found_exactly,
)

SAID = Said([5, 6], [[(1, 0.5), (2, 3.0)], [(3, 1.0), (4, 1.5)]])


def test_what_may_be_said_instead_begins_as_before_and_ends_with_another_token():
    assert alternatives(SAID, 0.4) == []
    assert alternatives(SAID, 0.5) == [[1]]
    assert alternatives(SAID, 1.2) == [[1], [5, 3]]
    assert alternatives(SAID, 1.5) is None  # a third of the second place may be as near
    assert alternatives(Said([5], [[(1, math.inf), (2, math.inf)]]), 9.0) == []
    assert alternatives(Said([5], [[(1, math.nan), (2, math.nan)]]), 9.0) is None


def test_the_bound_is_a_multiple_of_the_largest_change_of_a_margin():
    moved = Said([5, 6], [[(1, 0.25), (2, 3.0)], [(3, 1.5), (4, 1.5)]])
    assert bound_of([SAID], [SAID]) == bound_of([], []) == 0
    assert bound_of([SAID, moved], [SAID, SAID]) == MULTIPLE * 0.5
    other = Said([1, 9], [[(5, 0.25), (2, 3.0)], [(3, 50.0), (4, 50.0)]])  # what follows another token says nothing
    assert bound_of([other], [SAID]) == MULTIPLE * 0.75
    forced = Said([5], [[(1, math.inf)]])
    assert bound_of([forced], [forced]) == 0


@given(st.integers(0, 3 * SAMPLE), st.data())
def test_what_may_change_is_found_again_and_nothing_else(count, data):
    rivals = data.draw(st.lists(st.sampled_from([0.2, 5.0]), min_size=count, max_size=count))
    read: list[tuple[bool, list[int]]] = []

    def find(rows, half):
        read.append((half, list(rows)))
        near = 0.25 if half else 0.0  # rounding moves each margin by so much
        return [
            Found(("half" if half else "exact", row), Said([5], [[(1, rivals[row] + near), (2, 9.0)]])) for row in rows
        ]

    found, exactly = found_exactly(find, count, lambda _, each, bound: alternatives(each.said, bound) != [], Near())
    assert [row for _, row in found] == list(range(count))
    exact = {row for how, row in found if how == "exact"}
    assert len(exact) == exactly
    assert {row for half, rows in read for row in rows if not half} == exact
    near = {row for row in range(count) if rivals[row] + 0.25 <= MULTIPLE * 0.25}
    assert near <= exact
    assert len(exact - near) <= SAMPLE


def test_the_bound_is_the_widest_until_weights_change():
    near = Near()
    assert len(near.sample(1000, 7)) == SAMPLE
    assert near.widened(0.5) == 0.5
    assert near.sample(1000, 7) == [at * 1000 // FURTHER for at in range(FURTHER)]
    assert near.widened(0.25) == 0.5
    assert near.widened(0.75) == 0.75
    assert near.sample(9, 7) == list(range(9))
    assert len(near.sample(1000, 8)) == SAMPLE
    assert near.widened(0.25) == 0.25
    assert near.sample(0, 8) == []
