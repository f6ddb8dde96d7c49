from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.tables.names import name_inside_another, name_key, names_inside_others


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["Ann", "Joanna", "Anna"], None),
        (["New York City", "York"], ("New York City", "York")),
        (["Napoleon III", "napoleon"], ("Napoleon III", "napoleon")),
        (["Jean-Paul", "Paul"], ("Jean-Paul", "Paul")),
        (["The New York Times", "New Times", "York Times"], ("The New York Times", "York Times")),
        ([], None),
        (["अफ़गानिस्तान", "गिनी"], None),
        (["गिनी बिसाऊ", "गिनी"], ("गिनी बिसाऊ", "गिनी")),
        (["می\u200cخواهم", "خواهم"], None),
        (["Ren\u00e9 Roe", "Rene\u0301"], ("Ren\u00e9 Roe", "Rene\u0301")),
        (["Rene", "Rene\u0301"], None),
        (["...", "A..."], None),
    ],
)
def test_names_inside_others_are_found_as_whole_words(names, found):
    assert name_inside_another(names) == found


def test_names_that_differ_in_case_or_in_how_they_are_composed_have_one_key():
    assert name_key("RENÉ") == name_key("rene\u0301") != name_key("rene")


@given(st.lists(st.text("ab é\u0301", max_size=30), unique=True, max_size=12), st.booleans())
def test_the_same_are_found_as_by_trying_all_pairs(names, much_longer):
    names = [f"{name} {'c ' * 13 * much_longer}{name}" for name in names]
    found = dict(names_inside_others(names))
    words = {name: f" {' '.join(unicodedata.normalize('NFC', name).split())} " for name in names}
    holding = {
        outer
        for outer in names
        for inner in names
        if words[inner].strip() and words[inner] in words[outer] and words[inner] != words[outer]
    }
    if all(name.isascii() for name in names):
        assert found.keys() == holding
    assert all(words[inner] in words[outer] for outer, inner in found.items())


@pytest.mark.parametrize("words", [["a"] * 1500, [f"w{number}" for number in range(1500)]])
def test_long_names_take_no_longer_than_they_are(words):
    names = [" ".join([*words, f"x{number}"]) for number in range(40)]
    start = time.perf_counter()
    assert list(names_inside_others(names)) == []
    names.append("x7")
    assert list(names_inside_others(names)) == [(names[7], "x7")]
    assert time.perf_counter() - start < 2
