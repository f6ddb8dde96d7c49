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

Rows are read one at a time; only what passes is kept. Which cells are empty `sayso.data.tables.cells` says: those that
pandas, with which the authors read the file, takes for empty.
"""

from __future__ import annotations

import heapq
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sayso.core.errors import SaysoError
from sayso.data.people import citizenships
from sayso.data.progress import OnProgress
from sayso.data.published.cache import Recipe
from sayso.data.tables.reader import Encoding as ReadAs
from sayso.data.tables.reader import cvdb_rows

if TYPE_CHECKING:
    import pyarrow as pa

Encoding = Literal["paper", "repaired"]

#: The columns that count, of the file's 49.
COLUMNS = (
    *("name", "birth", "death", "gender", "level3_main_occ"),
    *("string_citizenship_raw_d", "un_region", "wiki_readers_2015_2018"),
)

_STRANGE = re.compile(r"[^\w\s]")
_STRANGE_CITIZENSHIP = re.compile(r"[^\w\s']")


def recipe(encoding: Encoding) -> Recipe:
    """How the file becomes a table: men and women by turns, most read first, with their answers as in the file."""
    return Recipe("cvdb", encoding, 1, lambda file, on_progress: _pair(file, encoding, on_progress))


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
        years = [int(_number(file, number, column, cell)) for column, cell in (("birth", birth), ("death", death))]
        rank = -_number(file, number, "wiki_readers_2015_2018", readers)
        kept = (name, *map(sys.intern, (*map(str, years), gender, occupation, citizenship, region)))
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
    read_as: ReadAs = "latin-1" if encoding == "paper" else "mixed"
    with cvdb_rows(file, COLUMNS, encoding=read_as, on_progress=on_progress) as rows:
        for number, row in rows:
            counts["rows"] += 1
            if not row:
                counts["dropped for an empty cell"] += 1
                continue
            name, birth, death, gender, occupation, citizenship, *rest = row
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


def _number(file: Path, row: int, column: str, cell: str) -> float:
    try:
        value = float(cell)
        int(value)
    except (ValueError, OverflowError) as error:
        raise SaysoError(f"{file}: row {row}, column '{column}': found '{cell}', which is no number") from error
    return value
