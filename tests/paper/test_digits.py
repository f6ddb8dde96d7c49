"""The experiments on grids of digits as they stand in the catalogue."""

import base64
import re
from pathlib import Path

import pytest

from sayso.core.store import Store
from sayso.core.sweep import MAIN_CELL, Cell, Job, cells
from sayso.data.build import build_corpus
from sayso.data.samples import sample_documents
from sayso.paper.judging import claims_for
from sayso.paper.kinds import kind_of
from sayso.paper.paper_settings import PAPER_DIGITS
from sayso.paper.pocket_settings import POCKET_DIGITS
from sayso.paper.table import EXPERIMENTS
from sayso.results import Results
from sayso.runs.execute import execute
from tests.core.written import make_store


def test_every_subset_has_equally_many_pairs_and_only_those_of_x1_questions():
    corpus = build_corpus(POCKET_DIGITS, 0)
    counts: dict[tuple[str, str], int] = {}
    for document in corpus.documents(("X1", "X2")):
        key = (document.subset, document.kind)
        counts[key] = counts.get(key, 0) + 1
    assert counts == {
        ("D1cons_QA1", "question"): 800,
        ("D2incons_QA2", "question"): 800,
        ("QA3", "question"): 800,
        ("D1cons_QA1", "definition"): 100,
        ("D2incons_QA2", "definition"): 100,
        ("D5cons", "definition"): 100,
        ("D6cons", "definition"): 100,
    }


def test_what_is_claimed_of_them():
    names = {claim.name for claim in claims_for(POCKET_DIGITS)}
    assert {"reliable-definitions-help", "reliable-beats-unreliable", "gap-on-questions"} <= names
    assert not any("loss" in name for name in names)  # the paper says nothing of them
    assert kind_of(EXPERIMENTS["pocket-digits-control"]) == "control"
    control = {claim.name for claim in claims_for(EXPERIMENTS["pocket-digits-control"])}
    assert "no-gap-on-questions" in control
    assert "gap-on-questions" not in control


def test_in_the_control_half_of_each_sources_definitions_are_right():
    corpus = build_corpus(EXPERIMENTS["pocket-digits-control"], 0)
    right: dict[str, list[bool]] = {}
    for document in corpus.train["X1"]:
        if document.kind == "definition":
            right.setdefault(document.prompt.split()[0], []).append(document.answers[0] == document.entity)
    assert [(len(found), sum(found)) for found in right.values()] == [(100, 50), (100, 50)]


def test_the_paper_experiment_is_the_papers():
    """Appendix E.2: 120,000 steps of 128, learning rate 3e-4 after 2,000 steps."""
    (stage,) = PAPER_DIGITS.stages
    train = PAPER_DIGITS.train_spec(stage)
    assert train.sampling is not None
    assert stage.epochs * train.sampling.steps_per_epoch == 120_000
    assert (train.batch_size, train.learning_rate, train.warmup_steps, train.optimizer) == (128, 3e-4, 2000, "adamw")
    assert train.sampling.definition_share == 0.1
    assert PAPER_DIGITS.split.trained_questions == 8
    assert [cell.experiment.knowledge.size() / 6 for cell in cells(PAPER_DIGITS)] == [10, 50, 100, 200, 500]


def test_the_sweep_has_sizes_on_both_sides_of_the_papers_fifty():
    sizes = [cell.experiment.knowledge.size() / 6 for cell in cells(EXPERIMENTS["pocket-digits-pairs"])]
    assert sizes == [12, 100]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A folder with the results of a few steps."""
    short = POCKET_DIGITS.with_settings(
        {
            "knowledge.entities": 24,
            "train.sampling.steps_per_epoch": 2,
            "stages.joint.epochs": 2,
            "model.width": 16,
            "name": "short",
        }
    )
    store = Store(tmp_path_factory.mktemp("digits"))
    make_store(store, short)
    for seeds in ((100, 101), (102,)):
        job = Job(Cell(MAIN_CELL, short), seeds)
        execute(job, store.job(job.id), lambda _: None)
    return store.path


def test_grids_go_through_the_same_measures_claims_and_report_as_text(finished):
    results = Results(finished)
    records = results.records()
    assert set(records["eval_set"]) == {"validation", "train_qa", "definitions"}
    assert set(records["epoch"]) == {0, 1, 2}
    assert set(records["seed"]) == {100, 101, 102}
    counted = records[(records["eval_set"] == "validation") & (records["subset"] == "D5cons")]["n"]
    assert set(counted) == {4 * 9}
    assert {verdict.claim for verdict in results.claims()} >= {"no-gap-with-few-pairs", "reliable-beats-unreliable"}
    page = results.report().read_text(encoding="utf-8")
    images = re.findall(r'<img class="picture" src="data:image/png;base64,([^"]+)" alt="([^"]+)"', page)
    assert [text for _, text in images] == [one.document.text for one in sample_documents(results.experiment)]
    assert all(base64.b64decode(encoded).startswith(b"\x89PNG") for encoded, _ in images)
