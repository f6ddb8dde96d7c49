"""Every figure and footnote of the paper is a row of the table, or needs none for a reason."""

from __future__ import annotations

import itertools

import pytest

from sayso.paper.table import TABLE

#: What each figure of the paper shows, in its order; panels apart where they are experiments of their own.
FIGURES = {
    "1": "the main result in a sketch: two small plots out of figures 3a and 4a",
    "2": "a diagram of the two stages and of what is asked",
    "3a": "main experiment, exact match on questions after each epoch of both stages",
    "3b": "main experiment, entity attribution (the name)",
    "4a": "reliability of the tags, entity attribution",
    "4b": "the six orders of tag, alias and entity, entity attribution",
    "4c": "batch sizes, Pythia-2.8B in a single stage until convergence",
    "5": "examples of grids of digits: a definition, and a question with a highlighted cell",
    "6": "cosine of gradients of D5cons and D6cons definitions with those of their questions",
    "7": "linear probes of a definition's presence and of its tag, TAE and ATE",
    "8": "losses of the main experiment, training and validation",
    "9": "main experiment, all four ways to ask for the entity",
    "10": "T-REx in two stages",
    "11": "the six orders, all five test sets",
    "12": "learning curves of the order EAT",
    "13": "batch sizes, Pythia-1B in a single stage until convergence",
    "14": "the CVDB in a single stage",
    "15": "T-REx in a single stage",
    "16": "sizes of Pythia",
    "17": "GPT-Neo in three sizes and Llama-2-7B, CVDB",
    "18": "GPT-Neo in three sizes, T-REx",
    "19": "T5-3B in a single stage, CVDB and T-REx",
    "20": "T5-3B in two stages, CVDB and T-REx",
    "21": "definitions in the context of the questions",
    "22": "set inclusion, and in its caption many more training questions",
    "23": "grids of digits, by the number of variable-entity pairs",
    "24": "inner product, cosine and squared distance of gradients of D5cons and D6cons",
    "25": "norms of gradients of D5cons and D6cons, definitions and questions",
    "26": "the metrics of figure 24 for D1cons_QA1 and D2incons_QA2",
}
FOOTNOTES = {
    1: "Adafactor is the optimizer of most experiments",
    2: "definitions as a sentence work as well",
    3: "gradients of all pairs of documents would not fit into memory",
    4: "definitions with is and is not, without stage 1",
    5: "footnote 3 again, in appendix F",
}
#: Figures and footnotes without a row, and why.
NONE_NEEDED: dict[str | int, str] = {
    "1": "illustrates figures 3a and 4a",
    "2": "a diagram",
    "5": "examples of documents: sayso sample paper-digits --png",
    1: "a setting: train.optimizer",
    3: "a remark on cost; pocket-gradients compares all pairs",
    5: "as footnote 3",
}

#: Figures of which two experiments are the halves.
HALVES = {
    "17": {"paper-gpt-neo", "paper-llama2"},
    "19": {"paper-t5-single-stage", "paper-t5-single-stage-trex"},
    "20": {"paper-t5", "paper-t5-trex"},
    "22": {"paper-set-inclusion", "paper-set-inclusion-questions"},
}


def standing_for(figure: str | int, kind: str) -> set[str]:
    return {
        name
        for name, row in TABLE.items()
        if row.about.kind == kind and figure in (*row.about.figures, *row.about.footnotes)
    }


@pytest.mark.parametrize("figure", [*FIGURES, *FOOTNOTES])
def test_each_is_an_experiment_at_full_size_and_at_pocket_size_or_needs_none(figure: str | int):
    papers, pockets = standing_for(figure, "paper"), standing_for(figure, "pocket")
    if figure in NONE_NEEDED:
        assert not papers
        assert not pockets
        return
    assert papers
    assert pockets
    assert papers == HALVES.get(str(figure), papers)


def test_every_row_at_full_size_has_a_twin_at_pocket_size_that_stands_for_its_figures():
    for name, row in TABLE.items():
        if row.about.kind == "paper":
            assert row.about.twin is not None, name
            twin = TABLE[row.about.twin].about
            assert twin.kind == "pocket"
            assert {*twin.figures, *twin.footnotes} >= {*row.about.figures, *row.about.footnotes}, name


def test_no_row_names_a_figure_that_the_paper_does_not_have():
    named = set(itertools.chain.from_iterable((*row.about.figures, *row.about.footnotes) for row in TABLE.values()))
    assert named == {*FIGURES, *FOOTNOTES} - NONE_NEEDED.keys()
    assert {"paper-batch-size", "paper-batch-size-2800m"} == standing_for("13", "paper") | standing_for("4c", "paper")
    assert standing_for("13", "paper").isdisjoint(standing_for("4c", "paper"))
