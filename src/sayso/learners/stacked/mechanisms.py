"""What passes between layers, and what comes of changing it, of each replica by itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sayso.core.examples import Example
from sayso.core.learner import Activations, Steering
from sayso.learners.activations import activations, blocks_of, places_of
from sayso.learners.encoding import Document, Ids
from sayso.learners.stacked.batching import Tokens
from sayso.learners.stacked.replicas import Replicas
from sayso.learners.steering import steered_losses


def prompt_activations(
    models: Replicas,
    examples: Sequence[Sequence[Example]],
    documents: Sequence[Sequence[Document]],
    layers: Sequence[int],
    at: Sequence[int],
) -> Iterator[Activations]:
    """Activations at some tokens of prompts (`sayso.learners.activations.activations`), replica by replica.

    Raises
    ------
    SaysoError
        If there is no such layer, a prompt has no such token, or layers cannot be told.
    """
    each = [
        _of_one(models, replica, *own, layers, at) for replica, own in enumerate(zip(examples, documents, strict=True))
    ]
    return itertools.chain.from_iterable(each)


def _of_one(
    models: Replicas,
    replica: int,
    examples: Sequence[Example],
    documents: Sequence[Document],
    layers: Sequence[int],
    at: Sequence[int],
) -> Iterator[Activations]:
    prompts = prompts_of(models, documents)
    lengths = [len(prompt) for prompt in prompts]
    device = next(iter(models.parameters.values())).device

    def read(rows: Sequence[int]) -> None:
        ids = torch.as_tensor(np.stack([prompts[row] for row in rows]), device=device)
        written = torch.as_tensor(np.stack([documents[row].ids[:1] for row in rows]), device=device)
        models.logits_of(replica, Tokens(written, ids) if models.seq2seq else Tokens(ids, ids[:, :0]))

    return activations(
        read,
        reading_blocks(models),
        lengths,
        places_of(examples, lengths, at),
        layers,
        replica=replica,
        name=models.module.config.model_type,
    )


def prompts_of(models: Replicas, documents: Sequence[Document]) -> list[Ids]:
    """What is read of each document before anything is written."""
    return [item.context if models.seq2seq else item.ids[: item.start] for item in documents]


def reading_blocks(models: Replicas) -> list[nn.Module]:
    """The blocks that read prompts: an encoder's, or a causal model's.

    Raises
    ------
    SaysoError
        If they cannot be told.
    """
    module = models.module
    return blocks_of(
        module.get_encoder() if models.seq2seq else module.base_model, module.config, module.config.model_type
    )


def losses_while_steered(
    models: Replicas,
    replica: int,
    examples: Sequence[Example],
    documents: Sequence[Document],
    steering: Sequence[Steering],
) -> NDArray[np.float64]:
    """Mean loss of one replica's completions (`sayso.learners.steering.steered_losses`).

    Raises
    ------
    SaysoError
        If there is no such layer, a prompt has no such token, or layers cannot be told.
    """
    device = next(iter(models.parameters.values())).device

    def losses(rows: Sequence[int]) -> NDArray[np.float64]:
        own = [documents[row] for row in rows]
        ids = torch.as_tensor(np.stack([item.ids for item in own]), device=device)
        tokens = Tokens(ids[:, :-1], torch.as_tensor(np.stack([item.context for item in own]), device=device))
        starts = torch.as_tensor([item.start for item in own], device=device)[:, None]
        first = int(starts.min())
        logits = models.logits_of(replica, tokens, keep=ids.shape[1] - first)
        token = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), ids[:, first:].flatten(), reduction="none"
        ).view(len(own), -1)
        counted = torch.arange(first, ids.shape[1], device=device) >= starts
        mean: NDArray[np.float64] = ((token * counted).sum(1) / counted.sum(1)).cpu().double().numpy()
        return mean

    return steered_losses(
        losses,
        reading_blocks(models),
        examples,
        documents,
        steering,
        vocabulary=models.module.get_input_embeddings().num_embeddings,
        name=models.module.config.model_type,
    )
