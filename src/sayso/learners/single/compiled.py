"""Blocks of a model as compiled code (`torch.compile`), for training alone: fewer operations to hand to a device.

What is compiled is a twin of the model, whose parts hold the model's very weights. The model's own parts stay as they
are, for what is measured listens to them, and compiled code does not call who begins to listen later.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import torch

from sayso.learners.activations import blocks_of
from sayso.learners.modules import drops

#: What compiles, as `torch.compile` has it.
BACKEND = "inductor"


def compiled_twin(model: Any, name: str) -> Any:
    """A model of transformers with the weights of another, in training mode, whose blocks are compiled when first run.

    All blocks share what is compiled, and so do documents of all lengths.

    Raises
    ------
    SaysoError
        If its blocks cannot be told from its parts.
    ValueError
        If it drops at random, which compiled code would draw in an order of its own, or is to be deterministic on a
        GPU, where compiled code is tuned by what is fastest.
    """
    if any(drops(part) for part in model.modules()):
        raise ValueError("it drops at random in training")
    tensors = list(itertools.chain(model.parameters(), model.buffers()))
    if any(each.is_cuda for each in tensors) and torch.are_deterministic_algorithms_enabled():
        raise ValueError("deterministic is set, and compiled code may add up in another order each time")
    twin = copy.deepcopy(model, {id(each): each for each in tensors})
    for block in blocks_of(twin.base_model, twin.config, name):
        block.compile(dynamic=True, backend=BACKEND)
    return twin.train()
