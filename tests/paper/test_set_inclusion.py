import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.learners.specs import FromScratch
from sayso.paper.judging import claims_for
from sayso.paper.kinds import kind_of
from sayso.paper.paper_settings import PAPER_SET_INCLUSION, PYTHIA_70M
from sayso.paper.table import EXPERIMENTS

ALL = [experiment for name, experiment in EXPERIMENTS.items() if "set-inclusion" in name]


def test_they_are_in_the_catalogue():
    assert len(ALL) == 7
    assert all(experiment.seeds.first >= 100 for experiment in ALL)


def test_the_papers_model_has_the_parameters_of_pythia_70m():
    config = AutoConfig.for_model(PYTHIA_70M.architecture, **PYTHIA_70M.config, vocab_size=50304)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert total - 2 * 50304 * 512 == 18_915_328  # as its model card says
    assert total == 70_426_624


def test_the_papers_data_are_those_of_its_appendix():
    corpus = build_corpus(PAPER_SET_INCLUSION, 100)
    sizes = {item.subset: len(item.examples) for item in corpus.eval_sets if item.name == "definitions"}
    assert sizes == {"D1cons_QA1": 3200, "D2incons_QA2": 3200, "D5cons": 800, "D6cons": 800}
    assert len(corpus.train["X1"]) == 6400 * 13
    assert len(corpus.train["X2"]) == 1600
    asked = [document for document in corpus.train["X1"] if document.kind == "question"]
    assert sum(document.answers == ("Yes",) for document in asked) * 2 == len(asked) == 6400 * 12
    assert len(corpus.tokens) == 8000 + 100 + 3 + 2  # variables, integers, '?', Yes and No, tags


@pytest.mark.parametrize("experiment", ALL, ids=lambda experiment: experiment.name)
def test_there_are_claims_and_in_every_cell_documents_to_train_on(experiment):
    there = cells(experiment)
    assert any(claims_for(cell.experiment) for cell in there)  # with many questions only the sweep as a whole has some
    for cell in there:
        if experiment.name.startswith("pocket-") and cell in (there[0], there[-1]):  # the fewest and the most
            corpus = build_corpus(cell.experiment, 0)
            asked = {document.alias for document in corpus.train["X1"] if document.kind == "question"}
            questions = sum(document.kind == "question" for document in corpus.train["X1"])
            assert questions == len(asked) * cell.experiment.split.trained_questions
            assert all(corpus.documents(stage.documents) for stage in cell.experiment.stages)


@pytest.mark.parametrize("experiment", ALL, ids=lambda experiment: experiment.name)
def test_a_model_that_never_learns_to_end_is_not_waited_for(experiment):
    for cell in cells(experiment):
        ends = {cell.experiment.train_spec(stage).padding_loss for stage in cell.experiment.stages} != {"none"}
        assert isinstance(cell.experiment.model, FromScratch)
        assert ends or cell.experiment.model.max_new_tokens == 1


def test_subsets_that_claims_compare_are_of_one_size():
    corpus = build_corpus(EXPERIMENTS["pocket-set-inclusion"], 0)
    sizes = {item.subset: len(item.examples) for item in corpus.eval_sets if item.name == "definitions"}
    assert sizes["D1cons_QA1"] == sizes["D2incons_QA2"]
    assert sizes["D5cons"] == sizes["D6cons"] == sizes["D8cons"]


def test_which_of_them_are_controls():
    names = ("", "-control", "-no-stage1", "-from-scratch")
    kinds = [kind_of(EXPERIMENTS[f"pocket-set-inclusion{name}"]) for name in names]
    assert [kind == "control" for kind in kinds] == [False, True, True, False]
    questions = cells(EXPERIMENTS["pocket-set-inclusion-questions"])
    assert [cell.experiment.split.trained_questions for cell in questions] == [2, 4, 6, 12, 24]
