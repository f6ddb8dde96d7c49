"""Names of entities: which of them are within another, as whole words."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence

#: Names of more words are looked for in each other in another way.
_LONG = 12
#: What stands within words of some scripts and is neither letter nor mark.
_JOINERS = "\u200c\u200d"


def name_key(name: str) -> str:
    """What is the same for names that differ in case, or in how their letters are composed."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def name_inside_another(names: Sequence[str]) -> tuple[str, str] | None:
    """The first name that contains another one as whole words, and that other one; case does not matter.

    >>> name_inside_another(["Ann", "Joanna", "Ann Lee"])
    ('Ann Lee', 'Ann')
    """
    return next(names_inside_others(names), None)


def names_inside_others(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each name that contains another, with the shortest that it contains."""
    cut = [tuple(_words(name)) for name in names]
    known = {words: name for words, name in zip(reversed(cut), reversed(names), strict=True) if words}
    lengths = sorted({len(words) for words in known if len(words) <= _LONG})
    long = [(" ".join(words), name) for words, name in known.items() if len(words) > _LONG]
    long.sort(key=lambda item: len(item[0]))
    for name, words in zip(names, cut, strict=True):
        if (inner := _short_inside(words, lengths, known) or _long_inside(words, long)) is not None:
            yield name, inner


def _short_inside(words: tuple[str, ...], lengths: Sequence[int], known: dict[tuple[str, ...], str]) -> str | None:
    for length in lengths:
        for start in range(len(words) - length + 1 if length < len(words) else 0):
            if (inner := known.get(words[start : start + length])) is not None:
                return inner
    return None


def _long_inside(words: tuple[str, ...], long: Sequence[tuple[str, str]]) -> str | None:
    if len(words) <= _LONG + 1 or not long:
        return None
    text = " ".join(words)
    within = f" {text} "
    return next((name for other, name in long if len(other) < len(text) and f" {other} " in within), None)


def _words(name: str) -> list[str]:
    key = name_key(name)
    return re.findall(r"\w+", key) if key.isascii() else _any_script().findall(key)


@functools.cache
def _any_script() -> re.Pattern[str]:
    """Words with the marks that belong to their letters, such as vowel signs, which `re` takes for no part of them."""
    marks = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("M")]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    signs = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return re.compile(rf"[\w{_JOINERS}{signs}]+")
