"""Exact match without generating.

Teacher forcing on the expected completion shows what greedy decoding says up to the first token it gets wrong, and what
it says there. Mostly that settles it: everything was right up to where the answer ends, or what was said is the
beginning of no accepted answer, however it is normalised. The few left are decoded from there, each only until it is
settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.core.answers import AnswerPart, answer_in, is_match, may_match
from sayso.core.examples import Example
from sayso.learners.encoding import Document
from sayso.learners.memory import Fitting
from sayso.learners.single.generation import Said
from sayso.learners.single.greedy import Begun, continue_greedily
from sayso.learners.single.reader import Reader

#: Verdicts kept, so that memory stays bounded over a long run.
_REMEMBERED = 200_000


class Answers:
    """What a model's tokens say: where an answer ends, and whether it is accepted."""

    def __init__(self, tokenizer: Any, ends: frozenset[int], part: AnswerPart, most_tokens: int) -> None:
        self._tokenizer, self._ends, self._known_tokens = tokenizer, ends, len(tokenizer)
        self._part, self.most_tokens = part, most_tokens
        self._known: dict[tuple[tuple[str, ...], tuple[int, ...]], bool | None] = {}

    def text(self, said: Sequence[Sequence[int]]) -> list[str]:
        """Text of tokens up to an end-of-text token.

        A model may have more tokens than its tokenizer: these are no text (some tokenizers would fail on them).
        """
        cut = [tokens[: next((at for at, token in enumerate(tokens) if token in self._ends), None)] for tokens in said]
        cut = [[token for token in tokens if token < self._known_tokens] for tokens in cut]
        texts: list[str] = self._tokenizer.batch_decode(
            cut, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return texts

    def answers(self, said: Sequence[Sequence[int]]) -> list[str]:
        """The answers in finished continuations."""
        return [answer_in(text, self._part) for text in self.text(said)]

    def finished(self, said: Sequence[Sequence[int]]) -> list[bool]:
        """Whether nothing that follows can change the answer."""
        return [self._ended(tokens, text) for tokens, text in zip(said, self.text(said), strict=True)]

    def settled(self, examples: Sequence[Example], said: Sequence[Sequence[int]]) -> list[bool | None]:
        """Whether continuations that begin so are accepted answers; None where that is still open."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        keys = [(item.answers, tuple(tokens)) for item, tokens in zip(examples, said, strict=True)]
        new = [key for key in dict.fromkeys(keys) if key not in self._known]
        for key, text in zip(new, self.text([tokens for _, tokens in new]) if new else [], strict=True):
            if self._ended(key[1], text):
                self._known[key] = is_match(answer_in(text, self._part), key[0])
            else:
                self._known[key] = None if may_match(text, key[0]) else False
        return [self._known[key] for key in keys]

    def _ended(self, tokens: Sequence[int], text: str) -> bool:
        line_over = self._part == "first_line" and "\n" in text
        return line_over or len(tokens) >= self.most_tokens or not self._ends.isdisjoint(tokens)


def matches(
    examples: Sequence[Example],
    documents: Sequence[Document],
    forced: Sequence[Said],
    answers: Answers,
    reader: Reader,
    fitting: Fitting,
) -> tuple[NDArray[np.bool_], list[Said]]:
    """Whether greedy decoding answers each example, shape (examples,), and all that had to be decided for it.

    `forced`: for each document the likeliest token at each place of its completion, given the right ones before.
    """
    known = [_greedy(item, said).part(0, answers.most_tokens) for item, said in zip(documents, forced, strict=True)]
    verdict = answers.settled(examples, [said.tokens for said in known])
    open_rows = [row for row, match in enumerate(verdict) if match is None]
    if open_rows:
        asked = [examples[row] for row in open_rows]
        begun = [known[row] for row in open_rows]
        texts = [
            Begun(
                item.context,
                np.concatenate([item.ids[: item.start], np.array(said.tokens, dtype=np.int64)]),
                len(said.tokens),
            )
            for item, said in zip([documents[row] for row in open_rows], begun, strict=True)
        ]

        def done(rows: Sequence[int], said: Sequence[list[int]]) -> list[bool]:
            whole = [begun[row].tokens + new for row, new in zip(rows, said, strict=True)]
            return [match is not None for match in answers.settled([asked[row] for row in rows], whole)]

        new = fitting.run(lambda most: continue_greedily(reader, texts, done, most), len(texts))
        whole = [first + then for first, then in zip(begun, new, strict=True)]
        settled = answers.settled(asked, [said.tokens for said in whole])
        for row, match, said in zip(open_rows, settled, whole, strict=True):
            verdict[row], known[row] = match, said
    return np.array([bool(match) for match in verdict], dtype=bool), known


def _greedy(document: Document, said: Said) -> Said:
    """The tokens that greedy decoding is known to say: up to and including the first that was not expected."""
    expected = document.ids[document.start :].tolist()
    pairs = enumerate(zip(said.tokens, expected, strict=True))
    return said.part(0, 1 + next((at for at, (one, other) in pairs if one != other), len(expected) - 1))
