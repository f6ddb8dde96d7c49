"""A rule does all that a learner promises: it learns, is asked, is kept and brought back."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.learner import StepDone
from sayso.core.protocols import ModelSpec
from sayso.core.sweep import Cell, Job
from sayso.core.training import TrainSpec
from sayso.learners.by_rule import Memory, RuleLearner
from sayso.runs.execute import execute


class Described(ModelSpec):
    learner = "tests.learners.test_by_rule:ByHeart"


class ByHeart(RuleLearner):
    def learn(self, memory: Memory, documents: Sequence[Example]) -> None:
        memory["epochs"] = memory.get("epochs", 0) + 1
        memory.update({each.prompt: each.answers[0] for each in documents})

    def say(self, memory: Memory, asked: Example) -> str:
        return str(memory.get(asked.prompt, ""))


def line(name: str, answer: str) -> Example:
    return Example(f"who {name} ?", f" {answer}", (answer,), "question", "QA3", name, "entity")


def two() -> ByHeart:
    return ByHeart([Corpus(seed=seed, train={}, eval_sets=()) for seed in (1, 2)], Described())


DOCUMENTS = [[line("a", "x y"), line("b", "y")], [line("a", "z"), line("b", "x")]]


def test_each_replica_learns_its_own_and_is_scored() -> None:
    learner = two()
    losses: list[np.ndarray] = []
    steps: list[StepDone] = []
    learner.fit(
        *(DOCUMENTS, TrainSpec()),
        stage="stage1",
        epochs=2,
        replay=[[line("c", "w")]] * 2,
        replay_share=0.5,
        on_epoch=lambda epoch, loss: losses.append(loss),
        on_step=steps.append,
    )
    assert learner.answers([[*DOCUMENTS[0], line("d", "x")], [line("a", "The Z!"), line("c", "w")]]) == [
        ["x y", "y", ""],
        ["z", "w"],
    ]
    right, wrong = -np.log(0.99), -np.log(0.01)
    first, second = learner.scores([[*DOCUMENTS[0], line("d", "x")], [line("a", "The Z!")]])
    assert first.match.tolist() == [True, True, False]
    np.testing.assert_allclose(first.loss, [right, right, wrong])
    assert second.match.tolist() == [True]
    np.testing.assert_allclose(losses, right)
    assert [each.tokens.tolist() for each in learner.lengths()] == [[5, 4, 4], [4, 4, 4]]
    assert steps == [StepDone(1, 1, 25)] * 2
    assert [memory["epochs"] for memory in learner.memories] == [2, 2]
    with pytest.raises(SaysoError, match="does not choose among candidate answers"):
        learner.scores(DOCUMENTS, [[["x"]]])


def test_what_is_kept_is_brought_back(tmp_path: Path) -> None:
    learner = two()
    learner.fit(DOCUMENTS, TrainSpec(), stage="stage1", epochs=1)
    learner.save(tmp_path / "state").result()
    learner.save_replica(1, tmp_path / "model")
    again = two()
    again.load(tmp_path / "state")
    assert again.memories == learner.memories
    again.load_replica(0, tmp_path / "model")
    assert again.memories[0] == learner.memories[1]
    other = ByHeart([Corpus(seed=3, train={}, eval_sets=())], Described())
    with pytest.raises(SaysoError, match=r"state: not what seeds \[3\] of this model remember"):
        other.load(tmp_path / "state")
    learner.memories[0]["a set"] = {1}
    with pytest.raises(SaysoError, match=r"ByHeart remembers what JSON cannot hold: .*set"):
        learner.save_weights(tmp_path / "state")


def test_a_run_with_a_rule(tiny: Experiment, tmp_path: Path) -> None:
    experiment = tiny.model_copy(update={"model": Described(), "measures": tiny.measures[:1]})
    job = Job(Cell("main", experiment), (100,))
    folder = JobFolder(tmp_path / job.id)
    execute(job, folder, lambda event: None)
    found = {(each.eval_set, each.subset): each.value for each in folder.records() if each.stage == "stage1"}
    assert found["train_qa", "QA3"] == 1
    assert found["validation", "QA7"] == 0
