"""Levels of looks sum to what a single family may spend, and pages say how often was looked."""

import pytest

from sayso.stats.comparisons import ALPHA
from sayso.stats.looks import Looks, look_level


def test_levels_of_all_looks_sum_to_that_of_one_family() -> None:
    assert sum(look_level(look) for look in range(1, 60)) == pytest.approx(ALPHA)
    assert look_level(1) == pytest.approx(ALPHA * 2 / 3)
    assert look_level(2) == pytest.approx(ALPHA * 2 / 9)


@pytest.mark.parametrize(
    ("looks", "said", "level"),
    [
        (Looks((16,), 16), "planned 16, looked once", look_level(1)),
        (Looks((16, 24), 24), "planned 16, 24 in all, look 2", look_level(2)),
        (Looks((8, 16, 32), 32), "planned 8, 32 in all, look 3", look_level(3)),
        (Looks((16,), 12), "12 of 16 planned seeds: interim, decided below p = .001 only", 0.001),
        (Looks((4,) * 9, 3), "3 of 4 planned seeds: interim, decided below p = .001 only", look_level(9)),
    ],
)
def test_looks_say_what_was_planned_and_at_which_level_they_are_judged(looks: Looks, said: str, level: float) -> None:
    assert str(looks) == said
    assert looks.level == pytest.approx(level)
