"""Seeds as people write them."""

from hypothesis import given
from hypothesis import strategies as st

from sayso.core.seeds import Seeds, consecutive, seed_range


@given(st.sets(st.integers(0, 40)))
def test_ranges_say_each_seed_once(seeds: set[int]) -> None:
    parts = [part for part in seed_range(sorted(seeds, reverse=True)).split(", ") if part]
    found = [list(Seeds.parse(part if "-" in part else f"{part}-{part}")) for part in parts]
    assert sorted(seeds) == [seed for part in found for seed in part]
    assert len(parts) == sum(seed - 1 not in seeds for seed in seeds)


def test_no_seeds_are_no_range() -> None:
    assert seed_range((3, 1, 2, 9)) == "1-3, 9"
    assert consecutive(()) == []
    assert seed_range(()) == ""
