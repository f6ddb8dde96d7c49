import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.activations import ACT2FN

from sayso.learners.modules import class_of, round_alike


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


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu", "gelu_fast"])
@pytest.mark.parametrize("width", [7, 24, 64])
def test_an_activation_rounds_alike_in_any_company(name, width):
    """Of 7 numbers a vector and its rest are not rounded alike by the plain ones (silu, gelu_pytorch_tanh)."""
    models = [nn.Sequential(nn.Linear(5, width), ACT2FN[name]) for _ in range(4)]
    for model in models:
        round_alike(model)
    parameters, buffers = stack_module_state(models)
    inputs = torch.randn(4, 33, 5, generator=torch.Generator().manual_seed(0))

    def run(chosen: list[int]) -> list[torch.Tensor]:
        own = {key: tensor[chosen].detach().requires_grad_() for key, tensor in parameters.items()}
        out = vmap(lambda given, rows: functional_call(models[0], (given, buffers), (rows,)))(own, inputs[chosen])
        return [out, *torch.autograd.grad(out.square().sum(), list(own.values()))]

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
