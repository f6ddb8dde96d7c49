import pytest

from sayso.core.shares import Counter, part_of


def test_shares_of_parts_of_parts_follow_each_other_up_to_one() -> None:
    heard: list[float] = []
    for outer in range(2):
        for inner in range(5):
            done = Counter(3, part_of(part_of(heard.append, outer, 2), inner, 5))
            for more in (1, 0, 2):
                done.add(more)
    assert len(heard) == 20  # nothing is said of nothing
    assert heard == pytest.approx([(number + share) / 10 for number in range(10) for share in (1 / 3, 1)])
