"""Whether a tokenizer can spell the facts: what does not survive it, what it tells apart no longer, how long texts are.

A tokenizer without bytes writes what it does not know as one and the same token, or as another letter (T5 gives H₂O
back as H2O); others lower-case or drop accents. A text survives where it comes back from its tokens equal as answers
are compared (`sayso.core.answers.normalise`).

- A question none of whose accepted answers survive can never match, however well the model knows it: an error where
  it is more than one in a hundred, or all of one kind; else a warning, for it fails in every subset alike.
- Two names that become the same tokens are one person to the model, so that what is measured of one is the other's:
  an error. So are two aliases, or two tags: what definitions hold beside alias and name.
- A name that comes back otherwise, but as no other's, does its work in questions and definitions; only attribution to
  it never matches, in every subset alike. That is a warning; so is an accepted answer beside others that survive.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sayso.core.answers import normalise
from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example

#: How many of all questions may be unable ever to match.
NEVER_AT_MOST = 0.01

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

    `names`: lengths, and what comes back, are those of names that are said; those merged are so read or said. `never`:
    of each different set of accepted answers that can never match, the first and what comes back of it. `unmatched`:
    how many questions have these, of `questions`. `hopeless`: attributes of which no question can match.
    """

    names: Spelled
    aliases: Spelled
    tags: Spelled
    answers: Spelled
    never: tuple[Lost, ...]
    unmatched: int
    questions: int
    hopeless: tuple[str, ...]

    def errors(self) -> list[str]:
        """What makes a run pointless, each in one line; nothing mostly."""
        said = []
        if self._too_many:
            all_of = f", among them all of {', '.join(self.hopeless[:3])}" if any(self.hopeless) else ""
            said.append(
                f"{self._unmatched}{all_of}; leave them out, spell them otherwise, or take a model whose tokenizer has "
                "bytes"
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
        said = [self._unmatched] if self.never and not self._too_many else []
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

    @property
    def _too_many(self) -> bool:
        return bool(self.hopeless) or self.unmatched > NEVER_AT_MOST * self.questions

    @property
    def _unmatched(self) -> str:
        return (
            f"its tokenizer cannot spell the answers of {self.unmatched:,} of {self.questions:,} questions, which can "
            f"never match: {self.never[0]}"
        )


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
    questions: Iterable[tuple[str, Sequence[str]]] = (),
    seq2seq: bool = False,
) -> Spelling:
    """Look at what a tokenizer makes of the facts.

    `questions`: of each the attribute and all answers that are accepted; `seq2seq`: whether a decoder of its own writes
    them, and names. Each different text is looked at once.
    """
    asked = Counter((attribute, tuple(answers)) for attribute, answers in questions if answers)
    accepted = dict.fromkeys(answers for _, answers in asked)
    found = spelled(tokenizer, (answer for each in accepted for answer in each), target=seq2seq)
    lost = {item.text: item for item in found.lost}
    never = {each: lost[each[0]] for each in accepted if all(answer in lost for answer in each)}
    people, others, sources = (spelled(tokenizer, dict.fromkeys(texts)) for texts in (names, aliases, tags))
    if seq2seq:
        said = spelled(tokenizer, people.texts, target=True)
        people = replace(said, merged=tuple(dict.fromkeys([*people.merged, *said.merged])))
    matching = {attribute for attribute, answers in asked if answers not in never}
    return Spelling(
        people,
        others,
        sources,
        found,
        tuple(never.values()),
        sum(count for (_, answers), count in asked.items() if answers in never),
        asked.total(),
        tuple(dict.fromkeys(attribute for attribute, _ in asked if attribute not in matching)),
    )


def spelling_of(tokenizer: Any, corpus: Corpus, *, seq2seq: bool = False) -> Spelling:
    """What a tokenizer makes of the names, aliases, tags and accepted answers of a corpus.

    What is asked of one entity under many aliases is one question.
    """
    documents = [item for part in corpus.train.values() for item in part]
    documents += [item for each in corpus.eval_sets for item in each.examples]
    asked = dict.fromkeys((item.entity, item.attribute, item.answers) for item in documents if item.kind == "question")
    return spelling(
        tokenizer,
        names=(item.entity for item in documents),
        aliases=(item.alias for item in documents),
        tags=(tag for item in documents if item.kind == "definition" and (tag := _tag(item))),
        questions=((attribute, answers) for _, attribute, answers in asked),
        seq2seq=seq2seq,
    )


def _tag(definition: Example) -> str:
    """A definition without whom it is about: its tag, with words that all definitions have."""
    text = definition.text
    for name in (definition.alias, *definition.answers, definition.entity):
        text = text.replace(name, " ") if name else text
    return " ".join(text.split())


def require_spelled(model: str, tokenizer: Any, corpus: Corpus, *, seq2seq: bool = False) -> None:
    """Warn of what a model's tokenizer spells otherwise.

    Raises
    ------
    SaysoError
        If it cannot spell the answers of many questions or of all of one kind, or takes two names, aliases or tags for
        one.
    """
    found = spelling_of(tokenizer, corpus, seq2seq=seq2seq)
    for line in found.errors():
        raise SaysoError(f"model {model}: {line}")
    for line in found.warnings():
        log.warning("model %s: %s", model, line)
