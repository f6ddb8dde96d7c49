from typing import Any

import numpy as np
import pytest

from sayso.core.corpus import Corpus
from sayso.core.training import TrainSpec
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.near_ties import FURTHER, SAMPLE
from sayso.learners.specs import HFModel
from tests.adversarial import adversarial
from tests.tiny_models import save_tiny, some_documents

QUESTIONS = [item for item in some_documents(600) if item.kind == "question"]


def learner_of(folder: str, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=folder, max_new_tokens=8, **settings))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that says many things, few of them decidedly."""
    return save_tiny(tmp_path_factory.mktemp("model"), scale=3.0)


@pytest.fixture(scope="module")
def asked(folder):
    return list(adversarial(QUESTIONS, learner_of(folder).answers([QUESTIONS])[0], 1, seed=0))


def test_answers_found_in_bfloat16_are_those_of_float32(folder, asked):
    exact, fast = learner_of(folder), learner_of(folder, evaluation_precision="bfloat16")
    right, found = exact.scores([asked])[0], fast.scores([asked])[0]
    assert exact.scorer.exactly == len(asked)
    assert SAMPLE < fast.scorer.exactly < len(asked)
    rough = [each.value for each in fast.scorer.found(asked, fast.documents.scored(asked), half=True)]
    assert [match for _, match in rough] != right.match.tolist()
    assert found.match.tolist() == right.match.tolist()
    assert 0 < right.match.sum() < len(asked)
    np.testing.assert_array_equal(found.loss, [loss for loss, _ in rough])
    np.testing.assert_allclose(found.loss, right.loss, rtol=0.05, atol=0.05)
    assert fast.answers([asked]) == exact.answers([asked])


def test_questions_asked_set_by_set_are_answered_as_in_float32_until_weights_change_and_after(folder, asked):
    exact, fast = learner_of(folder), learner_of(folder, evaluation_precision="bfloat16")
    sets = [asked[at : at + 100] for at in range(0, len(asked), 100)]
    for stage in ("as it was", "trained"):
        sampled = []
        for own in sets:
            found, right = (learner.scores([own])[0].match.tolist() for learner in (fast, exact))
            assert found == right
            sampled.append(fast.scorer.exactly)
        assert sampled[0] >= SAMPLE > FURTHER
        if stage == "as it was":
            for learner in (exact, fast):
                learner.fit([QUESTIONS[:16]], TrainSpec(batch_size=8, learning_rate=1e-3), stage="s", epochs=1)


def test_few_texts_are_all_read_in_float32(folder, asked):
    exact, fast = learner_of(folder), learner_of(folder, evaluation_precision="bfloat16")
    few = [asked[:SAMPLE]]
    assert fast.scores(few)[0].match.tolist() == exact.scores(few)[0].match.tolist()
    assert fast.scorer.exactly == SAMPLE
    assert fast.answers(few) == exact.answers(few)
    for learner in (exact, fast):
        assert learner.scores([[]])[0].match.shape == (0,)
        assert learner.answers([[]]) == [[]]


def test_on_a_cpu_auto_is_float32(folder, asked):
    usual, exact = learner_of(folder), learner_of(folder, evaluation_precision="float32")
    np.testing.assert_array_equal(usual.scores([asked])[0].loss, exact.scores([asked])[0].loss)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_questions_are_put_into_groups_once(folder, asked, precision, monkeypatch):
    learner = learner_of(folder, evaluation_precision=precision)
    plan, planned = learner.reader.plan, []

    def counted(documents: Any, *given: Any, **more: Any) -> Any:
        planned.append(len(documents))
        return plan(documents, *given, **more)

    monkeypatch.setattr(learner.reader, "plan", counted)
    first, again = learner.scores([asked])[0], learner.scores([asked])[0]
    np.testing.assert_array_equal(first.loss, again.loss)
    assert planned.count(len(asked)) == 1
    learner.scores([asked[:100]])
    assert planned.count(100) == 1
