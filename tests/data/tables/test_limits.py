"""Small files that unpack to large ones, and text without an end: one line in a second, and little memory."""

from __future__ import annotations

import gzip
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sayso.core.errors import SaysoError
from sayso.data.published.trex_file import documents
from sayso.data.tables import limits
from sayso.data.tables.reader import read_table
from tests.data.tables.workbook import write_parts, write_workbook


def refused(file: Path) -> str:
    start = time.process_time()
    with pytest.raises(SaysoError) as caught:
        read_table(file)
    assert time.process_time() - start < 20
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "head", "filler", "words"),
    [
        ("a.csv.gz", b"name,x\n", b"\n", "100 times its size"),
        ("a.csv.gz", b"name,x\n", b"a,b\n", "100 times its size"),
        ("a.csv.gz", b"name,x\n", b",", "characters and more"),
        ("a.csv.gz", b'name,x\n"', b"a\n", "field larger than field limit"),
        ("a.jsonl.gz", b"", b"\n", "100 times its size"),
        ("a.jsonl.gz", b"", b" ", "characters and more"),
        ("a.json.gz", b"[", b" ", "100 times its size"),
        ("a.json.gz", b'[{"name": [', b"1,", "100 times its size"),
        ("a.json.gz", b"", b"[", "nested too deeply"),
        ("a.json.gz", b"[", b'{"a":1},', "100 times its size"),
    ],
)
def test_packed_text_of_no_end(tmp_path, monkeypatch, name, head, filler, words):
    monkeypatch.setattr(limits, "_SMALL", 200_000 if "size" in words else 1 << 30)  # else another limit comes first
    file = tmp_path / name
    file.write_bytes(gzip.compress(head + filler * (20_000_000 // len(filler)), compresslevel=1))
    message = refused(file)
    assert words in message


def test_more_is_allowed_by_a_variable_that_the_error_names(tmp_path, monkeypatch):
    file = tmp_path / "a.csv"
    file.write_text("name,x\n" + "".join(f"n{number},{'x' * 40}\n" for number in range(30)), encoding="utf-8")
    monkeypatch.setenv(limits.VARIABLE, "1e-6")
    message = refused(file)
    assert "more than 1e-06 GB when it is unpacked" in message
    monkeypatch.setenv(*next(word for word in message.split() if "=" in word).split("="))
    assert len(read_table(file).numbers) == 30
    for wrong in ("much", "-1", "0", "inf", "nan"):
        monkeypatch.setenv(limits.VARIABLE, wrong)
        with pytest.raises(SaysoError, match=f"SAYSO_TABLE_GB is '{wrong}'"):
            read_table(file)


@pytest.mark.parametrize("end", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_rows_are_counted_in_every_kind_of_file(tmp_path, monkeypatch, end):
    monkeypatch.setattr(limits, "_ROWS", 20)
    file = tmp_path / f"a{end}"
    names = [f"n{number}" for number in range(30)]
    if end == ".csv":
        file.write_text("\n".join(["name", *names]), encoding="utf-8")
    elif end == ".jsonl":
        file.write_text("\n".join(f'{{"name": "{name}"}}' for name in names), encoding="utf-8")
    elif end == ".parquet":
        pq.write_table(pa.table({"name": names}), file)
    else:
        write_workbook(file, {"a": [["name"], *([name] for name in names)]})
    assert "more than 20 rows" in refused(file)


def test_many_rows_of_one_run_in_parquet_are_counted_before_they_are_read(tmp_path):
    run = pa.table({"name": pa.array([1]).take(pa.array([0] * 3_000_000))})
    with pq.ParquetWriter(tmp_path / "a.parquet", run.schema) as writer:
        for _ in range(4):
            writer.write_table(run)
    assert "more than 10,000,000 rows" in refused(tmp_path / "a.parquet")


def test_one_long_text_in_many_rows_of_parquet_is_no_answer(tmp_path):
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"name": texts}), tmp_path / "a.parquet")
    assert "row 1, column 'name': holds 1,000,000 characters" in refused(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c s="0" r="XFD1048576"><v>1</v></c></row>',
        '<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row><x:row r="1048576">'
        '<x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>',
        "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="xfd1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row><row r = "1048575"/><row><c r\n="XFD1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1000000"/>'
        + "<row/>" * 9
        + f"<row>{'<c/>' * 999}<c><v>1</v></c></row>",
        "<row><c><v>1</v></c></row>" + "<row/>" * 300_000 + f"<row>{'<c/>' * 999}<c><v>1</v></c></row>",
        f"<row><c{' ' * 1_500_000}r='A1'><v>1</v></c></row><row><c{' ' * 1_500_000}r='XFD1048576'><v>1</v></c></row>",
    ],
)
def test_two_cells_of_a_workbook_far_apart(tmp_path, cells):
    write_parts(tmp_path / "a.xlsx", {"a": f"<worksheet><sheetData>{cells}</sheetData></worksheet>"})
    assert "more than 200,000,000 cells" in refused(tmp_path / "a.xlsx")


def test_a_sheet_that_does_not_say_where_its_cells_are_is_read(tmp_path):
    rows = "<row><c t='str'><v>name</v></c><c t='str'><v>x</v></c></row>"
    rows += "<row><c t='str'><v>Ada</v></c><c><v>1</v></c></row>" * 20_000
    write_parts(tmp_path / "a.xlsx", {"a": f"<worksheet><sheetData>{rows}</sheetData></worksheet>"})
    assert len(read_table(tmp_path / "a.xlsx").numbers) == 20_000


def test_a_workbook_that_unpacks_to_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setenv(limits.VARIABLE, "0.001")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", " " * 2_000_000)
    assert "more than 0.001 GB" in refused(tmp_path / "a.xlsx")


@pytest.mark.parametrize(("head", "filler"), [("[", " "), ("[[", "1,"), ("", "["), ('[{"a": "', "x")])
def test_a_zip_of_documents_of_no_end(tmp_path, head, filler):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", head + filler * (50_000_000 // len(filler)))
    start = time.process_time()
    broken = pytest.raises(SaysoError, match="JSON breaks at character")
    with zipfile.ZipFile(file) as archive, archive.open("a.json") as stream, broken:
        list(documents("a", stream))
    assert time.process_time() - start < 20
