"""Two processes that train one model give what one gives: started here, they talk by gloo."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.training import TrainSpec
from sayso.learners.several import learner as several
from sayso.learners.several.learner import build
from sayso.learners.single.learner import HFLearner
from sayso.learners.specs import HFModel
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS, REPLAYED = some_documents(21), some_documents(5, seed=1)
ASKED = some_documents(9, seed=2)
#: Nine documents, and four of the last batch: the processes' parts differ in documents and passes.
TRAIN = TrainSpec(batch_size=9, learning_rate=1e-3, max_grad_norm=0.5, weight_decay=0.1)
WAYS = pytest.mark.parametrize("sharded", [False, True], ids=["replicated", "sharded"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("model"), scale=4.0)


@pytest.fixture(scope="module", autouse=True)
def _ended():
    """Processes are started once for all tests, and end with them."""
    yield
    for members in several.MEMBERS:
        members.end()


def learner_of(folder: str, devices: int = 1, **settings: Any) -> Any:
    return build([Corpus(1, {}, ())], HFModel(name=folder, devices=devices, **settings))


def trained(learner: Any, epochs: int = 2, **settings: Any) -> Any:
    """The loss of each epoch, and after it the losses of questions and whether these are answered."""
    found: list[Any] = []
    train = TRAIN.model_copy(update=settings)

    def after(epoch: int, loss: Any) -> None:
        (scores,) = learner.scores([ASKED])
        found.append([float(loss[0]), *scores.loss, *scores.match])

    learner.fit([DOCUMENTS], train, stage="s", epochs=epochs, replay=[REPLAYED], replay_share=0.3, on_epoch=after)
    return np.array(found)


@WAYS
@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_losses_scores_and_answers_are_those_of_one_process(folder, sharded, optimizer):
    one, two = learner_of(folder), learner_of(folder, 2, sharded=sharded)
    assert isinstance(one, HFLearner)
    assert one.parameters.keys() == two.own.parameters.keys()
    np.testing.assert_allclose(trained(two, optimizer=optimizer), trained(one, optimizer=optimizer), rtol=1e-5)
    assert two.answers([ASKED]) == one.answers([ASKED])
    candidates = [[("queen", "The king of France", item.answers[0]) for item in ASKED]]
    chosen, right = (learner.scores([ASKED], candidates)[0].choices or [] for learner in (two, one))
    assert len(chosen) == len(ASKED)
    np.testing.assert_allclose(np.stack(chosen), np.stack(right), rtol=1e-4)
    whole = TRAIN.model_copy(update={"padding_loss": "none"})
    for mine, theirs in zip(two.document_losses([ASKED], whole), one.document_losses([ASKED], whole), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)
    for own, others in zip(two.activations([ASKED], [1], [-1]), one.activations([ASKED], [1], [-1]), strict=True):
        np.testing.assert_allclose(own.values, others.values, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "config"),
    [("gpt2", dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)), ("t5", {"dropout_rate": 0.0})],
)
@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module .* returned a view")  # nothing is done to it in place
def test_a_model_with_tied_weights_is_sharded(architecture, config, tmp_path):
    """The output layer has the input embedding's weights."""
    folder = save_tiny(tmp_path / "model", architecture, **config)
    one, two = learner_of(folder), learner_of(folder, 2, sharded=True)
    np.testing.assert_allclose(trained(two, epochs=1), trained(one, epochs=1), rtol=1e-5)
    two.save_replica(0, tmp_path / "kept")
    one.load_replica(0, tmp_path / "kept")
    np.testing.assert_allclose(one.scores([ASKED])[0].loss, two.scores([ASKED])[0].loss, rtol=1e-5)


@WAYS
def test_a_model_is_kept_as_transformers_does(folder, sharded, tmp_path):
    learner = learner_of(folder, 2, sharded=sharded)
    learner.fit([DOCUMENTS], TRAIN, stage="s", epochs=1)
    (before,) = learner.scores([ASKED])
    learner.save_replica(0, tmp_path / "kept")
    own = AutoModelForCausalLM.from_pretrained(tmp_path / "kept").state_dict()
    assert own.keys() == AutoModelForCausalLM.from_pretrained(folder).state_dict().keys()
    again = learner_of(folder, 2, sharded=sharded)
    again.load_replica(0, tmp_path / "kept")
    np.testing.assert_allclose(again.scores([ASKED])[0].loss, before.loss, rtol=1e-6)
    np.testing.assert_allclose(learner_of(str(tmp_path / "kept")).scores([ASKED])[0].loss, before.loss, rtol=1e-5)


@WAYS
def test_a_damaged_checkpoint_is_refused_and_training_goes_on_from_another(folder, sharded, tmp_path):
    learner = learner_of(folder, 2, sharded=sharded)
    learner.fit([DOCUMENTS], TRAIN, stage="s", epochs=1)
    for name in ("good", "bad"):
        learner.save(tmp_path / name).result()
    bad = tmp_path / "bad"
    file = max(bad.glob("*.distcp"), key=lambda path: path.stat().st_size) if sharded else bad
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(SaysoError, match=r"cut off|not a readable checkpoint"):
        learner.load(bad)
    learner.load(tmp_path / "good")
    learner.fit([DOCUMENTS], TRAIN, stage="s", epochs=2, start_epoch=1)


def test_a_stage_that_its_listener_leaves_is_left_by_all(folder):
    learner = learner_of(folder, 2)

    def leave(*_):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        learner.fit([DOCUMENTS], TRAIN, stage="s", epochs=5, on_epoch=leave)
    assert len(learner.scores([ASKED])[0].loss) == len(ASKED)


@pytest.mark.parametrize(
    ("optimizer", "before", "after"),
    [
        ("adafactor", (2, True), (1, False)),
        ("adamw", (1, False), (2, True)),
        ("adafactor", (1, False), (2, True)),
        ("adamw", (2, True), (1, False)),
        ("adafactor", (2, True), (3, True)),
    ],
)
def test_training_goes_on_with_another_number_of_processes(folder, before, after, optimizer, tmp_path):
    path = tmp_path / "checkpoint"
    train = TRAIN.model_copy(update={"optimizer": optimizer})

    def losses(learner: Any, start: int = 0, save: Any = None) -> list[float]:
        found: list[float] = []

        def after(epoch: int, loss: Any) -> None:
            found.append(float(loss[0]))
            if epoch == 1 and save is not None:
                save(path)  # beside the second epoch, of which nothing may be in it

        learner.fit([DOCUMENTS], train, stage="s", epochs=2, start_epoch=start, on_epoch=after)
        return found

    right = losses(learner_of(folder))
    first = learner_of(folder, before[0], sharded=before[1])
    saved: list[Any] = []
    losses(first, save=lambda path: saved.append(first.save(path)))
    saved[0].result()
    assert path.is_dir() == before[1]
    then = learner_of(folder, after[0], sharded=after[1])
    then.load(path)
    np.testing.assert_allclose(losses(then, start=1), right[1:], rtol=1e-5)


def test_an_error_in_one_process_ends_all_with_its_message(folder):
    learner = learner_of(folder, 3)  # as many as the test before has left
    learner._members.tell("no_such_method")
    with pytest.raises(SaysoError, match=r"process [23] of 3: AttributeError: .*no_such_method"):
        learner.scores([ASKED])
    assert None not in [process.poll() for process in learner._members._processes]


def test_a_process_that_is_killed_ends_all(folder):
    learner = learner_of(folder, 2)
    (other,) = learner._members._processes

    def kill(*_):
        other.kill()

    with pytest.raises(SaysoError, match="process 2 of 2 that train one model together ended with code -9"):
        learner.fit([DOCUMENTS], TRAIN, stage="s", epochs=5, on_epoch=kill)
    assert not torch.distributed.is_initialized()
    with pytest.raises(SaysoError, match="have ended; build it again"):
        learner.scores([ASKED])
