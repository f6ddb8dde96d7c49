r"""How a kind of model is given a document: what it reads, what it writes, and which class of transformers it is.

    causal                ids: Q : Who is < | abcde | > ? A : queen END    the completion begins at 'queen'
    sequence-to-sequence  context: Q : ... A : END    ids: START queen END the completion begins after START

This is all that tells the two apart where replicas are trained side by side; START is the pad token, as in T5.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from sayso.learners.stacked.batching import Batch
from sayso.learners.stacked.tokens import Tokens


class Layout(Protocol):
    """What differs between kinds of models."""

    #: The class of transformers' that makes and reads models of this kind.
    auto_class: Any

    def settings(self, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
        """Settings that models of this kind alone have and that follow from the tokenizer."""
        ...

    def arrange(self, batch: Batch, tokenizer: PreTrainedTokenizerFast) -> Batch:
        """Turn whole documents into what a model reads and writes."""
        ...

    def arguments(self, tokens: Tokens, pad: int) -> dict[str, Tensor]:
        """Arguments of a model's forward pass on rows of one replica."""
        ...


class Causal:
    """A model that reads and writes one sequence.

    Padding needs no mask: it is on the right, where causal attention never looks back from.
    """

    auto_class: Any = AutoModelForCausalLM

    def settings(self, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:  # noqa: ARG002
        """None of its own."""
        return {}

    def arrange(self, batch: Batch, tokenizer: PreTrainedTokenizerFast) -> Batch:  # noqa: ARG002
        """Leave documents as they are."""
        return batch

    def arguments(self, tokens: Tokens, pad: int) -> dict[str, Tensor]:  # noqa: ARG002
        """There is no context."""
        return {"input_ids": tokens.ids}


class SequenceToSequence:
    """A model whose encoder reads the prompt and an end, and whose decoder writes the completion after a start."""

    auto_class: Any = AutoModelForSeq2SeqLM

    def settings(self, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
        """Completions begin after the pad token."""
        return {"decoder_start_token_id": tokenizer.pad_token_id}

    def arrange(self, batch: Batch, tokenizer: PreTrainedTokenizerFast) -> Batch:
        """Take documents apart where their completions begin."""
        pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
        prompt, said = batch.prompt[:, None], (batch.size - batch.prompt)[:, None]
        place = np.arange(batch.prompt.max(initial=0) + 1)
        context = np.where(place < prompt, batch.ids[:, : len(place)], np.where(place == prompt, end, pad))
        place = np.arange(said.max(initial=0))
        there = np.minimum(prompt + place, batch.ids.shape[1] - 1)
        ids = np.where(place < said, np.take_along_axis(batch.ids, there, axis=1), pad)
        start = np.full((len(ids), 1), pad, dtype=np.int64)
        return Batch(np.hstack([start, ids]), np.ones_like(batch.prompt), said[:, 0] + 1, context)

    def arguments(self, tokens: Tokens, pad: int) -> dict[str, Tensor]:
        """Mask the context's padding with floats: to make such a mask transformers looks at values; vmap forbids it."""
        mask = torch.where(tokens.context != pad, 0.0, torch.finfo(torch.float32).min)[:, None, None, :]
        return {"input_ids": tokens.context, "attention_mask": mask, "decoder_input_ids": tokens.ids}


def layout_of(config: Any) -> Layout | None:
    """The layout of models of a configuration; None where they are of neither kind."""
    name = config.model_type
    if config.is_encoder_decoder:
        return SequenceToSequence() if name in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES else None
    two_sided = name in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)
    return Causal() if name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not two_sided else None
