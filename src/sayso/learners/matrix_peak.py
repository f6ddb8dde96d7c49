"""The most that matrix products reach on a device, measured, and how much of it training takes for a token.

What is counted is what the model asks for: two operations for each weight of a matrix in the forward pass, two for the
gradient by its input and two for that by the weight. Attention's own products, and what is computed twice, are not.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sayso.core.learner import MatrixPeak
from sayso.core.training import TrainSpec
from sayso.learners.modules import computes_in_bfloat16, drawing

#: Models of fewer parameters wait for launches, and jobs of theirs may take no longer than measuring.
SMALLEST = 10_000_000
#: Rows and columns of the matrices that are multiplied: enough to keep a device busy, on a GPU 200 MB of three.
_SIZE = {"cpu": 1024, "cuda": 4096}
#: How long is measured, and how many products are handed over at a time: a GPU must not wait for the next.
_SECONDS, _AT_A_TIME = 0.3, {"cpu": 1, "cuda": 10}


def matrix_peak(
    model: nn.Module,
    token: Callable[[nn.Module], float | None],
    train: TrainSpec,
    device: torch.device,
    *,
    half: bool = True,
    devices: int = 1,
) -> MatrixPeak | None:
    """Measure what matrix products reach in the precision of training, once in a process.

    Parameters
    ----------
    model
        One replica.
    token
        Counts the operations that training it takes for a token, None where that is not known.
    half
        Whether the model computes in bfloat16 where `train` says so.
    devices
        How many of the kind train it together.

    Returns
    -------
    MatrixPeak | None
        None of a small model, where `token` gives none, and where memory does not suffice to measure.
    """
    if sum(parameter.numel() for parameter in model.parameters()) < SMALLEST or not (operations := token(model)):
        return None
    half = half and computes_in_bfloat16(train, device)
    try:
        reached = products_a_second(device, half=half)
    except torch.OutOfMemoryError:  # training will say so in its own way
        return None
    return MatrixPeak(_name(device, half=half), devices * reached, operations)


@functools.cache
def products_a_second(device: torch.device, *, half: bool) -> float:
    """Operations a second of large matrix products, in bfloat16 or float32 as this process computes it."""
    size, count = _SIZE.get(device.type, 1024), _AT_A_TIME.get(device.type, 1)
    dtype = torch.bfloat16 if half else torch.float32
    with drawing(0, device):  # numbers drawn later are what they would have been
        one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    found = torch.empty_like(one)

    def seconds() -> float:
        begun = _now(device)
        for _ in range(count):
            torch.mm(one, other, out=found)
        return (_now(device) - begun) / count

    with torch.no_grad():
        seconds()  # the first makes what products need
        began, fastest = time.perf_counter(), seconds()
        while time.perf_counter() - began < _SECONDS:
            fastest = min(fastest, seconds())
    return float(2 * size**3) / fastest


def operations_a_token(model: nn.Module) -> float | None:
    """Operations that training a causal language model takes for a token, by its matrices.

    The gradient by a weight is computed only where the weight is trained. None where a token does not go through all
    matrices: of a mixture of experts, and of an encoder and a decoder.
    """
    own = getattr(model, "config", None)
    if getattr(own, "is_encoder_decoder", False) or any("expert" in name for name, _ in model.named_modules()):
        return None
    return float(sum(_operations(module) for module in model.modules()))


def operations_an_input(model: nn.Module, shape: tuple[int, ...]) -> float:
    """Operations that training a network takes for an input of a shape, counted in a forward pass, three times."""
    device = next(model.parameters()).device
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        model(torch.zeros(1, *shape, device=device))
    return 3.0 * float(counted.get_total_flops())


def _operations(module: nn.Module) -> int:
    """Of a module's own matrices; embeddings are looked up."""
    if isinstance(module, nn.Linear):  # of quantised ones, too, whose weights lie in another form
        return module.in_features * module.out_features * (6 if module.weight.requires_grad else 4)
    if isinstance(module, nn.Embedding):
        return 0
    matrices = (each for each in module.parameters(recurse=False) if each.dim() > 1)
    return sum(each.numel() * (6 if each.requires_grad else 4) for each in matrices)


def _name(device: torch.device, *, half: bool) -> str:
    if half:
        return "bfloat16"
    return "tf32" if device.type == "cuda" and torch.backends.cuda.matmul.fp32_precision == "tf32" else "float32"


def _now(device: torch.device) -> float:
    """The time when a device has done what it was given; on a CPU that of its cores, whatever else they do between."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    if device.type == "mps":
        torch.mps.synchronize()
    return time.process_time() / torch.get_num_threads() if device.type == "cpu" else time.perf_counter()
