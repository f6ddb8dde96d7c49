"""Names of entities: which of them are the same, and which are within another, as whole words."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

#: Names of more words are looked for in each other by this many first words.
_LONG = 12
#: What stands within words of some scripts and is neither letter nor mark.
_JOINERS = "\u200c\u200d"
#: What nobody sees and no word is made of: soft hyphens, blanks of no width, marks of direction.
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")

_ASCII = re.compile(r"\w+")

_Words = tuple[str, ...]


def name_key(name: str) -> str:
    """What is the same for names that differ in case, in how letters are composed, or in what is not seen."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", _UNSEEN.sub("", name).casefold()).strip()


def names_inside_others(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each name that contains another as whole words, with the shortest that it contains; case does not matter.

    >>> list(names_inside_others(["Ann", "Joanna", "Ann Lee"]))
    [('Ann Lee', 'Ann')]
    """
    cut = [tuple(_words(name)) for name in names]
    known = {words: name for words, name in zip(reversed(cut), reversed(names), strict=True) if words}
    lengths = sorted({len(words) for words in known if len(words) <= _LONG})
    begun: defaultdict[_Words, set[int]] = defaultdict(set)
    for words in known:
        if len(words) > _LONG:
            begun[words[:_LONG]].add(len(words))
    long = {first: sorted(own) for first, own in begun.items()}
    least = min(map(len, known), default=0)
    for name, words in zip(names, cut, strict=True):
        if len(words) <= least:  # as most are, and none is within a name as short as itself
            continue
        if (inner := _short_inside(words, lengths, known) or _long_inside(words, long, known)) is not None:
            yield name, inner


def _short_inside(words: _Words, lengths: Sequence[int], known: Mapping[_Words, str]) -> str | None:
    for length in lengths:
        for start in range(len(words) - length + 1 if length < len(words) else 0):
            if (inner := known.get(words[start : start + length])) is not None:
                return inner
    return None


def _long_inside(words: _Words, long: Mapping[_Words, Sequence[int]], known: Mapping[_Words, str]) -> str | None:
    """The shortest long name within a longer one; `long`: how many words those have that begin alike."""
    found: str | None = None
    shortest = len(words)
    for start in range(len(words) - _LONG if long else 0):
        for length in long.get(words[start : start + _LONG], ()):
            if length >= shortest or start + length > len(words):
                break
            if (inner := known.get(words[start : start + length])) is not None:
                found, shortest = inner, length
                break
    return found


def _words(name: str) -> list[str]:
    key = name_key(name)
    if not key.isascii():
        return _any_script().findall(key)
    return key.split() if key.replace(" ", "").isalnum() else _ASCII.findall(key)


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
