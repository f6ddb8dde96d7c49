from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.corpus import Corpus
from sayso.core.learner import MatrixPeak
from sayso.core.training import TrainSpec
from sayso.learners import matrix_peak as module
from sayso.learners.grids.networks import mlp
from sayso.learners.grids.sizes import mlp_size
from sayso.learners.matrix_peak import matrix_peak, operations_a_token, operations_an_input, products_a_second
from sayso.learners.single.learner import build
from sayso.learners.specs import HFModel, LoRA
from tests.tiny_models import CONFIGS, save_tiny

CPU = torch.device("cpu")
TRAIN = TrainSpec(batch_size=4, learning_rate=1e-3)
TOKENS = 2


def counted(model: torch.nn.Module) -> float:
    """Operations of products in a forward and backward pass, as torch counts them, for a token."""
    ids = torch.arange(TOKENS)[None]
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids).logits.sum().backward()
    return float(counter.get_total_flops()) / TOKENS


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "gpt_neo", "llama"])
def test_operations_are_those_that_torch_counts(architecture: str, tmp_path: Path) -> None:
    """Tied output layers and transposed weights are among them; torch counts attention's products as well."""
    model = build([Corpus(1, {}, ())], HFModel(name=save_tiny(tmp_path, architecture))).model
    assert operations_a_token(model) == pytest.approx(counted(model), rel=0.03)


@pytest.mark.parametrize("architecture", ["gpt_neox", "llama"])
def test_weights_that_are_not_trained_have_no_gradient_to_compute(architecture: str, tmp_path: Path) -> None:
    """Of many layers, for torch takes no gradient by what the first adapted one is given."""
    name = save_tiny(tmp_path, architecture, num_hidden_layers=24)
    model = build([Corpus(1, {}, ())], HFModel(name=name, lora=LoRA(rank=2))).model
    assert operations_a_token(model) == pytest.approx(counted(model), rel=0.03)


def test_operations_follow_the_table_where_each_input_is_one_token() -> None:
    shape, outputs, sizes = (6, 5), 7, {"width": 16, "depth": 2}
    model = mlp(shape, outputs, **sizes)
    assert operations_an_input(model, shape) == 3 * mlp_size(shape, outputs, **sizes).flops


def test_what_no_token_goes_through_as_a_whole_is_not_counted() -> None:
    t5 = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model("t5", vocab_size=32, **CONFIGS["t5"]))
    small = {**CONFIGS["llama"], "num_key_value_heads": 2, "num_local_experts": 2, "num_experts_per_tok": 1}
    experts = AutoModelForCausalLM.from_config(AutoConfig.for_model("mixtral", vocab_size=32, **small))
    assert operations_a_token(t5) is None
    assert operations_a_token(experts) is None


def test_of_a_small_model_nothing_is_counted_or_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> float:
        raise AssertionError

    monkeypatch.setattr(module, "products_a_second", no)
    assert matrix_peak(torch.nn.Linear(8, 8), no, TRAIN, CPU) is None
    large = torch.nn.Linear(4096, 4096, device="meta")
    assert matrix_peak(large, lambda _: None, TRAIN, CPU) is None


def test_a_large_one_is_given_what_its_devices_reach_in_its_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "products_a_second", lambda _, half: 4e9 if half else 1e9)
    large = torch.nn.Linear(4096, 4096, device="meta")
    assert matrix_peak(large, operations_a_token, TRAIN, CPU, devices=2) == MatrixPeak("float32", 2e9, 6.0 * 4096**2)
    half = TRAIN.model_copy(update={"precision": "bfloat16"})
    assert matrix_peak(large, operations_a_token, half, CPU) == MatrixPeak("bfloat16", 4e9, 6.0 * 4096**2)
    alone = matrix_peak(large, operations_a_token, half, CPU, half=False)
    assert alone is not None
    assert (alone.precision, alone.operations) == ("float32", 1e9)

    def full(*_: object, **__: object) -> float:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(module, "products_a_second", full)
    assert matrix_peak(large, operations_a_token, TRAIN, CPU) is None


def test_measuring_draws_nothing_that_others_would_have_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SIZE", {"cpu": 64})
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    products_a_second.cache_clear()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = products_a_second(CPU, half=False)
    assert torch.equal(torch.rand(3), expected)
    assert first > 0
    assert products_a_second(CPU, half=False) == first  # once in a process
    products_a_second.cache_clear()


def test_tokens_take_at_least_what_products_alone_would() -> None:
    assert MatrixPeak("float32", operations=2e9, token=1e6).seconds(4000) == pytest.approx(2.0)
