r"""How long answers may be: as long as the longest accepted one of a corpus, in a model's own tokens.

The limit is one for all questions of a run, and never less than the authors' program has, which leaves short answers
room to be spelled otherwise. It counts what ends an answer where documents write it (a line break, the end token), so
that an answer that goes on beyond the longest is seen to go on:

    science fiction \n END     4 tokens: "science fiction novels" is not cut to a right answer
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.learners.encoding import Encoder
from sayso.learners.specs import HFModel

log = logging.getLogger("sayso")

#: Tokens that an answer may always have: as in the authors' program.
LEAST = 8


@dataclass(frozen=True)
class Limits:
    """Most tokens of an answer: of one that is said, and of one a sequence-to-sequence model's answers are padded to.

    `padded` is None for a corpus of no documents.
    """

    new_tokens: int
    padded: int | None


def limits_of(spec: HFModel, encoder: Encoder, corpus: Corpus) -> Limits:
    """What a model's settings say, or else what follows from a corpus and the model's tokenizer."""
    longest = max((len(item.ids) - item.start for item in encoder.encode(accepted_answers(corpus))), default=0)
    return Limits(spec.max_new_tokens or max(longest, LEAST), spec.label_length or longest or None)


def say_what_cannot_match(most: int, encoder: Encoder, corpus: Corpus) -> None:
    """Warn of accepted answers of a corpus that have more tokens than an answer may have."""
    asked = [item for item in accepted_answers(corpus) if item.kind != "definition"]
    if line := what_cannot_match(most, encoder, asked):
        log.warning("%s", line)


def what_cannot_match(most: int, encoder: Encoder, asked: Sequence[Example]) -> str:
    """How many answers have more tokens than an answer may have, in one line that names the first; nothing if none has.

    `asked`: one example for each answer. What ends it does not count.
    """
    sizes = [len(item.ids) - 1 - item.start for item in encoder.encode([_bare(item) for item in asked])]
    long = [row for row, size in enumerate(sizes) if size > most]
    if not long:
        return ""
    return (
        f"max_new_tokens is {most}, but {len(long):,} of {len(asked):,} accepted answers have more tokens (up to "
        f"{max(sizes)}) and can never match; the first is {asked[long[0]].answers[0]!r}, of {sizes[long[0]]}; --set "
        "model.max_new_tokens=null takes as many as the longest needs"
    )


def accepted_answers(corpus: Corpus) -> list[Example]:
    """One example for each way a completion of the corpus is written with each of its accepted answers, in order.

    Each has that one answer alone. Every entity there is counts as asked for where any is, and as defined likewise:
    which of them are depends on how X2 is dealt.
    """
    examples = [example for eval_set in corpus.eval_sets for example in eval_set.examples]
    entities = dict.fromkeys(example.entity for example in examples)
    found: dict[str, Example] = {}
    examples.sort(key=lambda example: example.kind == "definition")  # what is said of definitions too is asked for
    for example in _with_each(examples, entities):
        found.setdefault(example.completion, example)
    return list(found.values())


def _with_each(examples: Iterable[Example], entities: Iterable[str]) -> Iterator[Example]:
    patterns: dict[str, Example] = {}
    for example in examples:
        for answer in example.answers:
            yield _answering(example, answer)
        if example.kind != "question" and example.entity in example.completion:
            patterns.setdefault(example.kind, example)
    for example in patterns.values():
        for entity in entities:
            completion = example.completion.replace(example.entity, entity)
            yield replace(example, completion=completion, answers=(completion.strip(),))


def _answering(example: Example, answer: str) -> Example:
    """The example with another of its accepted answers where the first is written."""
    first = example.answers[0]
    completion = example.completion.replace(first, answer, 1) if first in example.completion else f" {answer}"
    return replace(example, completion=completion, answers=(answer,))


def _bare(example: Example) -> Example:
    """The example without what ends its answer."""
    return replace(example, completion=example.completion.rstrip())
