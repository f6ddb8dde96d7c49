"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

#: How files begin that are no text, or no table.
_BEGINNINGS = (
    (b"PK\x03\x04", "is an Excel file or another zip archive", (".xlsx", ".xlsm")),
    (b"\xd0\xcf\x11\xe0", "is an old Excel file or another one of Office", (".xls",)),
    (b"PAR1", "is a Parquet file", (".parquet",)),
    (b"SQLite format 3\0", "is an SQLite database", ()),
    (b"%PDF-", "is a PDF", ()),
    (b"\x1f\x8b", "is packed with gzip", ()),
    (b"BZh", "is packed with bzip2", ()),
    (b"\xfd7zXZ\0", "is packed with xz", ()),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd", ()),
    (b"7z\xbc\xaf\x27\x1c", "is packed with 7-Zip", ()),
    (b"ARROW1\0\0", "is an Arrow file", ()),
)
_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html", b"<table")


def other_kind(start: bytes, ends: tuple[str, ...] = ()) -> str | None:
    """What a file is, and what to do, by its first bytes; None where they may be those of its kind.

    `ends`: what files of its kind end in; none for text.

    >>> other_kind(b"PAR1...")
    'is a Parquet file; name it .parquet'
    >>> other_kind(b"name,capital"), other_kind(b"PAR1...", (".parquet",))
    (None, None)
    """
    if start.startswith(_POINTER):
        return "is a pointer of Git LFS, not the file itself; fetch it with: git lfs pull"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower().startswith(_PAGES):
        return "is a web page; open it in a spreadsheet and save it as .csv or .xlsx"
    for beginning, what, rightly in _BEGINNINGS:
        if start.startswith(beginning):
            if set(ends) & set(rightly):
                return None
            if not rightly:
                return f"{what}; {'unpack it' if 'packed' in what else 'write its table as .csv'}"
            return f"{what}; name it {rightly[0]}" + ("" if rightly[0] != ".xlsx" else ", or unpack it")
    if ends and start and b"\0" not in start:
        return "is text; name it .csv if it is a table with a sign between columns"
    return None
