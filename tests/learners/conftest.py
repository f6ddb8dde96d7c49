"""Small worlds and models for all tests of learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.learners.stacked.learner import StackedLearner
from tests.conftest import make_tiny

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "gpt_neox": make_tiny().model.config,  # type: ignore[attr-defined]
    "llama": {**make_tiny().model.config, "num_key_value_heads": 1},  # type: ignore[attr-defined]
    "gpt2": {
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 16,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    },
    "t5": {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_kv": 8, "d_ff": 16, "dropout_rate": 0.0},
}

#: How transformers reads each of them back.
AUTO_CLASS = {name: AutoModelForSeq2SeqLM if name == "t5" else AutoModelForCausalLM for name in ARCHITECTURES}


@pytest.fixture(autouse=True)
def _always_one_thread(one_thread: None) -> None:
    """Nothing here depends on how many cores there are."""


def example(prompt: str, *answers: str, alias: str = "x") -> Example:
    """A document whose completion is the first answer."""
    return Example(prompt, f" {answers[0]}", answers, "question", "QA3", alias, "entity")


def learner_of(
    tokens: Sequence[str],
    seeds: Sequence[int] = (0,),
    architecture: str = "gpt_neox",
    config: Mapping[str, Any] | None = None,
    max_new_tokens: int | None = None,
) -> StackedLearner:
    """Replicas that know these tokens and no corpus."""
    corpora = [Corpus(seed, {}, (), tuple(tokens)) for seed in seeds]
    return StackedLearner(corpora, architecture, config or ARCHITECTURES[architecture], max_new_tokens)


def loss_of(network: Any, tokenizer: Any, batch: Sequence[Example], loss_on: str) -> torch.Tensor:
    """The mean loss of a model of transformers that reads these documents by itself."""
    if network.config.is_encoder_decoder:
        given = tokenizer([document.prompt for document in batch], padding=True, return_tensors="pt")
        completions = [document.completion.removeprefix(" ") for document in batch]
        labels = tokenizer(completions, padding=True, return_tensors="pt")["input_ids"]
    else:
        given = tokenizer([document.text for document in batch], padding=True, return_tensors="pt")
        labels = given["input_ids"].clone()
        for row, document in enumerate(batch if loss_on == "completion" else ()):
            labels[row, : len(tokenizer(document.prompt)["input_ids"]) - 1] = -100
    labels = labels.masked_fill(labels == tokenizer.pad_token_id, -100)
    loss: torch.Tensor = network(
        input_ids=given["input_ids"], attention_mask=given["attention_mask"], labels=labels
    ).loss
    return loss
