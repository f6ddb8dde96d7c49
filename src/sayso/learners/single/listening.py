"""What passes between the layers of one big model while it reads prompts, and what comes of changing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sayso.core.examples import Example
from sayso.core.learner import Activations, Steering
from sayso.learners.activations import activations, blocks_of, places_of
from sayso.learners.encoding import Document, Ids
from sayso.learners.modules import in_evaluation
from sayso.learners.single.grouping import Group
from sayso.learners.single.plain import PlainReader
from sayso.learners.single.reader import base_of, takes
from sayso.learners.steering import steered_losses


def reading_part(model: Any) -> Any:
    """The part of a model that reads prompts: the encoder, or a causal model's backbone."""
    own = base_of(model)
    return own.get_encoder() if own.config.is_encoder_decoder else own.base_model


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
    own, reads = base_of(model), reading_part(model)
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


def losses_while_steered(
    reader: PlainReader,
    name: str,
    examples: Sequence[Example],
    documents: Sequence[Document],
    steering: Sequence[Steering],
) -> NDArray[np.float64]:
    """Mean loss of completions by plain calls of a model (`sayso.learners.steering.steered_losses`).

    Raises
    ------
    SaysoError
        If there is no such layer, a prompt has no such token, or layers cannot be told.
    """
    model, own = reader.model, base_of(reader.model)

    def losses(rows: Sequence[int]) -> NDArray[np.float64]:
        with in_evaluation(model):
            return reader.completions(documents, [Group(tuple(rows))]).loss

    return steered_losses(
        losses,
        blocks_of(reading_part(model), own.config, name),
        examples,
        documents,
        steering,
        vocabulary=own.get_input_embeddings().num_embeddings,
        name=name,
    )
