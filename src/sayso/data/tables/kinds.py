"""What a file of a table can be called."""

from __future__ import annotations

from pathlib import PurePath

#: Text with a separator between columns, and the one it has as a rule.
DELIMITED = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
LINES = (".jsonl", ".ndjson")
WORKBOOKS = (".xlsx", ".xlsm", ".xls")
_TEXT = (*DELIMITED, ".json", *LINES)

#: Every end a file's name can have.
SUFFIXES = (*_TEXT, *(f"{kind}.gz" for kind in _TEXT), ".parquet", *WORKBOOKS)

#: The same in words.
KINDS = f"{', '.join(_TEXT)} (these also with .gz), .parquet, {', '.join(WORKBOOKS)}"


def kind_of(name: str) -> str | None:
    """The kind of table by a file's name, without ``.gz``; None where it is none.

    >>> kind_of("a.TSV.gz"), kind_of("a.zip")
    ('.tsv', None)
    """
    end = next((end for end in SUFFIXES if PurePath(name).name.lower().endswith(end)), None)
    return end.removesuffix(".gz") if end else None
