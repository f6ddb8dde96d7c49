"""Additions go to layers that a model calls, and to none whose weights it reads past them."""

import re
from pathlib import Path

import pytest
import torch
import transformers
from benchmarks.family_configs import make
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from sayso.learners.single.lora import PASSED_BY, left_alone
from sayso.learners.single.pretrained import _with_lora
from sayso.learners.specs import LoRA

#: How transformers' code hands a layer's weights to a kernel, or multiplies by them itself.
PASSING = re.compile(
    r"(?:^\s*|_weight=)self\.(\w+_proj)\.weight,$|= self\.(\w+_proj)\.weight @|, self\.(\w+)\.weight\.type\(",
    re.MULTILINE,
)


def test_layers_whose_weights_are_read_by_themselves_are_those_of_the_installed_transformers():
    found: dict[str, set[str]] = {}
    for kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        file = Path(transformers.__file__).parent / "models" / kind / f"modeling_{kind}.py"
        code = file.read_text(encoding="utf-8") if file.is_file() else ""
        if layers := {"".join(found) for found in PASSING.findall(code)}:
            found[kind] = layers
    assert found == {kind: set(layers) for kind, layers in PASSED_BY.items()}


@pytest.mark.parametrize(
    "kind", ["bamba", "falcon_mamba", "granitemoehybrid", "jamba", "longcat_flash", "mamba", "zamba2"]
)
@pytest.mark.filterwarnings("ignore")
def test_every_addition_has_a_gradient_and_none_is_where_kernels_pass_it_by(kind):
    transformers.logging.set_verbosity_error()
    model = _with_lora(make(kind), LoRA(rank=2, target_modules="all-linear"), "m", 1)
    own = {name: tensor for name, tensor in model.named_parameters() if "lora_B" in name}
    ids = torch.arange(10, 40)[None]
    model(input_ids=ids, labels=ids).loss.backward()
    layers = {name.split(".lora_B")[0].split(".")[-1] for name in own}
    assert layers.isdisjoint(PASSED_BY[kind])
    assert layers
    assert [name for name, tensor in own.items() if not tensor.grad.abs().sum()] == []


def test_layers_that_somebody_names_are_that_persons_choice():
    model = make("mamba")
    assert left_alone(model, ["x_proj"]) is None
    assert left_alone(make("gpt2"), "all-linear") is None
