from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.tables.names import name_key, names_inside_others


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
    assert next(names_inside_others(names), None) == found


def test_names_that_differ_in_case_or_in_how_they_are_composed_have_one_key():
    assert name_key("RENÉ") == name_key("rene\u0301") != name_key("rene")


@pytest.mark.parametrize("code", [0xAD, 0x200B, 0x200E, 0x200F, 0x202A, 0x2060, 0xFEFF])
def test_what_is_not_seen_makes_no_other_name(code):
    assert name_key(f"Ada{chr(code)} Lee") == name_key(f"{chr(code)}Ada Lee {chr(code)}") == "ada lee"
    assert list(names_inside_others([f"A{chr(code)}da Lee", "Ada"])) == [(f"A{chr(code)}da Lee", "Ada")]


def test_joiners_are_part_of_a_name_and_emoji_flags_are_not_one():
    assert name_key("می\u200cخواهم") != name_key("میخواهم")
    england, scotland = (
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(sign)) for sign in tag) + chr(0xE007F) for tag in ("gbeng", "gbsct")
    )
    assert name_key(england) != name_key(scotland)


@given(st.lists(st.text("ab é\u0301", max_size=30), unique=True, max_size=12), st.sampled_from([0, 2, 13, 40]))
def test_the_same_are_found_as_by_trying_all_pairs(names, longer):
    names = [f"{name} {'c ' * longer}{name}" for name in names]
    names += [name.partition(" ")[2] for name in names]
    found = dict(names_inside_others(names))
    words = {name: f" {' '.join(unicodedata.normalize('NFC', name).split())} " for name in names}
    holding = {
        outer: min(len(words[inner].split()) for inner in inners)
        for outer in names
        if (
            inners := [
                inner
                for inner in names
                if words[inner].strip() and words[inner] in words[outer] and words[inner] != words[outer]
            ]
        )
    }
    assert {outer: len(words[inner].split()) for outer, inner in found.items()} == holding
    assert all(words[inner] in words[outer] for outer, inner in found.items())


@pytest.mark.parametrize("words", [["a"] * 1500, [f"w{number}" for number in range(1500)]])
def test_long_names_take_no_longer_than_they_are(words):
    names = [" ".join([*words, f"x{number}"]) for number in range(40)]
    start = time.process_time()
    assert list(names_inside_others(names)) == []
    names.append("x7")
    assert list(names_inside_others(names)) == [(names[7], "x7")]
    assert time.process_time() - start < 2


def test_many_long_names_take_no_longer_than_they_are():
    names = [f"w{row} {' '.join(f'w{(row * place) % 97}' for place in range(20))}" for row in range(20_000)]
    names.append(f"before {names[7]} after")
    start = time.process_time()
    assert list(names_inside_others(names)) == [(names[-1], names[7])]
    assert time.process_time() - start < 5
