import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.answers import answer_in, f1, is_match, may_match, normalise

#: Letters that make articles, signs that are dropped, spaces, and letters whose lower case depends on what follows.
TEXTS = st.text(alphabet=[*"aAnthe", *" .,'-\n", "q", "’", "é", "Σ", "ß", "İ", "é"[-1]], max_size=14)


@pytest.mark.parametrize(
    ("said", "accepted", "match"),
    [
        ("Queen", ("queen",), True),
        ("the  Queen.", ("a queen",), True),
        ("actor\nQ: x", ("actor",), False),
        ("queens", ("queen",), False),
        ("U.S.A.", ("usa",), True),
        ("Theodore", ("odore",), False),
        ("an actor", ("writer", "actor"), True),
        ("the", ("",), True),
        ("", ("...",), True),
        ("actor", (), False),
    ],
)
def test_answers_match_but_for_case_articles_punctuation_and_spaces(said, accepted, match):
    assert is_match(said, accepted) == match


def test_the_answer_is_the_first_line_or_all_of_it():
    assert answer_in(" queen \nQ: What", "first_line") == "queen"
    assert answer_in(" queen \nQ: What", "whole") == "queen \nQ: What"


@given(TEXTS)
def test_normalising_twice_changes_nothing_but_articles_that_come_together(text):
    once = normalise(text)
    assert once == once.strip()
    assert "  " not in once
    assert not set(string.punctuation) & set(once)
    assert normalise(f" {text}!") == once


@settings(max_examples=400)
@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=2))
def test_what_may_not_match_never_does_whatever_follows(begun, more, others):
    whole = begun + more
    accepted = (whole, *others)
    assert may_match(begun, accepted)
    if not may_match(begun, others):
        assert not is_match(whole, others)


def test_what_leads_nowhere_is_seen_at_once():
    assert not may_match(" actor", ("queen",))
    assert not may_match(" the queen of Spa", ("queen of France",))
    assert not may_match(" 18", ("19 century",))
    assert not may_match(" queenb", ("queen bee",))
    for begun in (" t", " th", " the", " the q", " Queen", " queen of the F", "", " que\ufffd"):
        assert may_match(begun, ("queen of France",)), begun


def test_f1_is_the_best_answers_share_of_common_words():
    assert f1("the old queen", ("queen", "king")) == pytest.approx(2 / 3)
    assert f1("queen of France", ("Queen of the France.",)) == 1
    assert f1("b b", ("b",)) == pytest.approx(2 / 3)
    assert f1("actor", ("queen",)) == 0
    assert f1("the", ("a",)) == 1
    assert f1("", ("queen",)) == 0
