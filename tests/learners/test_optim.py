import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers.optimization import Adafactor

from sayso.core.training import TrainSpec
from sayso.learners.optim import StackedAdafactor, clip_gradients, make_optimizer, set_learning_rate

REPLICAS = 3
SHAPES = {"matrix": (5, 7), "embedding": (11, 4), "vector": (6,), "bias": (1,), "square": (4, 4)}


def stacked(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(REPLICAS, *shape, generator=generator) for name, shape in SHAPES.items()}


def gradients(step: int) -> dict[str, Tensor]:
    """Gradients of very different sizes, some exactly zero, so that clipping and factoring matter."""
    scale = {0: 1.0, 1: 1e-4, 2: 30.0, 3: 0.0}[step % 4]
    return {name: scale * tensor for name, tensor in stacked(100 + step).items()}


def compare(
    make_one: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    make_stacked: Callable[[dict[str, Tensor]], torch.optim.Optimizer],
    learning_rates: list[float],
) -> None:
    """K optimizers of another library on single parameters, against one on stacked ones."""
    together = {name: tensor.clone().requires_grad_() for name, tensor in stacked(1).items()}
    alone = [
        {name: torch.nn.Parameter(tensor[replica].clone()) for name, tensor in stacked(1).items()}
        for replica in range(REPLICAS)
    ]
    mine = make_stacked(together)
    theirs = [make_one(list(own.values())) for own in alone]
    for step, learning_rate in enumerate(learning_rates):
        given = gradients(step)
        for name, tensor in together.items():
            tensor.grad = given[name].clone()
        for replica, own in enumerate(alone):
            for name, parameter in own.items():
                parameter.grad = given[name][replica].clone()
        for optimizer in (mine, *theirs):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
        for replica, own in enumerate(alone):
            for name, parameter in own.items():
                torch.testing.assert_close(together[name][replica], parameter, rtol=2e-6, atol=2e-6)


RATES = [1e-2, 3e-2, 1e-3, 1e-2, 5e-3, 1e-2]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_stacked_adafactor_takes_the_steps_of_transformers_adafactor(weight_decay):
    compare(
        lambda own: Adafactor(
            own, lr=1e-2, scale_parameter=False, relative_step=False, warmup_init=False, weight_decay=weight_decay
        ),
        lambda together: StackedAdafactor(together.values(), lr=1e-2, weight_decay=weight_decay),
        RATES,
    )


def test_stacked_adamw_takes_the_steps_of_separate_adamws():
    compare(
        lambda own: torch.optim.AdamW(own, lr=1e-2, weight_decay=0.0),
        lambda together: make_optimizer(together, "embedding", TrainSpec(optimizer="adamw", learning_rate=1e-2)),
        RATES,
    )


@pytest.mark.parametrize("name", ["adafactor", "adamw"])
def test_gradients_may_lie_in_memory_in_any_order(name):
    """Gradients that come out of vmap often have other strides than their parameters."""
    train = TrainSpec(optimizer=name, weight_decay=0.1)
    found = []
    for transposed in (False, True):
        parameters = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
        optimizer = make_optimizer(parameters, "embedding", train)
        for step in range(4):
            for key, tensor in parameters.items():
                gradient = gradients(step)[key]
                last = tuple(reversed(range(gradient.dim())))
                tensor.grad = gradient.permute(last).contiguous().permute(last) if transposed else gradient
            assert transposed != all(p.grad is not None and p.grad.is_contiguous() for p in parameters.values())
            clip_gradients(list(parameters.values()), 1.0)
            optimizer.step()
        found.append(parameters)
    for key, tensor in found[0].items():
        torch.testing.assert_close(tensor, found[1][key], rtol=1e-6, atol=1e-6)


def test_only_matrices_decay():
    together = {name: tensor.requires_grad_() for name, tensor in stacked(1).items()}
    before = {name: tensor.detach().clone() for name, tensor in together.items()}
    for name in ("adafactor", "adamw"):
        optimizer = make_optimizer(together, "embedding", TrainSpec(optimizer=name, weight_decay=0.5))
        decay = {id(tensor): group["weight_decay"] for group in optimizer.param_groups for tensor in group["params"]}
        assert {key: decay[id(tensor)] for key, tensor in together.items()} == {
            "matrix": 0.5,
            "square": 0.5,
            "embedding": 0.5,
            "vector": 0.0,
            "bias": 0.0,
        }
    assert all(torch.equal(before[name], tensor) for name, tensor in together.items())


def test_the_embedding_alone_has_its_learning_rate_multiplied():
    together = {name: tensor.requires_grad_() for name, tensor in stacked(1).items()}
    optimizer = make_optimizer(together, "embedding", TrainSpec(embedding_multiplier=5))
    set_learning_rate(optimizer, 0.1)
    rates = {id(tensor): group["lr"] for group in optimizer.param_groups for tensor in group["params"]}
    assert {name: rates[id(tensor)] for name, tensor in together.items()} == {
        name: pytest.approx(0.5 if name == "embedding" else 0.1) for name in SHAPES
    }


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(1e-3, 100))
def test_clipping_is_torchs_own_for_each_replica(seed, most):
    together = list(stacked(seed).values())
    alone = [[torch.nn.Parameter(tensor[replica].clone()) for tensor in together] for replica in range(REPLICAS)]
    own_scale = torch.tensor([1e-3, 1.0, 50.0])  # replicas with small and large gradients side by side
    for position, tensor in enumerate(together):
        tensor.requires_grad_()
        tensor.grad = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(seed + position))
        tensor.grad *= own_scale.view(-1, *[1] * (tensor.dim() - 1))
        for replica in range(REPLICAS):
            alone[replica][position].grad = tensor.grad[replica].clone()
    norms = clip_gradients(together, most)
    for replica, parameters in enumerate(alone):
        norm = torch.nn.utils.clip_grad_norm_(parameters, most)
        torch.testing.assert_close(norms[replica], norm)
        for tensor, parameter in zip(together, parameters, strict=True):
            assert tensor.grad is not None
            torch.testing.assert_close(tensor.grad[replica], parameter.grad)


@pytest.mark.parametrize("name", ["adafactor", "adamw"])
def test_an_optimizer_goes_on_exactly_where_its_state_was_saved(name):
    train = TrainSpec(optimizer=name, weight_decay=0.1)

    def steps(parameters: dict[str, Tensor], optimizer: torch.optim.Optimizer, numbers: range) -> None:
        for step in numbers:
            for key, tensor in parameters.items():
                tensor.grad = gradients(step)[key]
            optimizer.step()

    whole = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
    steps(whole, make_optimizer(whole, "embedding", train), range(6))
    half = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
    first = make_optimizer(half, "embedding", train)
    steps(half, first, range(3))
    state = copy.deepcopy(first.state_dict())
    second = make_optimizer(half, "embedding", train)
    second.load_state_dict(state)
    steps(half, second, range(3, 6))
    assert all(torch.equal(whole[key], half[key]) for key in whole)


def test_the_norm_of_a_replica_does_not_depend_on_its_company_in_a_single_bit():
    generator = torch.Generator().manual_seed(3)
    shapes = [(16, 16), (7,), (64, 16), (16,), (3, 5)] * 6
    gradients = [torch.randn(8, *shape, generator=generator) for shape in shapes]

    def norms(replicas: list[int]) -> torch.Tensor:
        parameters = [torch.zeros(len(replicas), *shape, requires_grad=True) for shape in shapes]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient[replicas].clone()
        return clip_gradients(parameters, 1e9)

    whole = norms(list(range(8)))
    for company in ([0], [3, 4], [1, 5, 7], [0, 1, 2, 3, 4]):
        assert torch.equal(norms(company), whole[company])
