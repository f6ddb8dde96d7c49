"""When a wrong token can still lead to a right answer.

Teacher forcing shows where greedy decoding first leaves the expected tokens. Up to there it is proven; what comes after
is not known. The answer is certainly wrong if what has been said by then is the beginning of no accepted answer.
Only the few documents where it is (several accepted answers, or words that can be cut into tokens in two ways) have to
be decoded.

Here an answer is all that is said up to the end token, or the most tokens it may have, and right if it is an accepted
one to the letter; answers of models from the hub end and are compared in other ways
(`sayso.learners.single.matching`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from sayso.core.examples import Example
from sayso.learners.encoding import Document


class Accepted:
    """Which completions of one word-level tokenizer may still become an accepted answer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, most_tokens: int | None = None) -> None:
        self._end: int = tokenizer.eos_token_id
        self._most_tokens = most_tokens
        self._text: list[str] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._known: dict[tuple[tuple[str, ...], tuple[int, ...]], bool] = {}

    def doubtful(
        self,
        examples: Sequence[Example],
        documents: Sequence[Document],
        first_wrong: NDArray[np.int64],
        guess: NDArray[np.int64],
    ) -> list[int]:
        """Rows whose greedy completion may be an accepted answer although it leaves the expected tokens.

        Parameters
        ----------
        documents
            The examples encoded.
        first_wrong, guess
            Position of the first unexpected token of each row (the row's size where there is none), and what greedy
            decoding says there; shape (rows,), further rows are ignored.
        """
        found = []
        for row, (example, document) in enumerate(zip(examples, documents, strict=True)):
            if (wrong := int(first_wrong[row])) < len(document.ids):
                said = (*document.ids[document.start : wrong].tolist(), int(guess[row]))
                if self._may_match(example.answers, said):
                    found.append(row)
        return found

    def _may_match(self, answers: tuple[str, ...], said: tuple[int, ...]) -> bool:
        """Whether these tokens are an accepted answer, or the beginning of one."""
        key = (answers, said)
        if key not in self._known:
            ended = said[-1] == self._end
            text = "".join(self._text[token] for token in (said[:-1] if ended else said)).lstrip()
            whole = ended or len(said) == self._most_tokens
            self._known[key] = text in answers if whole else any(answer.startswith(text) for answer in answers)
        return self._known[key]
