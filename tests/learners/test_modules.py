import contextlib

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.activations import ACT2FN

from sayso.core.training import TrainSpec
from sayso.learners import modules
from sayso.learners.modules import (
    class_of,
    computes_in_bfloat16,
    drawing,
    has_bfloat16,
    in_bfloat16,
    in_evaluation,
    round_alike,
)


@pytest.mark.parametrize(
    ("architecture", "config", "expected"),
    [
        ("gpt_neox", {}, AutoModelForCausalLM),
        ("t5", {}, AutoModelForSeq2SeqLM),
        ("bart", {}, AutoModelForSeq2SeqLM),
        ("bart", {"is_encoder_decoder": False, "is_decoder": True}, AutoModelForCausalLM),
        ("bert", {}, None),
        ("vit", {}, None),
    ],
)
def test_a_configuration_says_of_which_kind_a_model_is(architecture, config, expected):
    assert class_of(AutoConfig.for_model(architecture, **config)) is expected


class Scaled(nn.Module):
    """Numbers times weights of their own."""

    def __init__(self, rows: int, width: int, seed: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)))

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given * self.weight


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu", "gelu_fast"])
@pytest.mark.parametrize("width", [7, 24, 64])
def test_an_activation_rounds_alike_in_any_company(name, width):
    """Of 7 numbers a vector and its rest are not rounded alike by the plain ones (silu, gelu_pytorch_tanh).

    What goes in is multiplied number by number: a matrix product of 7 is not rounded alike by every processor.
    """
    models = [nn.Sequential(Scaled(33, width, seed), ACT2FN[name]) for seed in range(4)]
    for model in models:
        round_alike(model)
    parameters, buffers = stack_module_state(models)
    inputs = torch.randn(4, 33, width, generator=torch.Generator().manual_seed(9))

    def run(chosen: list[int]) -> list[torch.Tensor]:
        own = {key: tensor[chosen].detach().requires_grad_() for key, tensor in parameters.items()}
        out = vmap(lambda given, rows: functional_call(models[0], (given, buffers), (rows,)))(own, inputs[chosen])
        return [out, *torch.autograd.grad(out.sum(), list(own.values()))]

    whole = run([0, 1, 2, 3])
    for chosen in ([0], [1, 2], [3, 0, 1]):
        for one, all_of_them in zip(run(chosen), whole, strict=True):
            assert torch.equal(one, all_of_them[chosen])


def test_activations_stay_what_they_were():
    plain, changed = (nn.Sequential(ACT2FN["silu"], nn.GELU(), nn.Softmax(-1), nn.Linear(3, 3)) for _ in range(2))
    changed.load_state_dict(plain.state_dict())
    round_alike(changed)
    rows = torch.randn(2, 5, 3)
    torch.testing.assert_close(changed(rows), plain(rows))


CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture
def card(monkeypatch):
    """A GPU of some compute capability, which emulates bfloat16 where it lacks it, as all of them do."""

    class Properties:
        major = 0

    def of(major: int) -> None:
        Properties.major = major

    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Properties)
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)
    return of


@pytest.mark.parametrize(("name", "major", "has"), [("V100 and T4", 7, False), ("A100", 8, True), ("H100", 9, True)])
def test_a_card_that_emulates_bfloat16_does_not_have_it(card, name, major, has):
    card(major)
    assert torch.cuda.is_bf16_supported()  # what torch says of all of them
    assert has_bfloat16(CUDA) == has
    assert computes_in_bfloat16(TrainSpec(precision="auto"), CUDA) == has
    assert computes_in_bfloat16(TrainSpec(precision="fastest"), CUDA) == has
    assert not computes_in_bfloat16(TrainSpec(precision="float32"), CUDA)
    assert in_bfloat16("fastest", CUDA) == in_bfloat16("auto", CUDA) == has  # of evaluation
    assert not in_bfloat16("float32", CUDA)


@pytest.mark.parametrize(
    ("capabilities", "has"),
    [
        ({"avx2": True, "avx512_f": True}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True, "amx_tile": True}, True),
        ({"neon": True, "bf16": True}, True),
    ],
)
def test_a_cpu_computes_in_float32_unless_told_otherwise_and_emulating_is_said_once(
    capabilities, has, monkeypatch, caplog
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    modules._say_emulated.cache_clear()
    assert has_bfloat16(CPU) == has
    assert not computes_in_bfloat16(TrainSpec(precision="auto"), CPU)
    assert not in_bfloat16("auto", CPU)
    assert computes_in_bfloat16(TrainSpec(precision="fastest"), CPU) == has
    assert caplog.messages == []
    assert all(computes_in_bfloat16(TrainSpec(precision="bfloat16"), CPU) for _ in range(2))
    said = "bfloat16 was asked for, which this cpu does not have: it is emulated, slower than float32"
    assert caplog.messages == ([] if has else [said])
    modules._say_emulated.cache_clear()


def test_parts_get_back_the_modes_they_were_in():
    module = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Sequential(torch.nn.Dropout()))
    module[1].eval()
    with contextlib.suppress(KeyError), in_evaluation(module):
        assert not any(part.training for part in module.modules())
        raise KeyError
    assert [part.training for part in module.modules()] == [True, True, False, False]


def test_what_is_drawn_follows_from_its_number_and_leaves_what_comes_after():
    def drawn(number: int) -> torch.Tensor:
        with drawing(number, torch.device("cpu")):
            return torch.rand(3)

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert torch.equal(torch.rand(3), expected)
