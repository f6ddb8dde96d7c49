import copy
from collections.abc import Callable

import pytest
import torch
from benchmarks.operations import Counted
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers.optimization import Adafactor

from sayso.core.training import TrainSpec
from sayso.learners import optim
from sayso.learners.optim import Adafactor as OurAdafactor
from sayso.learners.optim import FusedAdamW, allocate, clip_gradients, make_optimizer, set_learning_rate, take_step

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
        lambda together: OurAdafactor(together.values(), lr=1e-2, weight_decay=weight_decay, stacked=True),
        RATES,
    )


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("together", [1, 300, 2**30])
def test_adafactor_of_one_model_is_transformers_to_the_last_bit(weight_decay, together, monkeypatch):
    """However many parameters of a shape are updated together."""
    monkeypatch.setitem(optim.TOGETHER, "cpu", together)
    shaped = [*stacked(1).values(), torch.ones(1, 2, 3, 4, 5)]
    ours, theirs = (
        [torch.nn.Parameter(tensor[row].clone()) for tensor in shaped for row in range(len(tensor))] for _ in range(2)
    )
    mine = OurAdafactor(ours, lr=1e-2, weight_decay=weight_decay, stacked=False)
    other = Adafactor(theirs, lr=1e-2, scale_parameter=False, relative_step=False, weight_decay=weight_decay)
    for step, learning_rate in enumerate(RATES):
        for own in (ours, theirs):
            for number, parameter in enumerate(own):
                made = torch.Generator().manual_seed(100 * step + number)
                parameter.grad = torch.randn(parameter.shape, generator=made) * [1.0, 1e-4, 30.0, 0.0][step % 4]
        for optimizer in (mine, other):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
        assert all(torch.equal(one, two) for one, two in zip(ours, theirs, strict=True))


def test_a_gpu_is_given_a_few_hundred_operations_a_step():
    """Of 32 layers with four matrices each, in place of nineteen for each matrix."""
    shapes = [(2560, 7680), (2560, 2560), (2560, 10240), (10240, 2560), *[(2560,)] * 6, (7680,), (10240,)] * 32
    parameters = [torch.empty(shape, device="meta", requires_grad=True) for shape in [*shapes, (50304, 2560)]]
    optimizer = OurAdafactor(parameters, lr=1e-2, weight_decay=0.1, stacked=False)
    allocate(optimizer)
    for parameter in parameters:
        parameter.grad = torch.empty_like(parameter)
    with Counted() as counted:
        optimizer.step()
    assert 100 < counted.launches < 700
    assert counted.reads == 0
    assert all(parameter.grad is None for parameter in parameters)


@pytest.mark.parametrize("most", [1e-3, 1.0, 1e9])
def test_clipping_one_model_is_torchs_own(most):
    ours, theirs = ([torch.nn.Parameter(tensor.clone()) for tensor in stacked(1).values()] for _ in range(2))
    for own in (ours, theirs):
        for position, parameter in enumerate(own):
            parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(position))
    assert torch.equal(clip_gradients(ours, most, stacked=False)[0], torch.nn.utils.clip_grad_norm_(theirs, most))
    assert all(torch.equal(one.grad, two.grad) for one, two in zip(ours, theirs, strict=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("fused", [False, True])
def test_stacked_adamw_takes_the_steps_of_separate_adamws(fused):
    compare(
        lambda own: torch.optim.AdamW(own, lr=1e-2, weight_decay=0.0),
        lambda together: make_optimizer(
            together, "embedding", TrainSpec(optimizer="adamw", learning_rate=1e-2), stacked=True, fused=fused
        ),
        RATES,
    )


@pytest.mark.parametrize("name", ["adafactor", "adamw"])
def test_gradients_may_lie_in_memory_in_any_order(name):
    """Gradients that come out of vmap often have other strides than their parameters."""
    train = TrainSpec(optimizer=name, weight_decay=0.1)
    found = []
    for transposed in (False, True):
        parameters = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
        optimizer = make_optimizer(parameters, "embedding", train, stacked=True)
        for step in range(4):
            for key, tensor in parameters.items():
                gradient = gradients(step)[key]
                last = tuple(reversed(range(gradient.dim())))
                tensor.grad = gradient.permute(last).contiguous().permute(last) if transposed else gradient
            assert transposed != all(p.grad is not None and p.grad.is_contiguous() for p in parameters.values())
            clip_gradients(list(parameters.values()), 1.0, stacked=True)
            optimizer.step()
        found.append(parameters)
    for key, tensor in found[0].items():
        torch.testing.assert_close(tensor, found[1][key], rtol=1e-6, atol=1e-6)


def test_only_matrices_decay():
    together = {name: tensor.requires_grad_() for name, tensor in stacked(1).items()}
    before = {name: tensor.detach().clone() for name, tensor in together.items()}
    for name in ("adafactor", "adamw"):
        optimizer = make_optimizer(together, "embedding", TrainSpec(optimizer=name, weight_decay=0.5), stacked=True)
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
    optimizer = make_optimizer(together, "embedding", TrainSpec(embedding_multiplier=5), stacked=True)
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
    norms = clip_gradients(together, most, stacked=True)
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
    steps(whole, make_optimizer(whole, "embedding", train, stacked=True), range(6))
    half = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
    first = make_optimizer(half, "embedding", train, stacked=True)
    steps(half, first, range(3))
    state = copy.deepcopy(first.state_dict())
    second = make_optimizer(half, "embedding", train, stacked=True)
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
        return clip_gradients(parameters, 1e9, stacked=True)

    whole = norms(list(range(8)))
    for company in ([0], [3, 4], [1, 5, 7], [0, 1, 2, 3, 4]):
        assert torch.equal(norms(company), whole[company])


@pytest.mark.parametrize(("name", "fused"), [("adafactor", False), ("adamw", False), ("adamw", True)])
def test_a_step_does_not_depend_on_company_in_a_single_bit(name, fused):
    """A fused step rounds the last 4 of 3 x 36 numbers, and of 1 x 36, in another way than the vectors before them."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(36,), (24, 36), (81,), (1,), (3, 5), (4099,)]
    start = [torch.randn(8, *shape, generator=generator) for shape in shapes]
    given = [[torch.randn(8, *shape, generator=generator) for shape in shapes] for _ in range(4)]

    def trained(replicas: list[int]) -> list[Tensor]:
        parameters = {str(at): tensor[replicas].requires_grad_() for at, tensor in enumerate(start)}
        train = TrainSpec(optimizer=name, weight_decay=0.1, learning_rate=3e-3)
        optimizer = make_optimizer(parameters, None, train, stacked=True, fused=fused)
        for step in given:
            for parameter, gradient in zip(parameters.values(), step, strict=True):
                parameter.grad = gradient[replicas].clone()
            optimizer.step()
        return list(parameters.values())

    whole = trained(list(range(8)))
    for company in ([0], [3, 4], [1, 5, 7], [0, 1, 2, 3, 4]):
        for own, tensor in zip(trained(company), whole, strict=True):
            assert torch.equal(own, tensor[company])


def test_fused_adamw_is_torchs_own_but_for_rounding():
    ours, theirs = ({key: tensor.requires_grad_() for key, tensor in stacked(1).items()} for _ in range(2))
    mine, other = FusedAdamW([{"params": list(ours.values())}], lr=1e-2), torch.optim.AdamW(theirs.values(), lr=1e-2)
    for step in range(6):
        for own in (ours, theirs):
            for key, tensor in own.items():
                tensor.grad = gradients(step)[key]
        mine.step()
        other.step()
    for key, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[key], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", ["adafactor", "adamw"])
def test_state_made_before_the_first_step_is_the_state_torch_would_make(name, fused):
    train = TrainSpec(optimizer=name)
    found = []
    for before in (False, True):
        parameters = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
        optimizer = make_optimizer(parameters, "embedding", train, stacked=True, fused=fused)
        if before:
            allocate(optimizer)
            assert len(optimizer.state) == len(parameters)
        for key, tensor in parameters.items():
            tensor.grad = gradients(0)[key]
        optimizer.step()
        found.append((optimizer.state_dict()["state"], parameters))
    (one, own), (two, other) = found
    assert all(torch.equal(own[key], other[key]) for key in own)
    for number, state in one.items():
        assert state.keys() == two[number].keys()
        assert all(torch.equal(state[key], two[number][key]) for key in state)


def full(monkeypatch: pytest.MonkeyPatch, when: list[int]) -> list[int]:
    """Let memory run out at these of the calls in which a parameter's update is bounded."""
    calls: list[int] = []
    whole = OurAdafactor._rms

    def limited(optimizer: OurAdafactor, update: Tensor) -> Tensor:
        calls.append(len(calls))
        if calls[-1] in when:
            raise torch.OutOfMemoryError("no memory left")
        return whole(optimizer, update)

    monkeypatch.setattr(OurAdafactor, "_rms", limited)
    return calls


@pytest.mark.parametrize("stacks", [False, True])
def test_where_memory_runs_out_in_a_step_no_parameter_is_changed_twice_or_half(stacks, monkeypatch):
    def trained() -> dict[str, Tensor]:
        parameters = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
        optimizer = make_optimizer(parameters, None, TrainSpec(weight_decay=0.1), stacked=stacks)
        for step in range(3):
            for key, tensor in parameters.items():
                tensor.grad = gradients(step)[key]
            take_step(optimizer)
        return parameters

    expected = trained()
    with monkeypatch.context() as patch:
        calls = full(patch, [0, 2, 5, 8, 10, 13])
        found = trained()
    assert len(calls) == 3 * len(SHAPES) + 6
    assert all(torch.equal(found[key], expected[key]) for key in found)


def test_where_it_does_not_help_to_go_on_that_is_the_end(monkeypatch):
    parameters = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
    optimizer = make_optimizer(parameters, None, TrainSpec(), stacked=True)
    for key, tensor in parameters.items():
        tensor.grad = gradients(0)[key]
    calls = full(monkeypatch, list(range(2, 100)))
    with pytest.raises(torch.OutOfMemoryError):
        take_step(optimizer)
    assert len(calls) == 4
    assert sum(tensor.grad is None for tensor in parameters.values()) == 2


def test_adamw_is_never_stepped_again(monkeypatch):
    """Some of its parameters may have been changed when memory ran out, and none says which."""
    parameters = {key: tensor.requires_grad_() for key, tensor in stacked(1).items()}
    optimizer = make_optimizer(parameters, None, TrainSpec(optimizer="adamw"), stacked=True)
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise torch.OutOfMemoryError("no memory left")

    monkeypatch.setattr(optimizer, "step", fails)
    monkeypatch.setattr(optim, "release", lambda: None)
    with pytest.raises(torch.OutOfMemoryError):
        take_step(optimizer)
    assert len(calls) == 1
