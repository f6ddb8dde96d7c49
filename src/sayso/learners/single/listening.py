"""What passes between the layers of one big model, while it reads prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from sayso.core.examples import Example
from sayso.core.learner import Activations
from sayso.learners.activations import activations, blocks_of, places_of
from sayso.learners.encoding import Ids
from sayso.learners.modules import in_evaluation
from sayso.learners.single.reader import base_of, takes


def prompt_activations(
    model: Any, name: str, examples: Sequence[Example], prompts: Sequence[Ids], layers: Sequence[int], at: Sequence[int]
) -> Iterator[Activations]:
    """Activations of one model (`sayso.learners.activations.activations`) at some tokens of prompts.

    `prompts`: what is read of each example. A causal model's backbone reads it, or the encoder of another.

    Raises
    ------
    SaysoError
        If there is no such layer, a prompt has no such token, or layers cannot be told.
    """
    own = base_of(model)
    reads = own.get_encoder() if own.config.is_encoder_decoder else own.base_model
    memory = {"use_cache": False} if "use_cache" in takes(reads) else {}
    lengths = [len(prompt) for prompt in prompts]

    def read(rows: Sequence[int]) -> None:
        ids = torch.as_tensor(np.stack([prompts[row] for row in rows]), device=own.device)
        with in_evaluation(model):
            reads(input_ids=ids, **memory)

    return activations(
        read,
        blocks_of(reads, own.config, name),
        lengths,
        places_of(examples, lengths, at),
        layers,
        replica=0,
        name=name,
    )
