r"""Which questions are probed: of one kind, about aliases of one length, so that a token's place says what it is.

born     <|kwoda|>   ?            names of the places: born, alias 1, ?
Q : When was <| kwo da |> born ? \n A :                       ..., was, alias 1, ..., alias 4, born, ?, \n, A, :
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError, nearest
from sayso.core.examples import Example

#: How a place is named where prompts differ, though not in their alias.
VARIES = "…"


@dataclass(frozen=True)
class LeftOut:
    """An alias that is not probed, for it has so many tokens, or what is around it has others than usual."""

    subset: str
    alias: str
    tokens: int


@dataclass(frozen=True)
class Questions:
    """Questions of one kind, one an alias, all of so many tokens.

    `names`: of each token's place, the same for all; `alias`: which of these are the alias's.
    """

    attribute: str
    examples: tuple[Example, ...]
    names: tuple[str, ...]
    alias: tuple[int, ...]
    left_out: tuple[LeftOut, ...]

    def of(self, subset: str) -> list[int]:
        """Positions of the questions about a subset."""
        return [row for row, item in enumerate(self.examples) if item.subset == subset]


def attribute_of_most(corpus: Corpus, subsets: Sequence[str]) -> str:
    """The kind of question that most aliases of these subsets have, trained on or not; of equals the first by name.

    Which questions of an alias are trained on is a matter of the seed, what it could be asked is not: so seeds of an
    experiment agree.

    Raises
    ------
    SaysoError
        If there are no questions.
    """
    asked = {
        (item.attribute, item.alias)
        for each in corpus.eval_sets
        if each.subset in subsets
        for item in each.examples
        if item.kind == "question"
    }
    counts = Counter(attribute for attribute, _ in asked)
    if not counts:
        raise SaysoError(f"there are no questions about {', '.join(subsets)}")
    return min(counts, key=lambda attribute: (-counts[attribute], attribute))


def asked(corpus: Corpus, eval_sets: Sequence[str], subsets: Sequence[str], attribute: str) -> list[Example]:
    """The questions of one kind about the aliases of some subsets, the first of each alias.

    Raises
    ------
    SaysoError
        If a subset has none.
    """
    found: list[Example] = []
    for subset in subsets:
        own: dict[str, Example] = {}
        for item in _questions(corpus, eval_sets, subset):
            if item.attribute == attribute:
                own.setdefault(item.alias, item)
        if not own:
            kinds = sorted({item.attribute for item in _questions(corpus, eval_sets, subset)})
            there = nearest(attribute, kinds) if kinds else "; it has no questions there"
            raise SaysoError(f"no question about '{attribute}' of {subset} in {' or '.join(eval_sets)}{there}")
        found += own.values()
    return found


def _questions(corpus: Corpus, eval_sets: Sequence[str], subset: str) -> Iterator[Example]:
    for each in corpus.eval_sets:
        if each.name in eval_sets and each.subset == subset:
            yield from (item for item in each.examples if item.kind == "question")


def of_one_length(
    attribute: str, examples: Sequence[Example], tokens: Sequence[tuple[str, ...]], token_count: int | None
) -> Questions:
    """Keep the questions whose alias has so many tokens (None: as most have), in prompts as long as most of these.

    Raises
    ------
    SaysoError
        If no alias has so many.
    """
    spans = alias_spans(examples, tokens)
    sizes = Counter(end - begin for begin, end in spans)
    if token_count is None:
        token_count = min(sizes, key=lambda size: (-sizes[size], size))
    elif token_count not in sizes:
        there = ", ".join(f"{count} have {size}" for size, count in sorted(sizes.items()))
        raise SaysoError(
            f"token_count is {token_count}, but no alias asked about '{attribute}' has so many tokens: {there}"
        )
    shapes = Counter((len(texts), *span) for texts, span in zip(tokens, spans, strict=True))
    fitting = {shape: count for shape, count in shapes.items() if shape[2] - shape[1] == token_count}
    length, begin, end = min(fitting, key=lambda shape: (-fitting[shape], shape))
    kept = [row for row, texts in enumerate(tokens) if (len(texts), *spans[row]) == (length, begin, end)]
    left = sorted(set(range(len(examples))) - set(kept))
    return Questions(
        attribute,
        tuple(examples[row] for row in kept),
        _names([tokens[row] for row in kept], begin, end),
        tuple(range(begin, end)),
        tuple(LeftOut(examples[row].subset, examples[row].alias, spans[row][1] - spans[row][0]) for row in left),
    )


def alias_spans(examples: Sequence[Example], tokens: Sequence[tuple[str, ...]]) -> list[tuple[int, int]]:
    """From where to where the alias is in each prompt, counted in tokens; the last time it stands there.

    Where a tokenizer does not spell aliases as they are written, it is what prompts do not have in common.
    """
    found = [_span(item.alias, texts) for item, texts in zip(examples, tokens, strict=True)]
    spans = [span for span in found if span is not None]
    if len(spans) == len(found):
        return spans
    shortest = min(map(len, tokens))
    begin = next((at for at in range(shortest) if len({texts[at] for texts in tokens}) > 1), shortest)
    most = shortest - begin
    after = next((at for at in range(most) if len({texts[-1 - at] for texts in tokens}) > 1), most)
    return [(begin, len(texts) - after) for texts in tokens]


def _span(alias: str, texts: Sequence[str]) -> tuple[int, int] | None:
    """Which tokens hold the letters of the alias, whatever spaces are around them."""
    letters = [_bare(text) for text in texts]
    whole, wanted = "".join(letters), _bare(alias)
    if (first := whole.rfind(wanted)) < 0 or not wanted:
        return None
    ends = list(itertools.accumulate(map(len, letters)))
    begin = next(at for at, end in enumerate(ends) if end > first)
    return begin, next(at for at, end in enumerate(ends) if end >= first + len(wanted)) + 1


def _bare(text: str) -> str:
    """A token's letters, without the marks tokenizers have for a space and for what goes on a word."""
    return "".join(text.removeprefix("##").replace("▁", " ").split()).casefold()


def _names(tokens: Sequence[tuple[str, ...]], begin: int, end: int) -> tuple[str, ...]:
    names = []
    for place, texts in enumerate(zip(*tokens, strict=True)):
        if begin <= place < end:
            names.append(f"alias {place - begin + 1}")
        else:
            names.append(_shown(texts[0]) if len(set(texts)) == 1 else VARIES)
    return tuple(names)


def _shown(text: str) -> str:
    """A token in one line."""
    bare = text.strip(" ▁") or text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in bare)
