"""Light descriptions of models; `build` imports what is heavy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, JsonValue

from sayso.core.examples import Corpus
from sayso.core.protocols import ModelSpec

if TYPE_CHECKING:
    from sayso.learners.stacked import StackedLearner


class FromScratch(ModelSpec):
    """A small causal transformer of the transformers library, from random weights, with a word-level tokenizer.

    `architecture` is a model type of transformers (``gpt_neox``, ``gpt2``, ``llama``, ...), `config` its settings;
    vocabulary size and special tokens are set by sayso. Seeds are trained side by side.
    """

    max_replicas: ClassVar[int] = 16

    architecture: str = "gpt_neox"
    config: dict[str, JsonValue] = Field(default_factory=dict)

    def build(self, corpora: Sequence[Corpus]) -> StackedLearner:
        """Make one replica for each corpus, with random weights that depend on the corpus's seed alone."""
        from sayso.learners.stacked import StackedLearner

        return StackedLearner(corpora, self.architecture, self.config)
