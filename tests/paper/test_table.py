"""Every experiment that is listed can be planned, written down and read again, and says what it is."""

from __future__ import annotations

import pytest

from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.paper.beyond_rows import BEYOND_ROWS
from sayso.paper.paper_settings import PAPER_MAIN
from sayso.paper.pocket_settings import POCKET
from sayso.paper.rows import About, Row, row, summary, table_of, twin_of
from sayso.paper.table import EXPERIMENTS, TABLE
from tests.data.plain_facts import PlainFacts

EACH = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
ROWS = pytest.mark.parametrize("entry", TABLE.values(), ids=list(TABLE))
WORDLESS = ("set-inclusion", "digits")
TEXT = [entry for entry in TABLE.values() if not any(word in entry.name for word in WORDLESS)]
PAPERS = [entry.experiment for entry in TEXT if entry.name.startswith("paper-")]
#: Of the pocket's own; the others have the paper's axes.
OWN = ("pocket", "pocket-strict", "pocket-control", "pocket-strict-control", "pocket-no-stage1")
BEYOND = tuple(row.name for row in BEYOND_ROWS)
TWINS = [entry.experiment for entry in TEXT if entry.name.startswith("pocket-") and entry.name not in (*OWN, *BEYOND)]


def test_digests_are_different_and_names_are_those_of_the_table():
    assert [experiment.name for experiment in EXPERIMENTS.values()] == list(EXPERIMENTS)
    kinds = {(experiment.digest(), *map(str, experiment.measures)) for experiment in EXPERIMENTS.values()}
    assert len(kinds) == len(EXPERIMENTS) == 75


@ROWS
def test_a_row_says_what_it_shows_in_a_sentence_and_what_the_paper_found_where_it_is_the_papers(entry: Row):
    about = entry.about
    assert about.shows[0].isupper()
    assert about.shows[-1] in ".?"
    assert len(about.shows) <= 140
    assert not any(mark in about.shows[:-1] for mark in (". ", "? "))  # one sentence
    papers = about.kind in ("paper", "pocket")
    assert bool(about.found) == bool(about.sections) == papers
    assert papers or not (about.figures or about.footnotes)
    assert about.kind != "control" or entry.name.endswith(("-control", "-no-stage1"))
    assert entry.experiment.summary == summary(about)
    assert about.shows[:-1] in entry.experiment.summary


@ROWS
def test_the_twin_of_a_row_is_a_row_of_the_other_size(entry: Row):
    about = entry.about
    if about.twin is None:
        assert about.kind != "pocket"
        return
    other = TABLE[about.twin]
    assert {entry.name.split("-")[0], other.name.split("-")[0]} == {"paper", "pocket"}
    assert other.about.twin is not None
    if about.kind == "pocket":
        assert other.about.kind == "paper"
        assert set(other.about.figures) <= set(about.figures)


def test_twins_follow_from_names_and_what_the_paper_found_is_said_once():
    paper = About(kind="paper", shows="It shows.", found="So it is.", sections=("3.3", "C.2"), figures=("4b", "10"))
    more = About(kind="paper", shows="More.", found="And so.", sections=("C.2",), figures=("11",), twin="pocket-a")
    rows = (
        Row(POCKET.model_copy(update={"name": "pocket-a"}), About(kind="pocket", note="Small.")),
        row("paper-a", "pocket-a", paper, seeds__count=3),
        row("paper-b", "pocket-a", more, seeds__count=4),
        row("pocket-c-other-facts", "pocket-a", About(kind="pocket", shows="Mine?"), seeds__count=5),
        row("paper-c-trex", "pocket-a", paper, seeds__count=6),
        row("paper-d", "pocket-a", paper, seeds__count=7),
    )
    table = table_of(rows)
    twins = {name: found.about.twin for name, found in table.items()}
    assert twins == {
        "pocket-a": "paper-a",
        "paper-a": "pocket-a",
        "paper-b": "pocket-a",
        "pocket-c-other-facts": "paper-c-trex",
        "paper-c-trex": "pocket-c-other-facts",
        "paper-d": None,
    }
    small = table["pocket-a"].about
    assert (small.shows, small.found) == ("It shows.", "So it is. And so.")
    assert (small.sections, small.figures) == (("3.3", "C.2"), ("4b", "10", "11"))
    assert table["pocket-a"].experiment.summary.split("\n") == [
        "It shows (section 3.3, appendix C.2, figures 4b, 10 and 11; at pocket size).",
        "Found by the paper: So it is. And so.",
        "Small.",
    ]
    assert table["pocket-c-other-facts"].experiment.summary.startswith("Mine (section 3.3")
    assert twin_of("laptop", About(kind="beyond"), {}) is None


@EACH
def test_each_experiment_is_planned_and_read_again(experiment: Experiment):
    planned = cells(experiment)
    assert len({cell.name for cell in planned}) == len(planned)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


@pytest.mark.parametrize("experiment", PAPERS, ids=lambda experiment: experiment.name)
def test_the_papers_experiments_have_its_settings_where_they_do_not_vary_them(experiment: Experiment):
    usual, train = PAPER_MAIN.train, experiment.train
    assert train.model_copy(update={"loss_on": "all", "max_length": 64}) == usual
    assert (usual.learning_rate, usual.batch_size, usual.schedule, usual.optimizer) == (
        5e-5,
        256,
        "linear",
        "adafactor",
    )
    for cell in cells(experiment):
        epochs = {stage.name: stage.epochs for stage in cell.experiment.stages}
        if experiment.name.startswith("paper-batch-size"):
            assert epochs["joint"] >= 20
        else:
            assert epochs in ({"stage1": 20, "stage2": 10}, {"joint": 20}, {"stage1": 20}, {"stage2": 10})
        questions = 6 if "trex" not in experiment.name else 4
        assert cell.experiment.split.trained_questions == questions - 1
        there = cell.experiment.model_copy(update={"knowledge": PlainFacts(entities=240, questions=questions)})
        corpus = build_corpus(there, 600)
        longest = max(len(document.text) for part in corpus.train.values() for document in part)
        assert longest / 2 < (train.max_length or 0)  # two characters a token are few
        # no document is trained on that no stage has
        assert any(corpus.documents(stage.documents) for stage in cell.experiment.stages)


def test_a_full_batch_is_all_documents():
    full = cells(EXPERIMENTS["paper-batch-size"])[-1].experiment
    corpus = build_corpus(full.model_copy(update={"knowledge": PlainFacts(entities=4000)}), 600)
    (stage,) = full.stages
    assert len(corpus.documents(stage.documents)) == 16_800 < full.train_spec(stage).batch_size
    pocket = cells(EXPERIMENTS["pocket-batch-size"])[-1].experiment
    stage = pocket.stages[-1]
    assert len(build_corpus(pocket, 100).documents(stage.documents)) == pocket.train_spec(stage).batch_size


@pytest.mark.parametrize("experiment", TWINS, ids=lambda experiment: experiment.name)
def test_pocket_twins_differ_from_pocket_in_what_they_vary_alone(experiment: Experiment):
    usual = POCKET.settings()
    for cell in cells(experiment):
        changed = {
            path.split(".")[0]
            for path, value in cell.experiment.settings().items()
            if usual.get(path, None) != value and path not in ("name", "summary")
        }
        allowed = {
            "pocket-reliability": {"reliability", "subsets"},
            "pocket-word-order": {"definition"},
            "pocket-single-stage": {"stages"},
            "pocket-single-stage-other-facts": {"stages", "knowledge"},
            "pocket-batch-size": {"stages"},
            "pocket-model-size": {"model"},
            "pocket-model-size-other-facts": {"model", "knowledge"},
            "pocket-model-family": {"model"},
            "pocket-t5": {"model", "train"},
            "pocket-t5-single-stage": {"model", "train", "stages"},
            "pocket-t5-other-facts": {"model", "train", "knowledge"},
            "pocket-t5-single-stage-other-facts": {"model", "train", "stages", "knowledge"},
            "pocket-sentence": {"definition"},
            "pocket-other-facts": {"knowledge"},
            "pocket-in-context": {"in_context", "stages"},
            "pocket-natural-sources": {"sources", "definition"},
            "pocket-gradients": {"stages", "measures"},
            "pocket-gradients-control": {"stages", "measures", "subsets"},
            "pocket-probes": {"definition", "measures"},
            "pocket-is-isnt": {"knowledge", "sources", "definition", "stages"},
        }
        assert changed <= allowed[experiment.name]
        corpus = build_corpus(cell.experiment, 0)
        limit = cell.experiment.model.model_dump()["config"].get("max_position_embeddings", float("inf"))
        assert all(len(document.text.split()) < limit for item in corpus.eval_sets for document in item.examples)
