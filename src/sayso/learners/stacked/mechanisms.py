"""What passes between layers, of each replica by itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from sayso.core.examples import Example
from sayso.core.learner import Activations
from sayso.learners.activations import activations, blocks_of, places_of
from sayso.learners.encoding import Document, Ids
from sayso.learners.stacked.batching import Tokens
from sayso.learners.stacked.replicas import Replicas


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
    module, name = models.module, models.module.config.model_type
    prompts: list[Ids] = [item.context if models.seq2seq else item.ids[: item.start] for item in documents]
    lengths = [len(prompt) for prompt in prompts]
    device = next(iter(models.parameters.values())).device

    def read(rows: Sequence[int]) -> None:
        ids = torch.as_tensor(np.stack([prompts[row] for row in rows]), device=device)
        written = torch.as_tensor(np.stack([documents[row].ids[:1] for row in rows]), device=device)
        models.logits_of(replica, Tokens(written, ids) if models.seq2seq else Tokens(ids, ids[:, :0]))

    return activations(
        read,
        blocks_of(module.get_encoder() if models.seq2seq else module.base_model, module.config, name),
        lengths,
        places_of(examples, lengths, at),
        layers,
        replica=replica,
        name=name,
    )
