"""Every way to gradients, of every learner, against autograd in float64."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.corpus import Corpus
from sayso.core.learner import GradientPairs
from sayso.core.pictures import fixed_draws
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.grids.specs import ConvNeXtV2, GridConvNet, GridMLP
from sayso.learners.single.learner import HFLearner
from sayso.learners.single.learner import build as build_single
from sayso.learners.specs import HFModel, LoRA
from sayso.learners.stacked.learner import StackedLearner
from sayso.paper.pocket_settings import POCKET_DIGITS
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.learners.gradients.exact import assert_right, exact_gradients, plain_loss
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS = some_documents(8)
WANTED = np.array([[True, False, True], [True, True, False], [False, False, True]])
PAIRS = [
    GradientPairs(DOCUMENTS[:3], DOCUMENTS[2:8]),
    GradientPairs(DOCUMENTS[:3], DOCUMENTS[3:6], WANTED),
    GradientPairs([], DOCUMENTS[:1]),
]


def single(folder: Any, architecture: str, lora: LoRA | None = None, **config: Any) -> HFLearner:
    options: dict[str, Any] = {"label_length": 40} if architecture == "t5" else {}
    name = save_tiny(folder, architecture, **config)
    return build_single([Corpus(1, {}, ())], HFModel(name=name, lora=lora, **options))


def assert_told(shares: list[float]) -> None:
    """Shares come one after the other, several of them, and the last of all."""
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("architecture", "config", "train", "lora"),
    [
        ("gpt_neox", {}, {}, None),
        ("gpt_neox", {"tie_word_embeddings": True}, {"loss_on": "completion"}, None),
        ("llama", {}, {"padding_loss": "none"}, None),
        ("llama", {"tie_word_embeddings": True}, {"loss_on": "completion"}, None),
        ("gpt2", {}, {}, None),
        ("t5", {}, {}, None),
        ("t5", {"tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}, {}, None),
        ("gpt_neox", {}, {}, LoRA(rank=2, dropout=0.1, target_modules="all-linear")),
        ("gpt_neox", {}, {"padding_loss": "all", "max_length": 80}, None),
    ],
)
def test_ways_of_one_model(architecture, config, train, lora, tmp_path, caplog):
    learner = single(tmp_path, architecture, lora, **config)
    if lora:  # no gradient of theirs is zero then
        draw = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for tensor in learner.parameters.values():
                tensor.add_(torch.randn(tensor.shape, generator=draw), alpha=0.2)
    train = TrainSpec(**train)
    model = copy.deepcopy(learner.model).double().eval()
    parameters = [each for each in model.parameters() if each.requires_grad]
    items = learner.documents.trained(DOCUMENTS, train)
    exact = exact_gradients([plain_loss(model, item) for item in items], parameters)
    ways: tuple[Any, ...] = (("ghost", None), ("contracted", 300_000), ("ghost", 150_000), ("contracted", 1))
    for way, held in ways if architecture == "gpt_neox" else ways[:2]:
        shares: list[float] = []
        (found,) = learner.gradient_products(
            [PAIRS], train, by_layer=held is not None, way=way, held=held, on_share=shares.append
        )
        assert_told(shares)
        assert {each.way for each in found} == {way}, caplog.text
        for each, pairs in zip(found, PAIRS, strict=True):
            assert_right(each, pairs, exact[[DOCUMENTS.index(one) for one in (*pairs.rows, *pairs.columns)]])
    assert not caplog.records


@pytest.mark.parametrize("way", ["ghost", "contracted"])
def test_products_alone_are_the_same_and_norms_nan(way, tmp_path):
    learner = single(tmp_path, "gpt_neox")
    both = [GradientPairs(DOCUMENTS[:3], DOCUMENTS[2:8], norms=norms) for norms in (True, False)]
    ((whole, alone),) = learner.gradient_products([both], TrainSpec(), way=way)
    np.testing.assert_allclose(alone.products, whole.products, rtol=1e-9)
    assert np.isnan([*alone.rows.l2, *alone.columns.linf, alone.sum_squared]).all()


@pytest.mark.parametrize(("architecture", "loss_on"), [("gpt_neox", "completion"), ("t5", "all")])
def test_ways_of_replicas(architecture, loss_on, tmp_path):
    corpora = [build_corpus(make_tiny(), seed) for seed in (3, 4)]
    learner = StackedLearner(corpora, architecture, ARCHITECTURES[architecture])
    train = TrainSpec(loss_on=loss_on)
    asked = [[GradientPairs(own.train["X1"][:5], own.train["X2"][:3])] * 2 for own in corpora]
    exact = []
    for replica, (own,) in enumerate(zip(asked, strict=True)):
        learner.save_replica(replica, tmp_path / str(replica))
        kind = AutoModelForSeq2SeqLM if architecture == "t5" else AutoModelForCausalLM
        model = kind.from_pretrained(tmp_path / str(replica), dtype=torch.float64).eval()
        items = learner._encoders[replica].for_training([*own[0].rows, *own[0].columns], train)
        exact.append(exact_gradients([plain_loss(model, item) for item in items], list(model.parameters())))
    ways: tuple[Any, ...] = (("side by side", None), ("side by side", 20_000), ("contracted", 20_000))
    for way, held in ways:
        shares: list[float] = []
        found = learner.gradient_products(
            asked, train, way=way, held=held, by_layer=way == "contracted", on_share=shares.append
        )
        assert_told(shares)
        for replica, answers in enumerate(found):
            assert [each.way for each in answers] == [way, way]
            assert_right(answers[0], asked[replica][0], exact[replica])
    assert all(tensor.grad is None for tensor in learner.parameters.values())


@pytest.mark.parametrize(
    "spec",
    [GridMLP(width=24, depth=2), GridConvNet(width=4, hidden=16), ConvNeXtV2(depths=(1, 1), hidden_sizes=(8, 16))],
)
def test_ways_of_grids(spec):
    small = POCKET_DIGITS.with_settings({"knowledge.entities": 24, "knowledge.grid": 2, "split.trained_questions": 3})
    corpora = [build_corpus(small, seed) for seed in (3, 4)]
    learner: Any = spec.build(corpora)
    pictures = learner._pictures
    asked = [[GradientPairs(own.documents(("X1",))[:4], own.documents(("X2",))[:2])] for own in corpora]
    for loss_on in ("all", "completion"):
        train = TrainSpec(loss_on=loss_on)
        ways: tuple[Any, ...] = ("side by side", "contracted")
        shares: list[float] = []
        both = [
            learner.gradient_products(asked, train, way=way, by_layer=True, held=20_000, on_share=shares.append)
            for way in ways
        ]
        half = shares.index(1.0) + 1
        assert_told(shares[:half])
        assert_told(shares[half:])
        for replica, (pairs,) in enumerate(asked):
            alone: Any = spec.build([corpora[replica]])
            examples = [*pairs.rows, *pairs.columns]
            grids = pictures.grids(examples)
            draws = fixed_draws(examples, corpora[replica].seed, pictures.cells)
            images = pictures.choose(grids.symbols, draws, "train")
            target = torch.as_tensor(grids.target)
            counted = alone._told(target) if loss_on == "completion" else torch.ones(target.shape)
            losses = []
            for row in range(len(examples)):
                one = np.s_[None, row : row + 1]
                cell = alone._cell_losses(images[one], grids.asked[one], grids.tag[one], target[one])[0][0, 0]
                losses.append((cell * counted[row]).sum() / counted[row].sum())
            exact = exact_gradients(losses, list(alone.parameters.values()))
            for way, found in zip(ways, both, strict=True):
                assert found[replica][0].way == way
                assert_right(found[replica][0], pairs, exact)
