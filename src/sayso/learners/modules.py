"""What is asked of the modules of transformers and torch wherever models are made."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from sayso.core.training import TrainSpec

log = logging.getLogger("sayso")

#: A multiple of the numbers that any processor's vector code takes at once.
LANES = 64
#: What a CPU is said to have that multiplies in bfloat16: the first two are Intel's and AMD's, the last ARM's.
_BFLOAT16_ON_CPUS = ("avx512_bf16", "amx_bf16", "bf16")
#: Where functions of single numbers are modules.
_ACTIVATIONS = {
    *("GELU", "SiLU", "Sigmoid", "LogSigmoid", "Mish", "ELU", "SELU", "CELU", "Softplus", "Tanh", "Hardswish"),
    "Hardsigmoid",
}


def class_of(config: Any) -> Any | None:
    """The class of transformers that makes and reads models of a configuration.

    None where they are neither causal nor sequence-to-sequence language models.
    """
    name = config.model_type
    if config.is_encoder_decoder:
        return AutoModelForSeq2SeqLM if name in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES else None
    two_sided = name in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)
    return AutoModelForCausalLM if name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not two_sided else None


def drops(module: torch.nn.Module) -> bool:
    """Whether a module would drop anything at random: a dropout layer, or one that applies dropout by itself."""
    if isinstance(module, torch.nn.Dropout):
        return module.p > 0
    return any(isinstance(value, float) and value > 0 for name, value in vars(module).items() if "drop" in name)


def computes_in_bfloat16(train: TrainSpec, device: torch.device) -> bool:
    """Whether training computes in bfloat16: where that is asked for, or the device is a GPU that has it.

    A GPU that only emulates it (V100, T4) does not have it, and computes in float32 unless told otherwise. So does a
    CPU, whatever it has.
    """
    return in_bfloat16(train.precision, device)


def in_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether ``auto``, ``float32``, ``bfloat16`` or ``fastest`` is bfloat16 on a device; said where it is emulated."""
    if precision == "auto":
        return device.type == "cuda" and has_bfloat16(device)
    if precision == "fastest":
        return has_bfloat16(device)
    if precision == "bfloat16" and not has_bfloat16(device):
        _say_emulated(device.type)
    return precision == "bfloat16"


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 itself, and not step by step in float32: then alone it is faster there."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    return any(torch.cpu.get_capabilities().get(name) for name in _BFLOAT16_ON_CPUS)


@functools.cache
def _say_emulated(device: str) -> None:
    log.warning("bfloat16 was asked for, which this %s does not have: it is emulated, slower than float32", device)


def round_alike(module: torch.nn.Module) -> None:
    """Make the activations of a module that is run under vmap round one replica's numbers as any other's.

    On a CPU, vector code and the code for what is left over at the end of a tensor (of the last replica, then) round
    some functions in different ways. Inputs are filled up so that nothing is left over.
    """
    for part in module.modules():
        kind = type(part)
        known = kind.__module__ == "torch.nn.modules.activation" and kind.__name__ in _ACTIVATIONS
        if known or kind.__module__ == "transformers.activations":
            setattr(part, "forward", functools.partial(_in_whole_vectors, part.forward))  # noqa: B010


def _in_whole_vectors(forward: Callable[[Tensor], Tensor], numbers: Tensor) -> Tensor:
    left_over = -numbers.numel() % LANES
    if not left_over:
        return forward(numbers)
    filled = torch.nn.functional.pad(numbers.flatten(), (0, left_over))
    return forward(filled)[: numbers.numel()].view(numbers.shape)


@contextlib.contextmanager
def drawing(number: int, device: torch.device | None = None) -> Iterator[None]:
    """Draw on the CPU, and on a GPU where it is given, random numbers that follow from a number.

    What is drawn afterwards is what it would have been.
    """
    there = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(there):  # which warns of several GPUs if it is not told which
        torch.default_generator.manual_seed(number)
        if there:
            torch.cuda.manual_seed(number)
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and its table of loaded weights out of the way."""
    level = transformers.logging.get_verbosity()
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers.logging.enable_progress_bar()
        transformers.logging.set_verbosity(level)


@contextlib.contextmanager
def in_evaluation(module: torch.nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and all its parts back into the modes they were in."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
