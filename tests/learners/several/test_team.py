from hypothesis import given
from hypothesis import strategies as st

from sayso.learners.several.team import ALONE, shares


@given(st.lists(st.integers(1, 100), max_size=60), st.integers(1, 5))
def test_every_piece_of_work_is_dealt_once_and_no_part_costs_a_piece_more_than_another(costs, count):
    parts = shares(costs, count)
    assert len(parts) == count
    assert sorted(piece for part in parts for piece in part) == list(range(len(costs)))
    assert all(part == sorted(part) for part in parts)
    loads = [sum(costs[piece] for piece in part) for part in parts]
    assert max(loads) - min(loads) <= max(costs, default=0)


@given(st.integers(0, 40), st.integers(1, 5))
def test_equal_pieces_are_dealt_evenly(pieces, count):
    sizes = [len(part) for part in shares([7] * pieces, count)]
    assert max(sizes) - min(sizes) <= 1


def test_a_process_alone_has_all_of_the_work():
    assert ALONE.own([3, 1, 2]) == [0, 1, 2]
    assert ALONE.gathered("mine") == ["mine"]
