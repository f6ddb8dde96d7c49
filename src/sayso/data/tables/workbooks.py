"""Tables in Excel files, read by calamine; what would fill the memory is found before.

calamine holds all cells between the first and the last one, so that two of them far apart are as many as all between.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.core.errors import SaysoError, nearest
from sayso.data.tables.encodings import open_bytes
from sayso.data.tables.limits import check_bytes, check_rows

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_ZIP = b"PK\x03\x04"
_AT_ONCE = 1 << 20
#: Where a cell is, or a row; a part of a file may end within it.
_ROW = re.compile(rb'<(?:\w+:)?row [^>]*?\br="(\d+)"')
_CELL = re.compile(rb'\br="([A-Z]{2,3})\d+"')
_OVERLAP = 400


def workbook_rows(file: Path, held: ExitStack, sheet: str | None) -> tuple[str, Iterator[tuple[int, Sequence[Any]]]]:
    """The name of the sheet asked for, or else the first, and its rows with their numbers.

    Raises
    ------
    SaysoError
        If it is not a whole workbook, has no such sheet, is locked, or too large.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    with open_bytes(file) as stream:
        zipped = stream.peek(4).startswith(_ZIP)
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
        return name, _rows(found)
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
                if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
                    check_rows(file, *_extent(archive, member))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SaysoError(f"{file}: not a whole Excel file: {error}; save or copy it again") from error


def _extent(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, int]:
    """How far down and to the right the cells of a sheet go, roughly."""
    rows, columns, kept = 0, 26, b""
    with archive.open(member) as stream:
        while part := stream.read(_AT_ONCE):
            text = kept + part
            if (last := text.rfind(b"<row ")) >= 0 and (found := _ROW.match(text, last)):
                rows = max(rows, int(found[1]))
            columns = max(columns, *(_place(name) for name in set(_CELL.findall(text))), 0)
            kept = text[-_OVERLAP:]
    return rows, columns


def _place(letters: bytes) -> int:
    """The number of a column that Excel calls so.

    >>> _place(b"A"), _place(b"AB"), _place(b"XFD")
    (1, 28, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
