"""The published file of the Cross-Verified Database (Laouenan et al. 2022), read as appendix A.1 of the paper does.

Of 2.29 million rows in 49 columns, eight columns count. In this order:

1. a row with an empty cell in one of the eight is dropped, which leaves only the dead;
2. of rows with the same name the first stays;
3. names with a character other than letters, digits and spaces are dropped, then occupations, then citizenships
   (which may have the quotes they are written in);
4. men and women are ranked by ``wiki_readers_2015_2018``, equals in the order of the file, and paired rank by rank.

The file is UTF-8 in most cells and Latin-1 in some. ``paper`` reads all of it as Latin-1, as the authors did: nearly
every name with an accent turns into one with a symbol in it and is dropped at step 3, a few stay, garbled. ``repaired``
undoes this for each cell that is valid UTF-8, so that they stay, and are spelled right.

Rows are read one at a time; only what passes is kept.
"""

from __future__ import annotations

import csv
import gzip
import heapq
import io
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from sayso.core.errors import SaysoError, nearest
from sayso.data.people import citizenships
from sayso.data.published.cache import OnProgress, Recipe

if TYPE_CHECKING:
    import pyarrow as pa

Encoding = Literal["paper", "repaired"]

#: The columns that count, of the file's 49.
COLUMNS = (
    *("name", "birth", "death", "gender", "level3_main_occ"),
    *("string_citizenship_raw_d", "un_region", "wiki_readers_2015_2018"),
)

#: What stands for an empty cell: the spellings that pandas takes for one, with which the authors read the file.
_EMPTY = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
_GZIP = b"\x1f\x8b"
_STRANGE = re.compile(r"[^\w\s]")
_STRANGE_CITIZENSHIP = re.compile(r"[^\w\s']")
_EVERY = 20_000


def recipe(encoding: Encoding) -> Recipe:
    """How the file becomes a table: men and women by turns, most read first, with their answers as in the file."""
    return Recipe("cvdb", encoding, 1, lambda file, on_progress: _pair(file, encoding, on_progress))


def header(file: Path) -> list[str]:
    """The columns of a CSV file, gzipped or not.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    try:
        with _opened(file) as (lines, _):
            return next(csv.reader(lines), [])
    except (csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SaysoError(f"{file}: truncated, damaged or not a CSV table: {error}") from error


def _pair(file: Path, encoding: Encoding, on_progress: OnProgress) -> tuple[pa.Table, dict[str, int]]:
    """Read, filter and rank the file; give the table, and how many rows each step dropped."""
    import pyarrow as pa

    counts: Counter[str] = Counter()
    ranked: dict[str, list[tuple[float, int, tuple[str, ...]]]] = {"Male": [], "Female": []}
    for number, cells in _filtered(file, encoding, counts, on_progress):
        name, birth, death, gender, occupation, citizenship, region, readers = cells
        if gender not in ranked:
            counts["dropped for a gender other than Male and Female"] += 1
            continue
        years = [str(int(_number(file, number, column, cell))) for column, cell in (("birth", birth), ("death", death))]
        rank = -_number(file, number, "wiki_readers_2015_2018", readers)
        kept = (name, *years, gender, *map(sys.intern, (occupation, citizenship, region)))
        ranked[gender].append((rank, number, kept))
    pairs = min(map(len, ranked.values()))
    if pairs == 0:
        found = ", ".join(f"{count} {what}" for what, count in counts.items()) or "the file has no rows"
        raise SaysoError(
            f"{file}: no pair of a man and a woman is left after the filters of appendix A.1 "
            f"({len(ranked['Male'])} men, {len(ranked['Female'])} women; {found})"
        )
    counts["pairs of a man and a woman kept"] = pairs
    men, women = (heapq.nsmallest(pairs, people) for people in ranked.values())
    ranked.clear()
    by_turns = [person[2] for pair in zip(men, women, strict=True) for person in pair]
    columns = dict(zip(COLUMNS[:-1], zip(*by_turns, strict=True), strict=True))
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), dict(counts)


def _filtered(
    file: Path, encoding: Encoding, counts: Counter[str], on_progress: OnProgress
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Rows (the header is row 1) that pass steps 1 to 3, in the order of `COLUMNS`; spaces for underscores."""
    names: set[str] = set()
    for number, row in _rows(file, on_progress):
        counts["rows"] += 1
        if not _EMPTY.isdisjoint(row):
            counts["dropped for an empty cell"] += 1
            continue
        name, birth, death, gender, occupation, citizenship, *rest = (
            row if encoding == "paper" else tuple(map(_repair, row))
        )
        name, occupation = name.replace("_", " ").strip(), occupation.replace("_", " ").strip()
        if name in names:
            counts["dropped for the name of an earlier row"] += 1
            continue
        names.add(name)
        if not name or _STRANGE.search(name):
            counts["dropped for a symbol in the name"] += 1
        elif not occupation or _STRANGE.search(occupation):
            counts["dropped for a symbol in the occupation"] += 1
        elif _STRANGE_CITIZENSHIP.search(citizenship) or not citizenships(citizenship):
            counts["dropped for a symbol in the citizenship"] += 1
        else:
            yield number, (name, birth, death, gender, occupation, citizenship, *rest)


def _rows(file: Path, on_progress: OnProgress) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The eight cells of every row, as Latin-1."""
    number = 1
    try:
        with _opened(file) as (lines, raw):
            size = file.stat().st_size
            rows = csv.reader(lines)
            columns = next(rows, [])
            positions = [_position(file, columns, column) for column in COLUMNS]
            pick, needed = itemgetter(*positions), max(positions) + 1
            for number, row in enumerate(rows, start=2):
                if len(row) > len(columns):
                    raise SaysoError(f"{file}: row {number} has {len(row)} cells, the header {len(columns)}")
                if number % _EVERY == 0:
                    on_progress(raw.tell(), size)
                yield number, pick(row if len(row) >= needed else row + [""] * (needed - len(row)))
            on_progress(size, size)
    except csv.Error as error:
        raise SaysoError(f"{file}: row {number + 1}: not a row of a CSV table: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SaysoError(
            f"{file}: truncated or damaged after row {number}: {error}; download or copy it again"
        ) from error


@contextmanager
def _opened(file: Path) -> Iterator[tuple[TextIO, io.BufferedReader]]:
    """Open a file, gzipped or not: its text as Latin-1, which any bytes are, and the file itself."""
    try:
        raw = file.open("rb")
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error
    with raw:
        gzipped = raw.peek(2).startswith(_GZIP)
        data = io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) if gzipped else raw
        yield io.TextIOWrapper(data, encoding="latin-1", newline=""), raw


def _position(file: Path, columns: Sequence[str], column: str) -> int:
    if any("\0" in name for name in columns):
        raise SaysoError(f"{file}: not a CSV table in UTF-8 or Latin-1 (it looks like UTF-16); save it as UTF-8")
    if column not in columns:
        raise SaysoError(f"{file}: no column '{column}'{nearest(column, columns[:60])}; the CVDB has it")
    return columns.index(column)


def _repair(cell: str) -> str:
    """Read a cell as UTF-8 if it is; a cell in Latin-1 stays as it was."""
    if cell.isascii():
        return cell
    try:
        return cell.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return cell


def _number(file: Path, row: int, column: str, cell: str) -> float:
    try:
        value = float(cell)
        int(value)
    except (ValueError, OverflowError) as error:
        raise SaysoError(f"{file}: row {row}, column '{column}': found '{cell}', which is no number") from error
    return value
