"""How the text of a file is encoded: UTF-8, or what a byte order mark or a setting says; nothing else is guessed."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sayso.core.errors import SaysoError
from sayso.data.tables.first_bytes import other_kind
from sayso.data.tables.limits import Unpacked, check_bytes

_GZIP = b"\x1f\x8b"
_BOM = codecs.BOM_UTF8
#: UTF-32's first: its little-endian one begins as UTF-16's does.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_AT_ONCE = 1 << 17
_MARKED = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_MARKED |= {"utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}
#: Codecs of names and of source code: files of text are in none of them.
_NO_FILES = frozenset(("idna", "punycode", "utf-7", "unicode-escape", "raw-unicode-escape", "undefined"))
#: Encodings in which text that is UTF-8 is read by whoever knows that it is.
_ANY = (None, "utf-8", "utf-8-sig", "latin-1", "iso8859-1")
#: Bytes of Windows' code page for western Europe: letters beyond ASCII, letters among ASCII's or at one's side, and
#: those that text seldom or never has.
_LETTER = re.compile(rb"[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]")
_AMONG = re.compile(rb"(?<=[A-Za-z])%b|%b(?=[A-Za-z])" % (_LETTER.pattern, _LETTER.pattern))
_ODD = re.compile(rb"[\x81\x83\x86-\x88\x8d\x8f\x90\x98\x9d\xa4\xa6\xa8\xac\xad\xaf\xb8]")


@dataclass(frozen=True)
class OpenText:
    """A file's text, the encoding it is read in, the beginning of it, and how many bytes of the file are read."""

    text: TextIO
    encoding: str
    sample: str
    done: Callable[[], int]


def known_encoding(name: str) -> str:
    """The usual name of an encoding of text.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    try:
        found = codecs.lookup(name)
        "".encode(found.name)
        if found.name.replace("_", "-") in _NO_FILES:
            raise LookupError(name)
    except (LookupError, ValueError):
        raise ValueError(
            f"found '{name}'; it is an encoding of text files that Python knows, such as utf-8, latin-1 or cp1252"
        ) from None
    return found.name


def open_text(file: Path, held: ExitStack, encoding: str | None = None, scale: int = 1) -> OpenText:
    """Open a file, gzipped or not; an encoding that is not given is UTF-8, or what the first bytes show.

    `scale`: how many times as large it may be as tables usually are.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    raw = held.enter_context(open_bytes(file))
    data: Any = raw
    with readable(file, str):
        if raw.peek(2).startswith(_GZIP):
            unpacking = held.enter_context(gzip.GzipFile(fileobj=raw))
            data = held.enter_context(io.BufferedReader(Unpacked(file, unpacking, raw.tell, scale), _AT_ONCE))
        else:
            check_bytes(file, file.stat().st_size, scale)
        start = data.peek(_AT_ONCE)
        if start.startswith(_GZIP):
            raise SaysoError(f"{file}: is packed with gzip twice; unpack it once")
        if (other := other_kind(start)) is not None:
            raise SaysoError(f"{file}: {other}")
        if start.startswith(_BOM) and encoding not in _ANY:
            raise SaysoError(f"{file}: begins with the mark of UTF-8, not {encoding}; leave knowledge.encoding unset")
        mark = _MARKED.get(encoding or "", _BOM)
        if start.startswith(mark) and encoding != "utf-8-sig":
            data.read(len(mark))
            start = start[len(mark) :]
    found = encoding or _seen_in(start)
    text = held.enter_context(io.TextIOWrapper(data, encoding=found, newline=""))
    sample = codecs.getincrementaldecoder(found)("replace").decode(start)
    return OpenText(text, found, sample.removeprefix("\ufeff"), raw.tell)


def _seen_in(start: bytes) -> str:
    """What the first bytes show."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    first = start[:400]
    if 4 * first.count(0) < len(first) or not first:
        return "utf-8"
    even, odd = first[::2].count(0), first[1::2].count(0)
    if min(even, odd) > len(first) // 8:
        return "utf-32-le" if first[0] else "utf-32-be"
    return "utf-16-le" if odd > even else "utf-16-be"


def open_bytes(file: Path) -> io.BufferedReader:
    """Open a file; one that cannot be is a SaysoError."""
    try:
        return io.BufferedReader(io.FileIO(file), _AT_ONCE)
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror or error}") from error


@contextmanager
def readable(file: Path, after: Callable[[], str], encoding: str = "utf-8") -> Iterator[None]:
    """Say in one line what is wrong with the bytes that are read, and where (`after`)."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SaysoError(f"{file}: truncated or damaged{after()}: {error}; download or copy it again") from error
    except UnicodeError as error:
        raise SaysoError(f"{file}: {_not_in(file, encoding, after())}") from error
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror or error}") from error


def _not_in(file: Path, encoding: str, after: str) -> str:
    """Where a file first is not in its encoding, and which setting reads it."""
    with ExitStack() as held:
        raw = held.enter_context(open_bytes(file))
        packed = raw.peek(2).startswith(_GZIP)
        stream: Any = held.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw
        if encoding != "utf-8":
            return f"not {encoding}{after}; set knowledge.encoding to the one it is in"
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                column = len(line[: error.start].decode()) + 1
                there = f"line {number}, column {column}: found byte 0x{line[error.start]:02x}, which is not UTF-8"
                right = "the encoding it looks like, knowledge.encoding=cp1252" if _western(line, stream) else ""
                right = right or "knowledge.encoding to the one it is in"
                return f"{there}; save it as UTF-8, or set {right}"
    return "not UTF-8"


def _western(line: bytes, rest: Any) -> bool:
    """Whether all that is left surely is in Windows' code page for western Europe: its letters stand among ASCII's."""
    letters = among = 0
    part = line
    while part:
        if _ODD.search(part):
            return False
        letters += len(_LETTER.findall(part))
        among += len(_AMONG.findall(part))
        part = rest.read(_AT_ONCE)
    return among > 0 and 5 * among >= 3 * letters
