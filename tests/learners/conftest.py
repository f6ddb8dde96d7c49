"""Small worlds and models for all tests of learners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sayso.core.examples import Corpus, Example
from sayso.learners.stacked import StackedLearner
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
}


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
) -> StackedLearner:
    """Replicas that know these tokens and no corpus."""
    corpora = [Corpus(seed, {}, (), tuple(tokens)) for seed in seeds]
    return StackedLearner(corpora, architecture, config or ARCHITECTURES[architecture])
