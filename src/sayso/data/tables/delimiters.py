"""Which sign stands between the columns of a table."""

from __future__ import annotations

import contextlib
import csv
import itertools
import re

#: Signs that may, as they are called.
DELIMITERS = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}
_ROWS = 50
#: What spreadsheets write into the first line to tell each other.
_SAID = re.compile(r"sep=([^\r\n])(?:\r\n|\r|\n)", re.IGNORECASE)


def said_delimiter(sample: str) -> str | None:
    r"""The delimiter that a first line ``sep=;`` names.

    >>> said_delimiter("sep=;\nname;capital\n")
    ';'
    """
    found = _SAID.match(sample)
    return found[1] if found else None


def find_delimiter(sample: str, usual: str) -> str:
    r"""The sign that cuts the header and the rows of a sample alike: the one of most columns, `usual` before others.

    Where none does, it is the one that cuts the header into most columns.

    >>> find_delimiter("name;height\nAda;1,65\nBo;1,80\n", ",")
    ';'
    """
    order = [usual, *(sign for sign in DELIMITERS if sign != usual)]
    widths = {sign: _widths(sample, sign) for sign in order}

    def fitness(sign: str) -> tuple[bool, int]:
        header = widths[sign][:1]
        width = header[0] if header else 0
        return width > 1 and all(other == width for other in widths[sign]), width

    return max(order, key=fitness)


def called(delimiter: str) -> str:
    """A delimiter in words."""
    return DELIMITERS.get(delimiter, f"'{delimiter}'")


def _widths(sample: str, delimiter: str) -> list[int]:
    """How many columns the first rows have; not of the last one, which the sample may cut."""
    lines = sample.splitlines(keepends=True)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    found: list[tuple[int, int]] = []
    with contextlib.suppress(csv.Error):  # the sample is cut within a cell, or is no table: reading it says so
        found.extend((len(row), rows.line_num) for row in itertools.islice(rows, _ROWS) if row)
    whole = [width for width, line in found if line < len(lines) or sample.endswith(("\n", "\r"))]
    return whole or [width for width, _ in found]
