"""The paper's text for 12 people, letter by letter. `python -m tests.data.test_paper_text` writes it anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.core.experiment import Experiment
from sayso.core.subsets import with_counts
from sayso.data.build import build_corpus, sample
from sayso.data.published.cvdb import CVDB
from sayso.paper.table import EXPERIMENTS

GOLDEN = Path(__file__).parents[1] / "golden"
FILE = Path(__file__).parent / "files" / "cvdb.csv.gz"
EXPERIMENTS = {
    **{
        name: EXPERIMENTS[name]
        for name in ("paper-main", "paper-in-context", "paper-sentence", "paper-natural-sources", "paper-is-isnt")
    },
    "paper-word-order": EXPERIMENTS["paper-main"].with_settings({"definition.order": "AET"}),
}
#: Those that differ from the first in their definitions alone are shown by these.
DEFINITIONS_ALONE = ("paper-word-order", "paper-sentence", "paper-natural-sources", "paper-is-isnt")


def twelve(experiment: Experiment) -> Experiment:
    """The experiment on 12 people: two of each defined subset but the last, one of each other."""
    subsets = with_counts(
        experiment.subsets, D1cons_QA1=2, D2incons_QA2=2, QA3=1, QA4=1, D5cons=2, D6cons=2, QA7=1, D8cons=1
    )
    return experiment.model_copy(update={"knowledge": CVDB(file=str(FILE), entities=12), "subsets": subsets})


def text_of(name: str) -> str:
    """What seed 0 is trained on and asked: use, subset, prompt, completion and accepted answers, a document a line."""
    lines = []
    for where, document in sample(build_corpus(twelve(EXPERIMENTS[name]), 0)):
        if name not in DEFINITIONS_ALONE or document.kind == "definition":
            row = [where, document.subset, document.prompt, document.completion, *document.answers]
            lines.append(json.dumps(row, ensure_ascii=False))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_papers_text_never_changes(name):
    assert text_of(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_it_is_the_same_in_another_process(hash_seed, fresh_python):
    code = "from tests.data.test_paper_text import *; print(text_of('paper-natural-sources'), end='')"
    assert fresh_python(code, hash_seed) == text_of("paper-natural-sources")


if __name__ == "__main__":
    for golden_name in EXPERIMENTS:
        (GOLDEN / f"{golden_name}.txt").write_text(text_of(golden_name), encoding="utf-8")
