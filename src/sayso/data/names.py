"""Random strings that mean nothing: define tags, and names for aliases."""

from __future__ import annotations

import string
from collections.abc import Collection

import numpy as np

_LETTERS = np.array(list(string.ascii_lowercase))


def random_words(generator: np.random.Generator, count: int, length: int, taken: Collection[str] = ()) -> list[str]:
    """Draw `count` different words of lower-case letters, none of them in `taken`.

    Raises
    ------
    ValueError
        If there are not that many.
    """
    if count > 26**length - len(taken):
        raise ValueError(f"there are not {count} different words of {length} letters left")
    found: dict[str, None] = {}
    while len(found) < count:  # as many at a time as are missing: the same as one by one, in a tenth of the time
        drawn = generator.choice(_LETTERS, (count - len(found), length))
        found.update(dict.fromkeys(word for word in map("".join, drawn.tolist()) if word not in taken))
    return list(found)


def in_braces(word: str) -> str:
    """A word as aliases are written.

    >>> in_braces("abcde")
    '<|abcde|>'
    """
    return f"<|{word}|>"


def whole_names(
    generator: np.random.Generator, count: int, taken: Collection[str] = ()
) -> tuple[list[str], tuple[str, ...]]:
    """Draw `count` different names such as ``<|abcde|>``, each a token of its own; return them and the tokens.

    `taken` are five-letter words that may not be used.
    """
    names = [in_braces(word) for word in random_words(generator, count, 5, taken)]
    return names, tuple(f" {name}" for name in names)


def pieced_names(generator: np.random.Generator, count: int, pool: int) -> tuple[list[str], tuple[str, ...]]:
    """Draw `count` different names, each of two tokens: one of `pool` such as ``<|abc``, then one of as many ``de|>``.

    Returns the names and the tokens (first pieces follow a space, second ones do not).

    Raises
    ------
    ValueError
        If the pool makes fewer names than that.
    """
    if count > pool**2:
        raise ValueError(f"a pool of {pool} makes {pool**2} names, not {count}")
    first = [f"<|{word}" for word in random_words(generator, pool, 3)]
    second = [f"{word}|>" for word in random_words(generator, pool, 2)]
    order = generator.permutation(pool**2)[:count].tolist()
    names = [first[index // pool] + second[index % pool] for index in order]
    return names, (*(f" {piece}" for piece in first), *second)
