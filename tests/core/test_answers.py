import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.answers import answer_in, f1, is_match, may_match, normalise, normalise_all

#: Letters that make articles, signs that are dropped, spaces, and letters whose lower case depends on what follows.
TEXTS = st.text(alphabet=[*"aAnthe", *" .,'-+\n", "2", "q", "’", "é", "Σ", "ß", "İ", "é"[-1]], max_size=14)


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
        ("the", ("",), False),
        ("", ("...",), False),
        ("the", ("A",), False),
        ("", ("A",), False),
        ("A", ("A",), True),
        (" a.", ("A",), True),
        ("A+", ("A",), False),
        ("A+", ("A-",), False),
        ("...", ("...",), True),
        ("+", ("-",), False),
        ("+2", ("-2",), False),
        ("-2", ("2",), False),
        ("2", ("+2",), True),
        ("(-2)", ("-2",), True),
        ("at -2 degrees", ("-2 degrees",), False),
        ("1914-18", ("191418",), True),
        ("Jean-Paul", ("jeanpaul",), True),
        ("- Rome", ("rome",), True),
        ("actor", (), False),
    ],
)
def test_answers_match_but_for_case_articles_punctuation_and_spaces(said, accepted, match):
    assert is_match(said, accepted) == match


def test_the_answer_is_the_first_line_or_all_of_it():
    assert answer_in(" queen \nQ: What", "first_line") == "queen"
    assert answer_in(" queen \nQ: What", "whole") == "queen \nQ: What"


def papers(text: str) -> str:
    """The paper's normal form."""
    plain = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", plain).split())


@given(TEXTS)
def test_the_normal_form_is_the_papers_but_for_the_minus_of_a_number(text):
    once = normalise(text)
    assert once == " ".join(once.split())
    if content := papers(text):
        assert not set(string.punctuation) & set(once.replace("-2", "2"))
        if "-" not in text:
            assert once == content
    else:
        assert once or not text.strip()


@given(TEXTS, TEXTS)
def test_answers_that_the_papers_rule_tells_apart_stay_apart(one, other):
    if papers(one) != papers(other):
        assert not is_match(one, (other,))


@given(TEXTS)
def test_blanks_before_and_a_full_stop_after_change_nothing(text):
    if papers(text):
        assert normalise(f" {text}!") == normalise(text)


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
    assert not may_match(" -3", ("-2",))
    assert not may_match(" 2", ("-2",))
    assert not may_match(" grade", ("A",))
    for begun in (" t", " th", " the", " the q", " Queen", " queen of the F", "", " que\ufffd"):
        assert may_match(begun, ("queen of France",)), begun


def test_f1_is_the_best_answers_share_of_common_words():
    assert f1("the old queen", ("queen", "king")) == pytest.approx(2 / 3)
    assert f1("queen of France", ("Queen of the France.",)) == 1
    assert f1("b b", ("b",)) == pytest.approx(2 / 3)
    assert f1("actor", ("queen",)) == 0
    assert f1("the", ("a",)) == 0
    assert f1("A", ("a",)) == 1
    assert f1("", ("queen",)) == 0


@given(st.lists(st.text(alphabet=st.sampled_from([*"aAnthe -2Σσ.,'ß\t\r\x1c\u2028É"]), max_size=12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_many_texts_are_normalised_as_one_by_one(texts: list[str]) -> None:
    assert normalise_all(texts) == [normalise(text) for text in texts]


def test_texts_of_several_lines_are_normalised_as_one_by_one() -> None:
    texts = ["the\nqueen", "A.", "a\nb"]
    assert normalise_all(texts) == [normalise(text) for text in texts]
    assert normalise_all([]) == []
