"""Tables in Excel files, read by calamine; what would fill the memory is found before.

calamine holds all cells between the first and the last one, so that two of them far apart are as many as all between.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sayso.core.errors import SaysoError, nearest
from sayso.data.tables.encodings import open_bytes
from sayso.data.tables.first_bytes import other_kind
from sayso.data.tables.limits import check_bytes, check_rows

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_ZIP = b"PK\x03\x04"
_AT_ONCE = 1 << 20
_START = 1 << 10
#: Where a cell or a row says it is, in whatever quotes; and the tags of those, whatever stands before their names.
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,7})(\d{0,10})["']""")
_TAG = re.compile(rb"<(?:[^\s<>/:]+:)?(row|c)(?=[\s/>])([^<>]*)")
#: The same as nearly every program writes them, and how tags begin that may be of other cells or rows.
_USUAL = re.compile(rb'<(?:c|row) r="([A-Z]*)(\d+)"')
_TAGS = (b"<c", b"<row", b":c", b":row")
#: Characters of a tag that may be cut where a part of a file ends.
_LONGEST = 1 << 24
_MEDIA = "xl/media/"


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook: its name, the place of its first column in it, and its rows with their numbers."""

    name: str
    first_column: int
    rows: Iterator[tuple[int, Sequence[Any]]]


def workbook_sheet(file: Path, held: ExitStack, sheet: str | None) -> Sheet:
    """The sheet asked for, or else the first.

    Raises
    ------
    SaysoError
        If it is not a whole workbook, has no such sheet, is locked, or too large.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    with open_bytes(file) as stream:
        start = stream.peek(_START)
    zipped = start.startswith(_ZIP)
    if (other := other_kind(start, (".xls",) if file.suffix.lower() == ".xls" else (".xlsx", ".xlsm"))) is not None:
        raise SaysoError(f"{file}: {other}")
    check_bytes(file, file.stat().st_size)
    if zipped:
        _check_size(file)
    try:
        book = held.enter_context(CalamineWorkbook.from_path(str(file)))
        if not book.sheet_names:
            raise SaysoError(f"{file}: has no sheets")
        name = book.sheet_names[0] if sheet is None else sheet
        if name not in book.sheet_names:
            raise SaysoError(f"{file}: no sheet '{name}'{nearest(name, book.sheet_names)}")
        found = book.get_sheet_by_name(name)
        return Sheet(name, (found.start or (0, 0))[1] + 1, _rows(found))
    except PasswordError as error:
        raise SaysoError(f"{file}: is locked with a password; save it without one") from error
    except (CalamineError, OSError) as error:
        raise SaysoError(f"{file}: not a whole Excel file: {error}") from error


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, Sequence[Any]]]:
    """The rows that are not empty."""
    first = (sheet.start or (0, 0))[0] + 1
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=first):
        if any(value != "" for value in row):
            yield number, row


def _check_size(file: Path) -> None:
    """Refuse a workbook that would fill the memory: unpacked, or for two of its cells are far apart."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_bytes(file, sum(member.file_size for member in members))
            for member in members:
                if not member.filename.startswith(_MEDIA):
                    with archive.open(member) as stream:
                        check_rows(file, *_extent(file, stream))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SaysoError(f"{file}: not a whole Excel file: {error}; save or copy it again") from error


def _extent(file: Path, stream: IO[bytes]) -> tuple[int, int]:
    """How far down and to the right the cells of a sheet can go at most: those that say where, and those after them."""
    rows, columns, kept = 0, 0, b""
    following_rows = following = most = 0
    while part := stream.read(_AT_ONCE):
        text = kept + part
        cut = text.rfind(b"<")
        text, kept = (text[:cut], text[cut:]) if cut >= 0 else (b"", text)
        if len(kept) > _LONGEST:
            raise SaysoError(f"{file}: not a whole Excel file: a tag has no end; save or copy it again")
        places = _USUAL.findall(text)
        usual = len(places) == sum(map(text.count, _TAGS))
        if not usual:
            places = _PLACE.findall(text)
        letters, numbers = {letter.upper() for letter, _ in places}, {number for _, number in places}
        rows = max(rows, *(int(number or b"0") for number in numbers), 0)
        columns = max(columns, *map(_column, letters), 0)
        if usual:
            following = 0 if places else following
            continue
        for name, rest in _TAG.findall(text):
            if name == b"row" or _PLACE.search(rest):
                following = 0
            else:
                following += 1
                most = max(most, following)
            following_rows += name == b"row" and not _PLACE.search(rest)
    return rows + following_rows, columns + most


def _column(letters: bytes) -> int:
    """The number of a column that Excel calls so.

    >>> _column(b"A"), _column(b"AB"), _column(b"XFD")
    (1, 28, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
