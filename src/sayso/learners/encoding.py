r"""Examples as token ids, for causal and sequence-to-sequence models, for one model and for many side by side.

A sequence-to-sequence model reads the prompt with its encoder and writes after a start token; a causal one reads and
writes in one sequence. Either way `ids` is what the decoder sees and `start` where the completion begins in it:

    causal                ids: Q : Who is < | abcde | > ? \n A : queen \n END    start: at 'queen'
    sequence-to-sequence  context: Q : ... A : END    ids: START queen END       start: 1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Lengths
from sayso.core.training import TrainSpec

T = TypeVar("T")
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Document:
    """One example: see above; `ids` ends with the end-of-text token until `for_training` has seen to it.

    `real`: how many of `ids` are not padding. `first`: the first position whose token counts in the loss. `whole`:
    whether the prompt's tokens are the same with and without the completion.
    """

    context: Ids
    ids: Ids
    start: int
    real: int
    first: int
    whole: bool = True

    @property
    def counted(self) -> int:
        """How many tokens count in the loss."""
        return len(self.ids) - self.first

    @property
    def read(self) -> int:
        """How many tokens are read of it, which is about what it costs."""
        return len(self.context) + len(self.ids)


def lengths_of(documents: Sequence[Document]) -> Lengths:
    """How long documents that were encoded for training are; the start token of a sequence-to-sequence model counts."""
    tokens = [len(item.context) + item.real for item in documents]
    return Lengths(_array(tokens), _array([item.counted for item in documents]))


class Encoder:
    """Turns examples into documents with a model's own tokenizer; no token is ever cut off.

    `decoder_start`: what a sequence-to-sequence model writes after; None for a causal one. `words`: whether the
    tokenizer is one of whole words (`sayso.learners.stacked.tokenizer`), of which some may be unknown: those are
    refused. `rows`: how many tokens the model knows; a tokenizer may have more (Gemma's, for pictures),
    so long as no text holds them.
    """

    def __init__(
        self, tokenizer: Any, decoder_start: int | None, *, words: bool = False, rows: int | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._decoder_start = decoder_start
        self._words, self._rows = words, rows
        self._end: int = tokenizer.eos_token_id
        self._added = {target: [] if words else self._added_after(target=target) for target in (False, True)}
        self._pad: int = pad_of(tokenizer, rows) if words or decoder_start is not None else self._end

    def encode(self, examples: Sequence[Example]) -> list[Document]:
        """Encode examples, each with an end-of-text token after it.

        Raises
        ------
        SaysoError
            If one holds a word the tokenizer does not know, or a token the model does not.
        """
        if not examples:
            return []
        prompts = [example.prompt for example in examples]
        if self._decoder_start is None:
            texts = self._ids([example.text for example in examples])
            self._require_known(examples, texts)
            return [self._causal(*pair) for pair in zip(self._ids(prompts), texts, strict=True)]
        contexts = self._tokens(prompts)
        labels = self._ids([example.completion for example in examples], target=True)
        self._require_known(examples, [[*one, *other] for one, other in zip(contexts, labels, strict=True)])
        return [
            Document(_array(context), _array([self._decoder_start, *label, self._end]), 1, len(label) + 2, 1)
            for context, label in zip(contexts, labels, strict=True)
        ]

    def for_training(
        self, examples: Sequence[Example], train: TrainSpec, *, label_length: int | None = None
    ) -> list[Document]:
        """Encode documents to be trained on: with as much end and padding as counts in the loss.

        Raises
        ------
        SaysoError
            If some are longer than the settings allow (the message says how many, and names the first), or a token
            straddles prompt and completion where only the completion counts.
        """
        documents = self.encode(examples)
        causal = self._decoder_start is None
        if train.loss_on == "completion":
            require_boundary(examples, documents)
        if train.padding_loss != "first_eos":
            documents = without_end(documents)
        _require_length(examples, [item.real if causal else len(item.context) for item in documents], train.max_length)
        if not causal:
            _require_length(examples, [item.counted for item in documents], label_length, "label_length", "completion")
        if train.padding_loss == "all":
            if not causal and label_length is None:
                raise SaysoError("padding_loss 'all' pads answers up to the model's label_length, which must be given")
            length = train.max_length if causal else (label_length or 0) + 1
            documents = [replace(item, ids=self._filled(item.ids, length or 0, causal)) for item in documents]
        if causal and train.loss_on == "completion":
            documents = [replace(item, first=item.start) for item in documents]
        return documents

    def _filled(self, ids: Ids, length: int, causal: bool) -> Ids:
        """Pad up to a length; a sequence-to-sequence answer ends with its end token first."""
        if not causal and len(ids) < length:
            ids = np.append(ids, self._end)
        return np.append(ids, np.full(length - len(ids), self._pad))

    def _require_known(self, examples: Sequence[Example], rows: Sequence[Sequence[int]]) -> None:
        for example, ids in zip(examples, rows, strict=True):
            if self._words and self._pad in ids:
                raise SaysoError(f"{example.text!r} holds a word that is not in the vocabulary")
            if self._rows is not None and max(ids, default=0) >= self._rows:
                token = self._tokenizer.convert_ids_to_tokens(max(ids))
                raise SaysoError(
                    f"{example.text!r} holds the token {token!r}, which is number {max(ids)} of the tokenizer; the "
                    f"model knows only the first {self._rows}"
                )

    def _causal(self, prompt: list[int], text: list[int]) -> Document:
        whole = text[: len(prompt)] == prompt and len(prompt) > 0
        return Document(_array([]), _array([*text, self._end]), len(prompt), len(text) + 1, 1, whole)

    def _ids(self, texts: list[str], *, target: bool = False) -> list[list[int]]:
        """Encode texts as the tokenizer does by itself, but for what it may add after them."""
        added = self._added[target] or [self._end]
        encoded = self._tokens(texts, target=target)
        return [ids[: -len(added)] if ids[-len(added) :] == added else ids for ids in encoded]

    def _added_after(self, *, target: bool) -> list[int]:
        """The tokens that the tokenizer puts after every text: an end token, or others in its place."""
        (bare,), (whole,) = (self._tokens(["a"], target=target, special=special) for special in (False, True))
        begins = (at for at in range(len(whole)) if whole[at : at + len(bare)] == bare)
        return whole[max(begins, default=len(whole)) + len(bare) :]

    def _tokens(self, texts: list[str], *, target: bool = False, special: bool = True) -> list[list[int]]:
        if self._words:  # a third of the time: transformers makes masks and copies that nothing here needs
            return [encoding.ids for encoding in self._tokenizer.backend_tokenizer.encode_batch_fast(texts)]
        given = {"text_target": texts} if target else {"text": texts}
        encoded: list[list[int]] = self._tokenizer(**given, add_special_tokens=special, verbose=False)["input_ids"]
        return encoded


def pad_of(tokenizer: Any, rows: int | None) -> int:
    """The token to pad with: the tokenizer's, or its end-of-text token where the model has only `rows` without it."""
    pad: int = tokenizer.pad_token_id
    end: int = tokenizer.eos_token_id
    return pad if rows is None or pad < rows else end


class Once(Generic[T]):
    """Makes something of lists of examples that are asked about again and again, only once.

    The lists are kept, so their ids stay theirs.
    """

    def __init__(self, make: Callable[[Sequence[Sequence[Example]]], T]) -> None:
        self._make = make
        self._made: dict[tuple[int, ...], tuple[Sequence[Sequence[Example]], T]] = {}

    def __call__(self, examples: Sequence[Sequence[Example]]) -> T:
        """What is made of the examples of each replica."""
        key = tuple(id(own) for own in examples)
        if key not in self._made:
            self._made[key] = (tuple(examples), self._make(examples))
        return self._made[key][1]


def require_boundary(examples: Sequence[Example], documents: Sequence[Document]) -> None:
    """Check that completions begin where a token does.

    Raises
    ------
    SaysoError
        If a token is partly prompt and partly completion.
    """
    for example, document in zip(examples, documents, strict=True):
        if not document.whole:
            raise SaysoError(
                f"{example.text!r}: a token is partly prompt ({example.prompt[-12:]!r}) and partly completion; let the "
                "prompt end where a word does"
            )


def without_end(documents: Sequence[Document]) -> list[Document]:
    """Documents as `Encoder.encode` gives them, without the end of text."""
    return [replace(item, ids=item.ids[:-1], real=item.real - 1) for item in documents]


def cut_completions(examples: Sequence[Example], documents: Sequence[Document], most: int) -> list[Document]:
    """Leave out the end token of documents as `Encoder.encode` gives them whose completion has `most` tokens without.

    Raises
    ------
    SaysoError
        If a completion has more tokens.
    """
    for example, document in zip(examples, documents, strict=True):
        if (tokens := len(document.ids) - 1 - document.start) > most:
            raise SaysoError(
                f"max_new_tokens is {most}, but {example.completion.strip()!r} has {tokens} tokens; set it to {tokens} "
                "at the least"
            )
    sizes = [min(len(document.ids), document.start + most) for document in documents]
    return [
        replace(item, ids=item.ids[:size], real=min(item.real, size))
        for item, size in zip(documents, sizes, strict=True)
    ]


def _require_length(
    examples: Sequence[Example],
    lengths: Sequence[int],
    most: int | None,
    setting: str = "max_length",
    what: str = "document",
) -> None:
    if most is None:
        return
    long = [index for index, length in enumerate(lengths) if length > most]
    if long:
        first = long[0]
        raise SaysoError(
            f"{setting} is {most}, but {len(long)} of {len(lengths)} {what}s are longer (up to {max(lengths)} tokens); "
            f"the first has {lengths[first]}: {examples[first].text!r}; a {setting} of {max(lengths)} would do"
        )


def _array(ids: Sequence[int]) -> Ids:
    return np.array(ids, dtype=np.int64)
