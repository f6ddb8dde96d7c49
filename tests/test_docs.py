"""Docs that are made say what the files they are made of say, of the experiments as they are."""

import json

import pytest
from benchmarks.whole_paper import KEPT, PAGE, text

from sayso.paper.table import TABLE
from sayso.paper.whole import experiments_of
from sayso.stats.entries import TOLD

FOUND = json.loads(KEPT.read_text(encoding="utf-8"))


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
