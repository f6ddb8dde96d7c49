"""Every experiment that is listed can be planned, written down and read again, and says what it is."""

from __future__ import annotations

import pytest

from sayso.cli.terminal import first_sentence
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.paper.paper_rows import PAPER_ROWS
from sayso.paper.paper_settings import PAPER_MAIN
from sayso.paper.pocket_rows import POCKET_ROWS
from sayso.paper.pocket_settings import POCKET
from sayso.paper.table import EXPERIMENTS
from tests.data.plain_facts import PlainFacts

EACH = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
PAPERS = [PAPER_MAIN, *(EXPERIMENTS[row.name] for row in PAPER_ROWS)]
#: Of the pocket's own; the others have the paper's axes.
CONTROLS = ("pocket-strict", "pocket-control", "pocket-strict-control", "pocket-no-stage1")
TWINS = [EXPERIMENTS[row.name] for row in POCKET_ROWS if row.name not in CONTROLS]


def test_digests_are_different_and_names_are_those_of_the_table():
    assert [experiment.name for experiment in EXPERIMENTS.values()] == list(EXPERIMENTS)
    kinds = {(experiment.digest(), *map(str, experiment.measures)) for experiment in EXPERIMENTS.values()}
    assert len(kinds) == len(EXPERIMENTS) == 52


@EACH
def test_each_experiment_is_planned_and_read_again(experiment: Experiment):
    planned = cells(experiment)
    assert len({cell.name for cell in planned}) == len(planned)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment
    assert len(first_sentence(experiment.summary)) <= 160


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
    assert "The paper " in experiment.summary
    for cell in cells(experiment):
        epochs = {stage.name: stage.epochs for stage in cell.experiment.stages}
        if experiment.name == "paper-batch-size":
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
    assert len(corpus.documents(stage.documents)) == full.train_spec(stage).batch_size
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
            "pocket-batch-size": {"stages"},
            "pocket-model-size": {"model"},
            "pocket-model-family": {"model"},
            "pocket-t5": {"model", "train"},
            "pocket-t5-single-stage": {"model", "train", "stages"},
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
