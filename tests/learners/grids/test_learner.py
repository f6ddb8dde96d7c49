from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import MatrixPeak
from sayso.core.pictures import fixed_draws
from sayso.core.training import Sampling, TrainSpec
from sayso.data.build import build_corpus
from sayso.learners import matrix_peak
from sayso.learners.grids import networks
from sayso.learners.grids.learner import GridLearner
from sayso.learners.grids.specs import ConvNeXtV2, GridConvNet, GridMLP
from sayso.paper.pocket_settings import POCKET_DIGITS
from tests.conftest import make_tiny

SMALL = POCKET_DIGITS.with_settings({"knowledge.entities": 24, "knowledge.grid": 2, "split.trained_questions": 3})
SEEDS = (3, 4, 5)
CORPORA = {seed: build_corpus(SMALL, seed) for seed in SEEDS}
MODELS = {
    "mlp": GridMLP(width=24, depth=2),
    "convnet": GridConvNet(width=4, hidden=16),
    "convnext": ConvNeXtV2(depths=(1, 1), hidden_sizes=(8, 16)),
}
EVERY_MODEL = pytest.mark.parametrize("name", MODELS)
FAST = TrainSpec(optimizer="adamw", learning_rate=3e-3, batch_size=16)
SAMPLED = FAST.model_copy(update={"sampling": Sampling(steps_per_epoch=6)})


def learner(*seeds: int, name: str = "mlp") -> GridLearner:
    return MODELS[name].build([CORPORA[seed] for seed in seeds])  # type: ignore[return-value]


def documents(*seeds: int) -> list[tuple[Example, ...]]:
    return [CORPORA[seed].documents(("X1", "X2")) for seed in seeds]


def everything(seed: int) -> list[Example]:
    return [one for item in CORPORA[seed].eval_sets for one in item.examples]


def weights(model: GridLearner, replica: int) -> dict[str, torch.Tensor]:
    return {name: tensor[replica].detach().clone() for name, tensor in model.parameters.items()}


def assert_same_weights(one: GridLearner, other: GridLearner) -> None:
    for name, tensor in one.parameters.items():
        assert torch.equal(tensor, other.parameters[name]), name


# --- replicas and their company


@EVERY_MODEL
@pytest.mark.parametrize("train", [FAST, SAMPLED])
def test_a_replica_trained_alone_is_the_replica_trained_among_others(name, train):
    together = learner(*SEEDS, name=name)
    together.fit(documents(*SEEDS), train, stage="joint", epochs=1)
    found = together.scores([everything(seed) for seed in SEEDS])
    for replica, seed in enumerate(SEEDS):
        alone = learner(seed, name=name)
        start = weights(alone, 0)
        alone.fit(documents(seed), train, stage="joint", epochs=1)
        assert max(float((tensor - start[key]).abs().max()) for key, tensor in weights(alone, 0).items()) > 3e-3
        tolerance = 0.0 if name == "mlp" else 2e-4  # the stacked loss of small convolutions rounds in its own way
        for key, tensor in weights(alone, 0).items():
            torch.testing.assert_close(tensor, weights(together, replica)[key], rtol=0, atol=tolerance)
        (mine,) = alone.scores([everything(seed)])
        np.testing.assert_allclose(mine.loss, found[replica].loss, rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_linear_layers_train_as_torchs_do(monkeypatch, precision):
    train = FAST.model_copy(update={"precision": precision})
    ours = learner(*SEEDS)
    ours.fit(documents(*SEEDS), train, stage="joint", epochs=1)
    assert any(isinstance(module, networks.Linear) for module in ours._module.modules())
    monkeypatch.setattr(networks, "Linear", torch.nn.Linear)
    theirs = learner(*SEEDS)
    theirs.fit(documents(*SEEDS), train, stage="joint", epochs=1)
    assert_same_weights(ours, theirs)


def test_replicas_differ_and_their_weights_follow_from_the_seed_alone():
    one = learner(3, 4)
    torch.manual_seed(99)
    other = learner(4)
    first, second = weights(one, 0), weights(one, 1)
    assert not torch.equal(first["1.weight"], second["1.weight"])
    assert all(torch.equal(tensor, second[key]) for key, tensor in weights(other, 0).items())


# --- training


@EVERY_MODEL
def test_a_few_documents_are_learned(name):
    model = learner(3, 4, name=name)
    seen: list[float] = []
    few = [[*own[:9], *own[-3:]] for own in documents(3, 4)]
    assert {document.kind for document in few[0]} == {"question", "definition"}
    train = TrainSpec(optimizer="adamw", learning_rate=1e-2, batch_size=24, sampling=Sampling(steps_per_epoch=30))
    model.fit(few, train, stage="joint", epochs=3, on_epoch=lambda _, loss: seen.append(float(loss.max())))
    assert len(seen) == 3
    assert seen[-1] < 0.5 * seen[0]


def test_training_goes_on_bit_by_bit_where_it_was_stopped(tmp_path):
    train = SAMPLED.model_copy(update={"batch_size": 8})
    whole = learner(3, 4)
    losses: list[list[float]] = []
    whole.fit(documents(3, 4), train, stage="s", epochs=3, on_epoch=lambda _, loss: losses.append(loss.tolist()))
    stopped = learner(3, 4)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(documents(3, 4), train, stage="s", epochs=3, on_epoch=saving(stopped, tmp_path / "state", 2))
    again = learner(3, 4)
    again.load(tmp_path / "state")
    rest: list[list[float]] = []
    again.fit(
        documents(3, 4), train, stage="s", epochs=3, start_epoch=2, on_epoch=lambda _, loss: rest.append(loss.tolist())
    )
    assert rest == losses[2:]
    assert_same_weights(again, whole)
    examples = [everything(3), everything(4)]
    for one, other in zip(again.scores(examples), whole.scores(examples), strict=True):
        np.testing.assert_array_equal(one.loss, other.loss)


def saving(model: GridLearner, path: Path, last: int) -> Callable[[int, object], None]:
    def on_epoch(epoch: int, _: object) -> None:
        model.save(path)
        if epoch == last:
            raise KeyboardInterrupt

    return on_epoch


def test_a_stage_goes_on_only_after_load():
    with pytest.raises(ValueError, match="load"):
        learner(3).fit(documents(3), FAST, stage="s", epochs=2, start_epoch=1)


def test_images_are_drawn_anew_in_every_step_and_only_from_the_training_split(monkeypatch):
    model = learner(3)
    kinds: list[str] = []
    drawn: list[np.ndarray] = []
    choose = model._pictures.choose

    class Spy:
        def __getattr__(self, name):
            return getattr(CORPORA[3].pictures, name)

        def choose(self, symbols, draws, split):
            kinds.append(split)
            drawn.append(choose(symbols, draws, split))
            return drawn[-1]

    model._pictures = Spy()
    model.fit(documents(3), SAMPLED, stage="joint", epochs=2)
    assert kinds == ["train"] * 12
    first_test_image = CORPORA[3].pictures.source.first[1, 0]  # type: ignore[union-attr]
    assert all((images < first_test_image).all() for images in drawn)
    assert len({images.tobytes() for images in drawn}) == 12
    kinds.clear()
    model.scores([everything(3)])
    model.answers([everything(3)])
    assert set(kinds) == {"test"}
    assert (drawn[-1] >= first_test_image).all()


def first_loss(document: Example, train: TrainSpec) -> float:
    seen: list[float] = []
    learner(3).fit([[document]], train, stage="s", epochs=1, on_epoch=lambda _, loss: seen.append(loss.item()))
    return seen[0]


def test_the_loss_counts_all_cells_or_the_asked_one():
    question = next(document for document in documents(3)[0] if document.kind == "question")
    definition = next(document for document in documents(3)[0] if document.kind == "definition")
    losses = {}
    for loss_on in ("all", "completion"):
        for document in (question, definition):
            train = FAST.model_copy(update={"loss_on": loss_on, "batch_size": 1})
            losses[loss_on, document.kind] = first_loss(document, train)
    assert losses["all", "definition"] == losses["completion", "definition"]
    assert losses["all", "question"] != losses["completion", "question"]


def test_replayed_documents_are_trained_on_too():
    mine, other = documents(3)[0][:16], documents(3)[0][-8:]
    plain, replayed = learner(3), learner(3)
    plain.fit([mine], FAST, stage="s", epochs=2)
    replayed.fit([mine], FAST, stage="s", epochs=2, replay=[other], replay_share=0.5)
    assert not torch.equal(weights(plain, 0)["1.weight"], weights(replayed, 0)["1.weight"])


def test_a_replica_with_fewer_documents_is_one_line():
    with pytest.raises(SaysoError, match="replicas side by side need equally many documents"):
        learner(3, 4).fit([documents(3)[0], documents(4)[0][:-1]], FAST, stage="s", epochs=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_length": 8}, "no padding and no length"),
        ({"padding_loss": "all", "max_length": 8}, "no padding and no length"),
        ({"embedding_multiplier": 2.0}, "a model that sees has none"),
    ],
)
def test_settings_for_models_that_read_are_one_line(settings, said):
    with pytest.raises(SaysoError, match=said):
        learner(3).fit(documents(3), FAST.model_copy(update=settings), stage="s", epochs=1)


def test_bfloat16_is_trained_in_weights_stay_float32_and_evaluation_is_in_float32(tmp_path):
    """What is read back is scored as what was trained, whatever it was trained in."""
    losses: list[float] = []
    models = [learner(3), learner(3)]
    for model, precision in zip(models, ("float32", "bfloat16"), strict=True):
        train = SAMPLED.model_copy(update={"precision": precision})
        model.fit(documents(3), train, stage="s", epochs=1, on_epoch=lambda _, loss: losses.append(float(loss[0])))
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    half, other = models[1], learner(3)
    assert {tensor.dtype for tensor in half.parameters.values()} == {torch.float32}
    half.save(tmp_path / "state").result()
    other.load(tmp_path / "state")
    for one, again in zip(half.scores([everything(3)]), other.scores([everything(3)]), strict=True):
        np.testing.assert_array_equal(one.loss, again.loss)


# --- measuring


@EVERY_MODEL
def test_a_match_is_what_comparing_answers_gives_and_a_loss_is_that_of_the_network(name):
    model = learner(3, 4, name=name)
    model.fit(
        documents(3, 4),
        FAST.model_copy(update={"sampling": Sampling(steps_per_epoch=20), "loss_on": "completion"}),
        stage="joint",
        epochs=1,
    )
    asked = [everything(3), everything(4)[:50]]
    scores, answers = model.scores(asked), model.answers(asked)
    for replica, own in enumerate(asked):
        matches = [answer in example.answers for example, answer in zip(own, answers[replica], strict=True)]
        assert scores[replica].match.tolist() == matches
        assert 0 < sum(matches) < len(matches)
        # an oracle that shares nothing but the network: one picture at a time, each cell by itself
        seed, pictures = SEEDS[replica], CORPORA[SEEDS[replica]].pictures
        network = model._module
        network.load_state_dict(weights(model, replica))
        for position in range(0, len(own), 17):
            example = own[position]
            pixels = torch.as_tensor(pictures.picture(example, seed, "test")).float() / 127.5 - 1  # type: ignore[union-attr]
            with torch.no_grad():
                logits = network(pixels[None]).view(4, 9).log_softmax(-1)
            places = range(4) if example.kind == "definition" else [int(example.attribute[-1]) - 1]
            labels = example.answers[0].replace("/", "")
            expected = -np.mean([float(logits[p]["ABCDEFGH".index(k)]) for p, k in zip(places, labels, strict=True)])
            assert scores[replica].loss[position] == pytest.approx(expected, abs=1e-4)


def test_scores_do_not_depend_on_what_is_scored_beside_them():
    model = learner(3, 4)
    examples = everything(3)
    (all_of_them, _) = model.scores([examples, everything(4)])
    (few, other) = model.scores([examples[40:47], []])
    np.testing.assert_allclose(few.loss, all_of_them.loss[40:47], rtol=0, atol=1e-5)
    assert len(other.loss) == 0
    model._evaluation.rows = 7
    (rows, _) = model.scores([examples, everything(4)])
    np.testing.assert_allclose(rows.loss, all_of_them.loss, rtol=0, atol=1e-5)


class Full:
    """A device on which only so many pictures of each replica fit; counts how often memory ran out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.times = 0
        whole = GridLearner._logits

        def limited(model: GridLearner, images: np.ndarray, *given: np.ndarray, half: bool = False) -> torch.Tensor:
            if images.shape[1] > most:
                self.times += 1
                raise torch.OutOfMemoryError("no memory left")
            return whole(model, images, *given, half=half)

        monkeypatch.setattr(GridLearner, "_logits", limited)


@EVERY_MODEL
@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_when_memory_runs_out_passes_get_smaller_and_the_update_stays(name, loss_on, monkeypatch):
    roomy, full = learner(3, 4, name=name), learner(3, 4, name=name)
    train = TrainSpec(learning_rate=1e-3, batch_size=16, loss_on=loss_on, sampling=Sampling(steps_per_epoch=3))
    heard: list[np.ndarray] = []
    roomy.fit(documents(3, 4), train, stage="s", epochs=1, on_epoch=lambda _, loss: heard.append(loss))
    with monkeypatch.context() as patch:
        device = Full(patch, 5)
        full.fit(documents(3, 4), train, stage="s", epochs=1, on_epoch=lambda _, loss: heard.append(loss))
    assert device.times == 2  # 16 -> 8 -> 4, and never again
    np.testing.assert_allclose(heard[0], heard[1], rtol=1e-5)
    for key, tensor in full.parameters.items():
        torch.testing.assert_close(tensor, roomy.parameters[key], rtol=0, atol=2e-5)


def test_evaluation_gets_smaller_too(monkeypatch):
    model = learner(3, 4)
    asked = [everything(3), everything(4)]
    scores, answers = model.scores(asked), model.answers(asked)
    Full(monkeypatch, 50)
    assert model.answers(asked) == answers
    model._evaluation.rows = None
    for one, other in zip(model.scores(asked), scores, strict=True):
        np.testing.assert_allclose(one.loss, other.loss, rtol=0, atol=1e-5)
        assert one.match.tolist() == other.match.tolist()


def test_where_not_even_one_picture_fits_it_is_an_error(monkeypatch):
    Full(monkeypatch, 0)
    with pytest.raises(SaysoError, match="out of memory with one document in training; try fewer seeds side by side"):
        learner(3).fit(documents(3), FAST, stage="s", epochs=1)


def test_nothing_is_answered_by_nothing():
    model = learner(3)
    assert model.answers([[]]) == [[]]
    assert model.scores([[]])[0].match.shape == (0,)


# --- files


@EVERY_MODEL
def test_a_replica_comes_back_from_its_folder(name, tmp_path):
    model = learner(3, 4, name=name)
    model.save_replica(1, tmp_path)
    other = learner(5, name=name)
    other.load_replica(0, tmp_path)
    for key, tensor in weights(other, 0).items():
        assert torch.equal(tensor, weights(model, 1)[key]), key


def test_a_convnext_is_an_ordinary_checkpoint_of_transformers(tmp_path):
    from transformers import AutoModelForImageClassification

    model = learner(3, name="convnext")
    model.save_replica(0, tmp_path)
    network = AutoModelForImageClassification.from_pretrained(tmp_path, local_files_only=True).eval()
    assert network.config.num_channels == 1
    example = everything(3)[0]
    pixels = torch.as_tensor(CORPORA[3].pictures.picture(example, 3, "test")).float() / 127.5 - 1  # type: ignore[union-attr]
    padded = torch.full((24, 24), -1.0)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    with torch.no_grad():
        theirs = network(padded[None, None]).logits.view(4, 9).log_softmax(-1)
    place = int(example.attribute[-1]) - 1
    expected = -float(theirs[place]["ABCDEFGH".index(example.answers[0])])
    assert model.scores([[example]])[0].loss[0] == pytest.approx(expected, abs=1e-5)


def test_weights_of_another_network_or_none_are_one_line(tmp_path):
    with pytest.raises(SaysoError, match="no weights that can be read"):
        learner(3).load_replica(0, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(SaysoError, match="no weights that can be read"):
        learner(3).load_replica(0, tmp_path)
    learner(3, name="convnet").save_replica(0, tmp_path)
    assert load_file(tmp_path / "model.safetensors")
    with pytest.raises(SaysoError, match="other names or shapes"):
        learner(3).load_replica(0, tmp_path)


def test_a_corpus_without_pictures_is_one_line():
    with pytest.raises(SaysoError, match="knowledge must be grids of digits"):
        GridMLP().build([build_corpus(make_tiny(), 0)])
    corpora = [CORPORA[3], Corpus(4, {}, (), pictures=build_corpus(POCKET_DIGITS, 4).pictures)]
    with pytest.raises(SaysoError, match="knowledge must be grids of digits"):
        GridMLP().build(corpora)


def test_measured_images_are_those_of_the_example():
    model = learner(3)
    examples = everything(3)
    model.scores([examples])
    grids, images = model._read([examples])
    pictures = CORPORA[3].pictures
    expected = pictures.choose(grids.symbols[0], fixed_draws(examples, 3, 4), "test")  # type: ignore[union-attr]
    np.testing.assert_array_equal(images[0], expected)


@EVERY_MODEL
def test_what_a_picture_takes_of_the_matrix_peak_is_three_forward_passes(name, monkeypatch):
    monkeypatch.setattr(matrix_peak, "products_a_second", lambda _, half: 1e9)
    model = learner(3, 4, name=name)
    assert model.matrix_peak(FAST) is None  # it is small
    monkeypatch.setattr(matrix_peak, "SMALLEST", 1)
    pictures = CORPORA[3].pictures
    assert pictures is not None
    size = MODELS[name].size(pictures.shape, pictures.cells * len(pictures.classes))
    assert model.matrix_peak(FAST) == MatrixPeak("float32", 1e9, 3.0 * size.flops)
