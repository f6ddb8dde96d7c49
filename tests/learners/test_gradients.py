"""Grams against closed forms, and against autograd in float64."""

import contextlib
import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.corpus import Corpus
from sayso.core.learner import Gram
from sayso.core.pictures import fixed_draws
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners import gradients
from sayso.learners.encoding import Document
from sayso.learners.gradients import gram, in_evaluation, pieces
from sayso.learners.grids.specs import ConvNeXtV2, GridMLP
from sayso.learners.single.learner import HFLearner
from sayso.learners.single.learner import build as build_single
from sayso.learners.specs import HFModel, LoRA
from sayso.learners.stacked.learner import StackedLearner
from sayso.paper.pocket_settings import POCKET_DIGITS
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.tiny_models import save_tiny, some_documents

DOCUMENTS = some_documents(7)


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(1, 40))
def test_pieces_are_small_and_hold_every_weight_once(sizes, most):
    found = list(pieces(sizes, most))
    assert all(0 < sum(end - begin for _, begin, end in piece) <= most for piece in found)
    seen = [(at, place) for piece in found for at, begin, end in piece for place in range(begin, end)]
    assert seen == [(at, place) for at, size in enumerate(sizes) for place in range(size)]


@pytest.mark.parametrize("most", [1, 10, 50, 10_000])
def test_gram_of_squares_is_their_closed_form(most):
    """The loss (w.x)^2 / 2 has the gradient (w.x) x by w; b's is a constant; nothing depends on the last weight."""
    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(4, 12)).astype(np.float32), draw.normal(size=12).astype(np.float32)
    weight, unused = (torch.tensor(w).view(3, 4).requires_grad_(), torch.ones(5, requires_grad=True))
    bias = torch.zeros(2, requires_grad=True)

    def loss(row: int) -> torch.Tensor:
        return (weight.flatten() @ torch.tensor(x[row])) ** 2 / 2 + (row * bias).sum()

    found = gram(loss, 4, [weight, bias, unused], most=most)
    exact = np.concatenate([(x.astype(float) @ w)[:, None] * x, np.arange(4.0)[:, None].repeat(2, 1)], axis=1)
    np.testing.assert_allclose(found.products, exact @ exact.T, rtol=1e-5)
    assert found.sum_squared == pytest.approx(float((exact.sum(0) ** 2).sum()), rel=1e-5)
    assert weight.grad is None


def test_sums_are_exact_where_float32_would_lose_them():
    weight = torch.ones(100_000, requires_grad=True)
    scale = [1.0, 1e-5]
    found = gram(lambda row: (weight * scale[row]).sum(), 2, [weight])
    assert found.products[0, 0] == 100_000
    assert found.products[0, 1] == pytest.approx(1.0, rel=1e-6)
    assert found.sum_squared == pytest.approx(100_000 * (1 + 1e-5) ** 2, rel=1e-9)


def test_a_group_of_none_has_an_empty_gram():
    found = gram(lambda row: torch.zeros(()), 0, [torch.ones(3, requires_grad=True)])
    assert found.products.shape == (0, 0)
    assert found.sum_squared == 0


def test_parts_get_back_the_modes_they_were_in():
    module = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Sequential(torch.nn.Dropout()))
    module[1].eval()
    with contextlib.suppress(KeyError), in_evaluation(module):
        assert not any(part.training for part in module.modules())
        raise KeyError
    assert [part.training for part in module.modules()] == [True, True, False, False]


# --- one big model


def single(folder: Any, architecture: str, **settings: Any) -> HFLearner:
    options: dict[str, Any] = {"label_length": 40} if architecture == "t5" else {}
    return build_single([Corpus(1, {}, ())], HFModel(name=save_tiny(folder, architecture), **options, **settings))


def plain_loss(model: Any, item: Document) -> torch.Tensor:
    """The mean loss of a document's counted tokens, by a plain call of the model."""
    ids = torch.as_tensor(item.ids[None])
    mask = (torch.arange(len(item.ids) - 1) < item.real)[None].long()
    given: dict[str, Any] = {"input_ids": ids[:, :-1], "attention_mask": mask}
    if len(item.context):
        given = {"input_ids": torch.as_tensor(item.context[None]), "decoder_input_ids": ids[:, :-1]}
    return torch.nn.functional.cross_entropy(model(**given).logits[0, item.first - 1 :], ids[0, item.first :])


def exact_gram(losses: Sequence[torch.Tensor], parameters: Sequence[torch.Tensor]) -> Gram:
    rows = []
    for loss in losses:
        found = torch.autograd.grad(loss, list(parameters), allow_unused=True)
        pairs = zip(found, parameters, strict=True)
        rows.append(torch.cat([(torch.zeros_like(own) if each is None else each).flatten() for each, own in pairs]))
    whole = torch.stack(rows).double()
    return Gram((whole @ whole.T).numpy(), float(whole.sum(0).square().sum()))


def assert_close(found: Gram, expected: Gram) -> None:
    np.testing.assert_allclose(found.products, expected.products, rtol=1e-4, atol=1e-4 * abs(expected.products).max())
    assert found.sum_squared == pytest.approx(expected.sum_squared, rel=1e-4)


@pytest.mark.parametrize(
    ("architecture", "train", "lora"),
    [
        ("gpt_neox", {}, None),
        ("llama", {"loss_on": "completion"}, None),
        ("gpt2", {"padding_loss": "none"}, None),
        ("gpt_neox", {"padding_loss": "all", "max_length": 80}, None),
        ("t5", {"loss_on": "completion"}, None),
        ("gpt_neox", {}, LoRA(rank=2, dropout=0.1)),
    ],
)
def test_gram_of_one_model_is_that_of_autograd_in_float64(architecture, train, lora, tmp_path, monkeypatch):
    monkeypatch.setitem(gradients.HELD, "cpu", 30_000)
    learner = single(tmp_path, architecture, lora=lora)
    train = TrainSpec(**train)
    groups = [DOCUMENTS, DOCUMENTS[:2]]
    (found,) = learner.gradient_gram([groups], train)
    model = copy.deepcopy(learner.model).double().eval()
    parameters = [each for each in model.parameters() if each.requires_grad]
    for own, group in zip(found, groups, strict=True):
        documents = learner._encoder.for_training(group, train, label_length=learner._label_length(train))
        assert_close(own, exact_gram([plain_loss(model, item) for item in documents], parameters))


def test_weights_gradients_modes_and_chance_are_left_alone(tmp_path):
    learner = single(tmp_path, "gpt2")  # it drops at random
    before = {name: tensor.detach().clone() for name, tensor in learner.model.state_dict().items()}
    for tensor in learner.model.parameters():
        tensor.grad = torch.ones_like(tensor)
    learner.model.train()
    state = torch.get_rng_state()
    (one,), (other,) = (learner.gradient_gram([[DOCUMENTS]], TrainSpec())[0] for _ in range(2))
    assert torch.equal(state, torch.get_rng_state())
    assert learner.model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.model.state_dict().items())
    assert all(bool((tensor.grad == 1).all()) for tensor in learner.model.parameters())
    np.testing.assert_array_equal(one.products, other.products)


# --- replicas side by side


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_gram_of_replicas_is_that_of_each_alone_in_float64(architecture, loss_on, tmp_path):
    corpora = [build_corpus(make_tiny(), seed) for seed in (3, 4)]
    learner = StackedLearner(corpora, architecture, ARCHITECTURES[architecture])
    train = TrainSpec(loss_on=loss_on)
    groups = [[corpus.train["X1"][:5], corpus.train["X2"][:3]] for corpus in corpora]
    found = learner.gradient_gram(groups, train)
    assert all(tensor.grad is None for tensor in learner.parameters.values())
    for replica, own in enumerate(groups):
        learner.save_replica(replica, tmp_path / str(replica))
        kind = AutoModelForSeq2SeqLM if architecture == "t5" else AutoModelForCausalLM
        model = kind.from_pretrained(tmp_path / str(replica), dtype=torch.float64).eval()
        for gram_found, group in zip(found[replica], own, strict=True):
            items = learner._encoders[replica].for_training(group, train)
            losses = [plain_loss(model, item) for item in items]
            assert_close(gram_found, exact_gram(losses, list(model.parameters())))


@pytest.mark.parametrize("spec", [GridMLP(width=24, depth=2), ConvNeXtV2(depths=(1, 1), hidden_sizes=(8, 16))])
@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_gram_of_grids_is_that_of_each_example_alone(spec, loss_on):
    small = POCKET_DIGITS.with_settings({"knowledge.entities": 24, "knowledge.grid": 2, "split.trained_questions": 3})
    corpora = [build_corpus(small, seed) for seed in (3, 4)]
    learner: Any = spec.build(corpora)
    train = TrainSpec(loss_on=loss_on)
    groups = [[corpus.documents(("X1",))[:4], corpus.documents(("X2",))[:2]] for corpus in corpora]
    found = learner.gradient_gram(groups, train)
    pictures = learner._pictures
    for replica, own in enumerate(groups):
        alone: Any = spec.build([corpora[replica]])
        for gram_found, group in zip(found[replica], own, strict=True):
            grids = pictures.grids(group)
            draws = fixed_draws(group, corpora[replica].seed, pictures.cells)
            images = pictures.choose(grids.symbols, draws, "train")
            target = torch.as_tensor(grids.target)
            counted = alone._told(target) if loss_on == "completion" else torch.ones(target.shape)

            losses = []
            for row in range(len(group)):
                one = np.s_[None, row : row + 1]
                cell = alone._cell_losses(images[one], grids.asked[one], grids.tag[one], target[one])[0][0, 0]
                losses.append((cell * counted[row]).sum() / counted[row].sum())
            assert_close(gram_found, exact_gram(losses, list(alone.parameters.values())))
