"""What a GPU gives, against what the CPU gives of the same seeds: ``pytest -m gpu`` where there is one.

Weights are drawn on the CPU whatever the device, and batches follow from the seed alone, so that both begin and go on
alike. Bounds are those of float32; convolutions may use TF32 on a GPU, whose products have ten bits.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.learner import GradientPairs, Learner, Steering
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.grids.specs import ConvNeXtV2, GridConvNet, GridMLP
from sayso.learners.modules import has_bfloat16
from sayso.learners.numerics import Numerics
from sayso.learners.single.learner import build as build_single
from sayso.learners.specs import HFModel, LoRA
from sayso.learners.stacked.learner import StackedLearner
from sayso.paper.pocket_settings import POCKET_DIGITS
from tests.adversarial import adversarial
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.tiny_models import save_tiny, some_documents

if not torch.cuda.is_available():
    pytest.skip("no GPU that torch can use", allow_module_level=True)

pytestmark = pytest.mark.gpu

SEEDS = (3, 4, 5)
#: Documents in a batch that is not to fit.
MANY = 20_000
#: The bias of keys has a gradient of rounding alone, which Adafactor makes steps of.
UNBIASED: dict[str, dict[str, Any]] = {"gpt_neox": {"attention_bias": False}}
TINY = make_tiny()
DIGITS = POCKET_DIGITS.with_settings({"knowledge.entities": 24, "knowledge.grid": 2, "split.trained_questions": 3})


@dataclass(frozen=True)
class World:
    """A model that can be made again and again, what it trains on, and what it is asked."""

    make: Callable[[], Any]
    documents: list[Sequence[Example]]
    asked: list[Sequence[Example]]
    train: TrainSpec
    tolerance: float = 1e-3


def replicas(architecture: str, _folder: Path, seeds: Sequence[int] = SEEDS) -> World:
    corpora = [build_corpus(TINY, seed) for seed in seeds]
    config = ARCHITECTURES[architecture] | UNBIASED.get(architecture, {})
    return World(
        lambda: StackedLearner(corpora, architecture, config),
        [corpus.train["X1"] for corpus in corpora],
        [[one for item in corpus.eval_sets for one in item.examples] for corpus in corpora],
        TrainSpec(learning_rate=3e-3, batch_size=16),
    )


def single(architecture: str, folder: Path, lora: LoRA | None = None) -> World:
    calm: dict[str, Any] = {"dropout_rate": 0.0} if architecture == "t5" else {}
    name = save_tiny(folder, architecture, **calm, **UNBIASED.get(architecture, {}))
    options: dict[str, Any] = {"label_length": 40} if architecture == "t5" else {}
    documents = some_documents(60)
    return World(
        lambda: build_single([Corpus(1, {}, ())], HFModel(name=name, lora=lora, **options)),
        [documents],
        [documents[:30]],
        TrainSpec(batch_size=16, learning_rate=1e-3, precision="float32"),
    )


def grids(spec: Any, _folder: Path, tolerance: float = 1e-3) -> World:
    corpora = [build_corpus(DIGITS, seed) for seed in SEEDS]
    return World(
        lambda: spec.build(corpora),
        [corpus.documents(("X1", "X2")) for corpus in corpora],
        [[one for item in corpus.eval_sets for one in item.examples] for corpus in corpora],
        TrainSpec(optimizer="adamw", learning_rate=1e-3, batch_size=16, precision="float32"),
        tolerance,
    )


WORLDS: dict[str, Callable[[Path], World]] = {
    "replicas gpt_neox": lambda folder: replicas("gpt_neox", folder),
    "replicas t5": lambda folder: replicas("t5", folder),
    "one gpt_neox": lambda folder: single("gpt_neox", folder),
    "one gpt_neo": lambda folder: single("gpt_neo", folder),
    "one llama": lambda folder: single("llama", folder),
    "one t5": lambda folder: single("t5", folder),
    "one llama, lora": lambda folder: single("llama", folder, LoRA(rank=4, dropout=0.0, target_modules="all-linear")),
    "grids mlp": lambda folder: grids(GridMLP(width=24, depth=2), folder),
    "grids convnet": lambda folder: grids(GridConvNet(width=4, hidden=16), folder, 2e-2),
    "grids convnext": lambda folder: grids(ConvNeXtV2(depths=(1, 1), hidden_sizes=(8, 16)), folder, 2e-2),
}
EVERY = pytest.mark.parametrize("name", WORLDS)
#: Replicas train in float32 alone.
IN_BFLOAT16 = pytest.mark.parametrize("name", [name for name in WORLDS if not name.startswith("replicas")])
LANGUAGE = pytest.mark.parametrize("name", [name for name in WORLDS if not name.startswith("grids")])


def made(world: World, device: str) -> Any:
    """The world's model on a device."""
    with pytest.MonkeyPatch.context() as patch:
        if device == "cpu":
            patch.setattr(torch.cuda, "is_available", lambda: False)
        learner = world.make()
    assert learner.device.type == device
    return learner


def trained(learner: Learner, world: World, train: TrainSpec | None = None, **more: Any) -> Any:
    """Mean losses of each epoch and replica."""
    losses: list[Any] = []
    options = {"stage": "s", "epochs": 3, "on_epoch": lambda _, loss: losses.append(loss), **more}
    learner.fit(world.documents, train or world.train, **options)
    return np.array(losses)


def kept_after_two(learner: Any, world: World, state: Path) -> None:
    """Train all epochs, and keep what there is after the second."""

    def keep(epoch: int, _loss: Any) -> None:
        if epoch == 2:
            learner.save(state).result()

    trained(learner, world, on_epoch=keep)


def weights(learner: Any) -> Any:
    return torch.cat([tensor.detach().flatten().cpu() for tensor in learner.parameters.values()])


@EVERY
def test_losses_scores_and_answers_are_the_cpus(name, tmp_path):
    world = WORLDS[name](tmp_path)
    here, there = (made(world, device) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(trained(here, world), trained(there, world), rtol=world.tolerance)
    for ours, theirs in zip(here.scores(world.asked), there.scores(world.asked), strict=True):
        np.testing.assert_allclose(ours.loss, theirs.loss, rtol=10 * world.tolerance, atol=world.tolerance)
        assert float(np.mean(ours.match == theirs.match)) >= 0.95
    few = [own[:8] for own in world.asked]
    pairs = [pair for own in zip(here.answers(few), there.answers(few), strict=True) for pair in zip(*own, strict=True)]
    assert sum(one == other for one, other in pairs) >= 0.8 * len(pairs)


#: What transformers does itself to read these: it looks at their masks.
LOOKED_AT = {"one gpt_neo", "one t5"}


@pytest.mark.parametrize("precision", ["float32", "auto"])
@pytest.mark.parametrize("name", [name for name in WORLDS if name not in LOOKED_AT])
def test_a_step_waits_for_nothing(name, precision, tmp_path):
    world = WORLDS[name](tmp_path)
    train = world.train if name.startswith("replicas") else world.train.model_copy(update={"precision": precision})
    training = made(world, "cuda").training(world.documents, train, stage="s", epochs=2)
    first, second, third, *_ = training.order.epoch(1)
    training.update(first)
    torch.cuda.set_sync_debug_mode("error")
    try:
        training.update(second)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert np.isfinite(training.update(third)).all()


@pytest.mark.skipif(find_spec("triton") is None, reason="no compiler for a GPU")
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_compiled_blocks_train_as_others_do(precision, tmp_path):
    world = WORLDS["one llama"](tmp_path)
    train = world.train.model_copy(update={"precision": precision})
    name = save_tiny(tmp_path / "compiled", "llama")
    compiled = build_single([Corpus(1, {}, ())], HFModel(name=name, compiled=True))
    assert compiled.reader.name == "compiled"
    found = trained(compiled, world, train)
    np.testing.assert_allclose(
        found, trained(made(world, "cuda"), world, train), rtol=1e-3 if precision == "float32" else 3e-2
    )


@pytest.mark.skipif(not has_bfloat16(torch.device("cuda")), reason="this GPU has no bfloat16")
@IN_BFLOAT16
def test_in_bfloat16_losses_are_near(name, tmp_path):
    world = WORLDS[name](tmp_path)
    half = world.train.model_copy(update={"precision": "auto"})
    found, right = trained(made(world, "cuda"), world, half), trained(made(world, "cuda"), world)
    np.testing.assert_allclose(found, right, rtol=3e-2)
    assert not np.array_equal(found, right)


@pytest.mark.skipif(not has_bfloat16(torch.device("cuda")), reason="this GPU has no bfloat16")
def test_answers_found_in_bfloat16_are_those_of_float32(tmp_path):
    name = save_tiny(tmp_path, scale=3.0)
    fast, exact = (
        build_single([Corpus(1, {}, ())], HFModel(name=name, max_new_tokens=8, evaluation_precision=precision))
        for precision in ("auto", "float32")
    )
    questions = [item for item in some_documents(3000) if item.kind == "question"]
    asked = list(adversarial(questions, exact.answers([questions])[0], 1, seed=0))
    right, found = exact.scores([asked])[0], fast.scores([asked])[0]
    assert fast.scorer.exactly < len(asked)
    assert not np.array_equal(found.loss, right.loss)
    np.testing.assert_array_equal(found.match, right.match)


@EVERY
def test_what_was_stopped_goes_on_as_if_it_had_not_been(name, tmp_path):
    world = WORLDS[name](tmp_path)
    through, after = (made(world, "cuda") for _ in range(2))
    kept_after_two(through, world, tmp_path / "state")
    after.load(tmp_path / "state")
    trained(after, world, start_epoch=2)
    torch.testing.assert_close(weights(after), weights(through), rtol=0, atol=max(1e-4, world.tolerance / 10))


@EVERY
def test_in_one_order_what_was_stopped_goes_on_to_the_same_bits(name, tmp_path):
    before = Numerics.now()
    Numerics(deterministic=True).set_up()
    try:
        world = WORLDS[name](tmp_path)
        through, after = (made(world, "cuda") for _ in range(2))
        kept_after_two(through, world, tmp_path / "state")
        after.load(tmp_path / "state")
        trained(after, world, start_epoch=2)
    finally:
        before.set_up()
    assert torch.equal(weights(after), weights(through))


def test_products_of_short_factors_are_near(tmp_path):
    world, before = WORLDS["one llama"](tmp_path), Numerics.now()
    right = trained(made(world, "cuda"), world)
    Numerics(tf32=True).set_up()
    try:
        found = trained(made(world, "cuda"), world)
    finally:
        before.set_up()
    np.testing.assert_allclose(found, right, rtol=1e-2)


@pytest.mark.parametrize("share", [True, False])
def test_flash_attention_to_documents_is_that_of_documents_side_by_side(share, tmp_path):
    world = WORLDS["one llama"](tmp_path)
    learner = made(world, "cuda")
    reader, documents = learner.reader, learner.documents.scored(world.documents[0])
    if not reader._flash:
        pytest.skip("no flash attention of documents of any lengths here")
    losses = []
    for flash in (True, False):
        reader._flash, found = flash, np.zeros(len(documents))
        for parts in reader.plan(documents, [1] * len(documents), None, share=share):
            with torch.autocast("cuda", torch.bfloat16):
                scored = reader.completions(documents, parts)
            found[scored.rows] = scored.loss
        losses.append(found)
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-2)


@pytest.mark.parametrize("saved", ["cuda", "cpu"])
def test_what_one_device_kept_the_other_goes_on_from(saved, tmp_path):
    world = WORLDS["replicas gpt_neox"](tmp_path)
    through, after = made(world, saved), made(world, "cpu" if saved == "cuda" else "cuda")
    kept_after_two(through, world, tmp_path / "state")
    after.load(tmp_path / "state")
    trained(after, world, start_epoch=2)
    torch.testing.assert_close(weights(after), weights(through), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["one llama", "one t5", "grids mlp", "replicas t5"])
def test_models_that_were_kept_are_read_back(name, tmp_path):
    world = WORLDS[name](tmp_path / "model")
    learner = made(world, "cuda")
    trained(learner, world, epochs=1)
    learner.save_replica(0, tmp_path / "kept")
    other = made(world, "cuda")
    other.load_replica(0, tmp_path / "kept")
    (one, *_), (another, *_) = learner.scores(world.asked), other.scores(world.asked)
    np.testing.assert_allclose(one.loss, another.loss, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_a_replica_alone_is_the_replica_among_others(architecture, tmp_path):
    together, alone = (replicas(architecture, tmp_path, seeds) for seeds in (SEEDS, SEEDS[1:2]))
    found = trained(made(together, "cuda"), together)[:, 1]
    np.testing.assert_allclose(found, trained(made(alone, "cuda"), alone)[:, 0], rtol=1e-4)


@EVERY
def test_gradients_compare_as_on_the_cpu(name, tmp_path):
    world = WORLDS[name](tmp_path)
    asked = [[GradientPairs(list(own[:3]), list(own[3:8]))] for own in world.documents]
    found = [made(world, device).gradient_products(asked, world.train) for device in ("cuda", "cpu")]
    for own in zip(*found, strict=True):
        for ours, theirs in zip(*own, strict=True):
            size = np.abs(theirs.products).max()
            np.testing.assert_allclose(ours.products, theirs.products, rtol=0, atol=10 * world.tolerance * size)


@LANGUAGE
def test_what_passes_between_layers_and_what_is_added_there_is_the_cpus(name, tmp_path):
    world = WORLDS[name](tmp_path)
    asked = [own[:8] for own in world.asked]
    learners = [made(world, device) for device in ("cuda", "cpu")]
    ours, theirs = ([np.asarray(one.values) for one in each.activations(asked, (0, 1), (0, 2))] for each in learners)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-3 * max(1.0, float(np.abs(other).max())))
    width = ours[0].shape[-1]
    push = Steering(1, np.zeros((8, 1), dtype=np.int64), np.linspace(-1, 1, width, dtype=np.float32))
    steered = [each.steered_losses(asked, [[push] for _ in asked]) for each in learners]
    for one, other in zip(*steered, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3)


@pytest.mark.parametrize("name", ["one gpt_neox", "replicas gpt_neox", "grids mlp"])
def test_where_memory_runs_out_smaller_passes_give_the_same_losses(name, tmp_path, caplog):
    world = WORLDS[name](tmp_path)
    many: list[Sequence[Example]] = [list(own) * (MANY // len(own)) for own in world.documents]
    train = world.train.model_copy(update={"batch_size": MANY})
    losses = []
    for limited in (False, True):
        learner = made(world, "cuda")
        torch.cuda.empty_cache()
        share = (torch.cuda.memory_reserved() + 6.4e7) / torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(share if limited else 1.0)
        try:
            with caplog.at_level(logging.WARNING, "sayso"):
                losses.append(trained(learner, World(world.make, many, world.asked, train), epochs=1))
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        assert ("out of memory" in caplog.text) == limited
    np.testing.assert_allclose(losses[0], losses[1], rtol=world.tolerance)
