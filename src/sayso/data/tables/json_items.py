"""Items of an array in JSON, one after another, without holding all of the text."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from sayso.data.tables.limits import LONGEST

#: Characters read at a time.
CHUNK = 1 << 18

_BLANKS = re.compile(r"[ \t\r\n]*")
_PLAIN = json.JSONDecoder()


class Twice(dict[str, Any]):
    """An object with two keys that are alike but for blanks around them: one of them."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its keys and values; where a key is there twice, what says so."""
    found = dict(pairs)
    if len(found) < len(pairs) or not _differ(tuple(found)):
        counts = Counter(key.strip() for key, _ in pairs)
        return Twice(next(key for key, count in counts.items() if count > 1))
    return found


@functools.lru_cache(maxsize=64)
def _differ(keys: tuple[str, ...]) -> bool:
    """Whether keys differ in more than blanks around them; most objects of a table have the same ones."""
    return len(set(map(str.strip, keys))) == len(keys)


#: Reads objects as `unique` makes them.
DECODER = json.JSONDecoder(object_pairs_hook=unique)


class BrokenJSONError(ValueError):
    """Text that is no array, or breaks: where, counted from the beginning, and why."""

    def __init__(self, message: str, place: int, line: int, column: int) -> None:
        super().__init__(message)
        self.place, self.line, self.column = place, line, column


def items(text: TextIO, decoder: json.JSONDecoder = _PLAIN) -> Iterator[tuple[int, Any]]:
    """Items of an array, each with the number of characters before its end.

    A part of the text is held at a time, and the standard library's own scanner reads one item after another of it;
    where an item does not end in it, more is read. An item that has not ended long after it began is broken.

    Raises
    ------
    BrokenJSONError
        If the text is no array, or breaks.
    """
    held = _Held(text, decoder)
    held.skip_blanks()
    if held.next() != "[":
        raise held.broken(f"found {held.text[held.at : held.at + 20]!r}, where an array should begin", held.at)
    held.at += 1
    first = True
    while True:
        held.skip_blanks()
        if held.next() == "]":
            break
        if not first:
            if held.next() != ",":
                raise held.broken("Expecting ',' or ']'", held.at)
            held.at += 1
            held.skip_blanks()
        yield held.item()
        first = False
    held.at += 1
    held.skip_blanks()
    if held.next():
        raise held.broken("the array has ended, yet more follows", held.at)


class _Held:
    """A part of a text, and a place in it."""

    def __init__(self, text: TextIO, decoder: json.JSONDecoder) -> None:
        self._source, self._decoder = text, decoder
        self.text, self.at = text.read(CHUNK), 0
        self._dropped, self._lines, self._in_line = 0, 1, 0

    def more(self) -> bool:
        """Drop what is behind, and read on, by as much as is held of an item that is scanned anew; whether it went."""
        part = self._source.read(max(CHUNK, len(self.text) - self.at))
        behind = self.text[: self.at]
        self._dropped += self.at
        self._lines += behind.count("\n")
        self._in_line = len(behind) - behind.rfind("\n") - 1 if "\n" in behind else self._in_line + len(behind)
        self.text, self.at = self.text[self.at :] + part, 0
        return bool(part)

    def skip_blanks(self) -> None:
        """Go on to the next sign that is no blank."""
        begun = self._dropped + self.at
        while (found := _BLANKS.match(self.text, self.at)) is not None:
            self.at = found.end()
            if self.at < len(self.text) or not self.more():
                return
            if self._dropped - begun > LONGEST:
                raise self.broken("nothing but blanks follows", 0)

    def next(self) -> str:
        """The next sign; empty at the end."""
        return self.text[self.at : self.at + 1]

    def item(self) -> tuple[int, Any]:
        """The item that begins here, and the place of its end."""
        while True:
            try:
                found, end = self._decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                pos, message = error.pos, error.msg
                if len(self.text) - self.at <= LONGEST:
                    before = self.at
                    if self.more():
                        continue
                    pos -= before
                raise self.broken(message, pos) from error
            except RecursionError:
                raise self.broken("lists or objects are nested too deeply", self.at) from None
            except ValueError as error:  # a number of thousands of digits
                raise self.broken(str(error).partition(";")[0], self.at) from error
            if end == len(self.text):  # a number may go on
                before = self.at
                if self.more():
                    continue
                end -= before
            self.at = end
            return self._dropped + end, found

    def broken(self, message: str, pos: int) -> BrokenJSONError:
        """What is wrong at a place of the part that is held."""
        behind = self.text[:pos]
        column = len(behind) - behind.rfind("\n") if "\n" in behind else self._in_line + len(behind) + 1
        return BrokenJSONError(message, self._dropped + pos, self._lines + behind.count("\n"), column)
