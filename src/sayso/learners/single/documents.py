"""Examples as the documents of one model of transformers: trained on, scored, or read up to where something is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document, Encoder, Ids, require_boundary, without_end
from sayso.learners.single.limits import Limits
from sayso.learners.specs import HFModel


class Documents:
    """Encodes examples, and checks that the model has a position for every token.

    Methods raise a `SaysoError` where it has not: the message says how many documents are too long and names the first.
    Those of `sayso.learners.encoding` hold as well.
    """

    def __init__(self, spec: HFModel, config: Any, encoder: Encoder, limits: Limits) -> None:
        self._spec, self._config, self._encoder, self._limits = spec, config, encoder, limits

    def trained(self, examples: Sequence[Example], train: TrainSpec) -> list[Document]:
        """Examples to be trained on."""
        length = self._limits.padded if train.padding_loss == "all" else self._spec.label_length
        documents = self._encoder.for_training(examples, train, label_length=length)
        self._require_positions(examples, documents)
        return documents

    def whole(self, examples: Sequence[Example], train: TrainSpec) -> list[Document]:
        """Examples all of whose tokens are to be scored: their prompts, and what training counts after them.

        Where padding counts, they have to fit into what is padded to; else they may be of any length.
        """
        padded = train.padding_loss == "all"
        counted = train.model_copy(update={"loss_on": "all", "max_length": train.max_length if padded else None})
        length = self._limits.padded if padded else None
        documents = self._encoder.for_training(examples, counted, label_length=length)
        self._require_positions(examples, documents)
        return [replace(item, start=item.first) for item in documents]

    def scored(self, examples: Sequence[Example]) -> list[Document]:
        """Examples whose completions are to be scored."""
        documents = self._encoder.encode(examples)
        require_boundary(examples, documents)
        self._require_positions(examples, documents, self._limits.new_tokens)
        return documents

    def candidates(self, examples: Sequence[Example]) -> list[Document]:
        """Examples whose completions are candidate answers: scored without what ends an answer."""
        documents = self._encoder.encode(examples)
        require_boundary(examples, documents)
        self._require_positions(examples, documents)
        return without_end(documents)

    def prompts(self, examples: Sequence[Example]) -> list[Ids]:
        """What is read of each example before anything is written."""
        return [item.context if len(item.context) else item.ids[: item.start] for item in self.scored(examples)]

    def _require_positions(self, examples: Sequence[Example], documents: Sequence[Document], new: int = 0) -> None:
        most = getattr(self._config, "max_position_embeddings", None)
        if not isinstance(most, int):
            return
        needed = [max(len(item.ids) - 1, item.start + new, len(item.context)) for item in documents]
        if long := [row for row, length in enumerate(needed) if length > most]:
            raise SaysoError(
                f"model {self._spec.name} has {most} positions, but {len(long)} of {len(needed)} documents need more "
                f"(up to {max(needed)}); the first is {examples[long[0]].text!r}"
            )
