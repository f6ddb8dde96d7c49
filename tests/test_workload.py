import pytest

from sayso import Sampling
from sayso.core.errors import SaysoError
from sayso.core.subsets import TABLE_1
from sayso.data.build import build_corpus
from sayso.learners.specs import HFModel
from sayso.paper.text_experiments import PAPER_IN_CONTEXT, PAPER_MAIN
from sayso.workload import CHARACTERS_PER_TOKEN, workload
from tests.data.plain_facts import PlainFacts
from tests.data.test_paper_splits import paper

#: The main experiment on facts that are at hand: 4000 people with six questions and two ways to ask who they are.
AT_HAND = PAPER_MAIN.model_copy(update={"knowledge": PlainFacts(entities=4000)})


def test_the_papers_numbers_come_out_whether_facts_are_at_hand_or_not(monkeypatch, tmp_path):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))
    for experiment in (PAPER_MAIN, AT_HAND):
        found = workload(experiment)
        stage1, stage2 = found.stages
        assert (stage1.documents, stage1.updates, stage1.epochs, stage1.repeats) == (16_000, 63, 20, 1)
        assert (stage2.documents, stage2.updates, stage2.epochs, stage2.repeats) == (960, 4, 10, 5)
        assert found.updates == 63 * 20 + 4 * 10 * 5
        assert found.evaluations == 21 + 5 * 11
    assert "facts are not at hand" in workload(PAPER_MAIN).assumption
    assert {stage.tokens for stage in workload(PAPER_MAIN).stages} == {64}


def test_documents_at_hand_are_counted_as_they_are():
    found = workload(AT_HAND)
    corpus = build_corpus(AT_HAND, AT_HAND.seeds.first)
    trained = corpus.train["X2"]
    mean = sum(len(document.text) for document in trained) / len(trained)
    assert found.stages[1].tokens == pytest.approx(mean / CHARACTERS_PER_TOKEN + 1)
    assert found.evaluated == sum(len(item.examples) for item in corpus.eval_sets)
    assert found.trained_tokens == pytest.approx(
        20 * 16_000 * found.stages[0].tokens + 5 * 10 * 960 * found.stages[1].tokens
    )


def test_settings_alone_give_the_counts_of_the_documents(monkeypatch, tmp_path):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))
    for experiment in (PAPER_MAIN, PAPER_IN_CONTEXT):
        there = experiment.model_copy(update={"knowledge": PlainFacts(entities=4000)})
        found, counted = workload(experiment), workload(there)
        assert [stage.documents for stage in found.stages] == [stage.documents for stage in counted.stages]
        asked = sum(len(item.examples) for item in build_corpus(there, 600).eval_sets)
        who = 2 * (4000 + 1000)  # the settings alone suppose four ways to ask who, not two
        assert found.evaluated == asked + who


def test_replay_and_sampling_count():
    experiment = paper(120)
    replayed = experiment.with_values({"stages.stage1.replay": 0.5, "stages.stage1.replay_from": ["X2"]})
    plain, more = workload(experiment).stages[1], workload(replayed).stages[1]
    assert (more.documents, more.updates) == (plain.documents * 1.5, plain.updates)
    drawn = experiment.model_copy(
        update={
            "train": experiment.train.model_copy(update={"sampling": Sampling(steps_per_epoch=7), "batch_size": 10})
        }
    )
    assert (workload(drawn).stages[1].documents, workload(drawn).stages[1].updates) == (70, 7)


def test_no_facts_and_no_greatest_length_is_no_estimate(monkeypatch, tmp_path):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))
    with pytest.raises(SaysoError, match=r"no estimate: .* and train\.max_length is not set"):
        workload(PAPER_MAIN.with_values({"train.max_length": None}))
    assert isinstance(PAPER_MAIN.model, HFModel)
    assert PAPER_MAIN.subsets == TABLE_1
