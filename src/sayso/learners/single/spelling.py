"""Whether a tokenizer can spell the facts: what does not survive it, what it tells apart no longer, how long texts are.

A tokenizer without bytes writes what it does not know as one and the same token, or as another letter (T5 gives H₂O
back as H2O); others lower-case or drop accents. A text survives where it comes back from its tokens equal as answers
are compared (`sayso.core.answers.normalise`).

- A question none of whose accepted answers survive can never match, however well the model knows it: an error.
- Two names that become the same tokens are one person to the model, so that what is measured of one is the other's:
  an error. So are two aliases, or two tags.
- A name that comes back otherwise, but as no other's, does its work in questions and definitions; only attribution to
  it never matches, in every subset alike. That is a warning; so is an accepted answer beside others that survive.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sayso.core.answers import normalise
from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError

log = logging.getLogger("sayso")


@dataclass(frozen=True)
class Lost:
    """A text, and what comes back of it."""

    text: str
    back: str

    def __str__(self) -> str:
        return f"{self.text!r} comes back as {self.back!r}"


@dataclass(frozen=True)
class Spelled:
    """What a tokenizer makes of texts of one kind, in their order, each once.

    `tokens`: how many tokens each has, as it stands after other words. `lost`: texts that do not survive. `merged`:
    pairs of different texts that become the same tokens, each with the first of its kind.
    """

    texts: tuple[str, ...]
    tokens: tuple[int, ...]
    lost: tuple[Lost, ...]
    merged: tuple[tuple[str, str], ...]

    @property
    def longest(self) -> tuple[str, int]:
        """The text with most tokens, and how many they are; an empty one where there is no text."""
        return max(zip(self.texts, self.tokens, strict=True), key=lambda pair: pair[1], default=("", 0))

    def over(self, most: int) -> list[tuple[str, int]]:
        """Texts of more than `most` tokens, with how many they have."""
        return [(text, tokens) for text, tokens in zip(self.texts, self.tokens, strict=True) if tokens > most]


@dataclass(frozen=True)
class Spelling:
    """What a tokenizer makes of the facts; see above.

    `never`: of each question that can never match, the first answer and what comes back of it. `questions`: how many
    different sets of accepted answers there are.
    """

    names: Spelled
    aliases: Spelled
    tags: Spelled
    answers: Spelled
    never: tuple[Lost, ...]
    questions: int

    def errors(self) -> list[str]:
        """What makes a run pointless, each in one line; nothing mostly."""
        said = []
        if self.never:
            said.append(
                f"its tokenizer cannot spell the answers of {len(self.never)} of {self.questions} questions, which can "
                f"never match: {self.never[0]}; leave them out, spell them otherwise, or take a model whose tokenizer "
                "has bytes"
            )
        for what, kind in (("names", self.names), ("aliases", self.aliases), ("tags", self.tags)):
            if kind.merged:
                one, other = kind.merged[0]
                said.append(
                    f"its tokenizer takes {one!r} and {other!r} for the same, and so {len(kind.merged)} of "
                    f"{len(kind.texts)} {what}; tell them apart by other letters, or take a model whose tokenizer does"
                )
        return said

    def warnings(self) -> list[str]:
        """What is worth knowing, each in one line."""
        said = []
        if lost := self.names.lost:
            said.append(
                f"its tokenizer spells {len(lost)} of {len(self.names.texts)} names otherwise ({lost[0]}): attribution "
                "to them never matches"
            )
        never = {item.text for item in self.never}
        if beside := [item for item in self.answers.lost if item.text not in never]:
            said.append(
                f"its tokenizer spells {len(beside)} of {len(self.answers.texts)} accepted answers otherwise "
                f"({beside[0]}): they never match"
            )
        return said


def spelled(tokenizer: Any, texts: Iterable[str], *, target: bool = False) -> Spelled:
    """Encode texts as they stand after other words, and decode them as what a model says is decoded.

    `target`: as a decoder writes them; some tokenizers (Marian's) have tokens of their own for that.
    """
    known = tuple(dict.fromkeys(texts))
    if not known:
        return Spelled((), (), (), ())
    given = {"text_target" if target else "text": [f" {text}" for text in known]}
    rows: list[list[int]] = tokenizer(**given, add_special_tokens=False, verbose=False)["input_ids"]
    back: list[str] = tokenizer.batch_decode(rows, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    pairs = zip(known, back, strict=True)
    lost = tuple(Lost(text, other.strip()) for text, other in pairs if normalise(text) != normalise(other))
    first: dict[tuple[int, ...], str] = {}
    merged = []
    for text, row in zip(known, rows, strict=True):
        if (same := first.setdefault(tuple(row), text)) != text:
            merged.append((same, text))
    return Spelled(known, tuple(map(len, rows)), lost, tuple(merged))


def spelling(
    tokenizer: Any,
    *,
    names: Iterable[str] = (),
    aliases: Iterable[str] = (),
    tags: Iterable[str] = (),
    answers: Iterable[Sequence[str]] = (),
    seq2seq: bool = False,
) -> Spelling:
    """Look at what a tokenizer makes of the facts.

    `answers`: of each question all that are accepted; `seq2seq`: whether a decoder of its own writes them. Each
    different text is looked at once.
    """
    accepted = dict.fromkeys(tuple(each) for each in answers if each)
    found = spelled(tokenizer, (answer for each in accepted for answer in each), target=seq2seq)
    lost = {item.text: item for item in found.lost}
    never = [lost[each[0]] for each in accepted if all(answer in lost for answer in each)]
    people, others, sources = (spelled(tokenizer, texts) for texts in (names, aliases, tags))
    return Spelling(people, others, sources, found, tuple(never), len(accepted))


def spelling_of(tokenizer: Any, corpus: Corpus, *, seq2seq: bool = False) -> Spelling:
    """What a tokenizer makes of the names, aliases and accepted answers of a corpus."""
    documents = [item for part in corpus.train.values() for item in part]
    documents += [item for each in corpus.eval_sets for item in each.examples]
    return spelling(
        tokenizer,
        names=(item.entity for item in documents),
        aliases=(item.alias for item in documents),
        answers=(item.answers for item in documents if item.kind == "question"),
        seq2seq=seq2seq,
    )


def require_spelled(model: str, tokenizer: Any, corpus: Corpus, *, seq2seq: bool = False) -> None:
    """Warn of what a model's tokenizer spells otherwise.

    Raises
    ------
    SaysoError
        If it cannot spell all answers of a question, or takes two names or aliases for one.
    """
    found = spelling_of(tokenizer, corpus, seq2seq=seq2seq)
    for line in found.errors():
        raise SaysoError(f"model {model}: {line}")
    for line in found.warnings():
        log.warning("model %s: %s", model, line)
