"""Docs that are made say what the files they are made of say, of the experiments as they are."""

import json
import re

import pytest
from benchmarks.figure_page import figure_page
from benchmarks.whole_paper import FIGURE_PAGE, KEPT, PAGE, in_words, text

from sayso.paper.expected import all_expected
from sayso.paper.table import TABLE
from sayso.paper.whole import experiments_of, places
from sayso.stats.entries import TOLD
from sayso.stats.numbers import with_interval

FOUND = json.loads(KEPT.read_text(encoding="utf-8"))
WORDS = in_words()
NUMBER = r"\.\d{3} ± \.\d{3}"


def test_the_page_of_results_is_what_is_kept() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(FOUND)


@pytest.mark.parametrize("name", FOUND["experiments"])
def test_results_are_of_the_experiment_as_it_is(name: str) -> None:
    assert name in experiments_of("pocket")
    assert FOUND["experiments"][name]["of"] == TABLE[name].experiment.digest()


def test_counts_are_those_of_the_claims() -> None:
    for figure in FOUND["figures"]:
        outcomes = [claim[0] for claim in figure["claims"]]
        assert figure["counts"] == {told: outcomes.count(told) for told in TOLD}


def test_the_page_of_figures_is_what_is_kept() -> None:
    assert FIGURE_PAGE.read_text(encoding="utf-8") == figure_page(FOUND, WORDS)


def test_every_figure_and_every_experiment_at_pocket_size_is_told_in_words() -> None:
    assert {place.name for place in places("pocket")} == set(WORDS["figures"])
    assert set(experiments_of("pocket")) <= set(WORDS["experiments"]) <= set(TABLE)


def kept_numbers(name: str) -> set[str]:
    """Differences that results or expectations hold of an experiment, as prose writes them, whichever way around."""
    found = {
        numbers.split(", ")[0]
        for figure in FOUND["figures"]
        for _, _, where, numbers, _ in figure["claims"]
        if where.split(", ")[0] == name
    }
    if name in all_expected():
        claims = all_expected()[name].claims
        found |= {with_interval(claim.difference, claim.low, claim.high, signed=True) for claim in claims}
    return {text.lstrip("+-").replace("0.", ".") for text in found}


@pytest.mark.parametrize("name", WORDS["experiments"])
def test_numbers_told_in_words_are_those_that_are_kept(name: str) -> None:
    words = WORDS["experiments"][name]["found"]
    kept = kept_numbers(name)
    if "(mechanisms.md)" in words:
        kept |= set(re.findall(NUMBER, PAGE.with_name("mechanisms.md").read_text(encoding="utf-8")))
    assert name not in FOUND["experiments"] or set(re.findall(NUMBER, words)) <= kept


def test_what_departures_buy_is_told_as_it_was_measured() -> None:
    measured = {
        with_interval(claim.difference, claim.low, claim.high, signed=True).replace("0.", ".")
        for expected in all_expected().values()
        for each in expected.without
        for claim in each.claims
    }
    told = set(re.findall(f"[+-]{NUMBER}", WORDS["departures"]))
    assert told
    assert told <= measured
