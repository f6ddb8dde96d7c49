"""Names made up for a seed must be taken for nothing else: no alias or tag may occur in other text, or in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from sayso.core.errors import SaysoError
from sayso.core.protocols import World


def check_names(world: World, tags: Sequence[str], words: Iterable[str], where: str) -> None:
    """Check that aliases and random tags are all different, and occur in no other text and in none of each other.

    Where a world has tokens of its own, its words are read whole, and only whole words are compared.

    Parameters
    ----------
    tags
        The random tags; texts of a source's own are written by somebody who may use any word.
    words
        Words that definitions and questions are written with.
    where
        Begins the error message.

    Raises
    ------
    SaysoError
        If one is not; the message names both.
    """
    kinds = {**dict.fromkeys(world.aliases, "alias"), **dict.fromkeys(tags, "tag")}
    names = [*world.aliases, *tags]
    if len(kinds) < len(names):
        twice = next(name for name in kinds if names.count(name) > 1)
        raise SaysoError(f"{where}: '{twice}' is drawn twice as an alias or a tag; take another seed")
    for name, text in _found(kinds, {*_texts(world), *words}, whole_words=bool(world.tokens)):
        raise SaysoError(f"{where}: the {kinds[name]} '{name}' is also found in '{text}'; take another seed")


def _texts(world: World) -> Iterator[str]:
    """All text that is no alias: names of entities, questions and answers, and what is read before stage 1."""
    yield from world.attribution.values()
    pairs = [pair for entity in world.entities for pair in entity.questions]
    pairs += [pair for questions in world.questions.values() for pair in questions]
    yield from (entity.name for entity in world.entities)
    for pair in pairs:
        yield pair.question
        yield from pair.answers
    yield from (document.text for document in world.documents)


def _found(names: Collection[str], texts: Collection[str], *, whole_words: bool) -> Iterator[tuple[str, str]]:
    """Names that occur in one of the texts or in a longer name, each with what it was found in.

    Names are thousands, but nearly all of them one word, and the different words of all texts are few.
    """
    one_word = {name for name in names if len(name.split()) == 1}
    lengths = {len(name) for name in one_word}
    words = {word: text for text in texts for word in text.split()}
    if whole_words:
        yield from ((word, text) for word, text in words.items() if word in one_word)
    else:
        yield from ((part, text) for word, text in words.items() for part in _parts(word, lengths, one_word))
        yield from ((part, name) for name in names for part in _parts(name, lengths, one_word) if part != name)
    for name in set(names) - one_word:
        yield from ((name, text) for text in texts if name in text)


def _parts(word: str, lengths: Collection[int], names: Collection[str]) -> Iterator[str]:
    """Every part of a word that is one of the names, which have these lengths."""
    for length in lengths:
        for start in range(len(word) - length + 1):
            if word[start : start + length] in names:
                yield word[start : start + length]
