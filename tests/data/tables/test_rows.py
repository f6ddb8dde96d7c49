from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sayso.core.errors import SaysoError
from sayso.data.tables.rows import read_rows


def written(folder: Path, name: str, content: str | bytes) -> str:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def refused(file: str) -> str:
    with pytest.raises(SaysoError) as caught:
        read_rows(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message


def test_csv_parquet_and_jsonl_of_the_same_facts_are_the_same_rows(tmp_path):
    csv = 'name,year,words\nAda,1815,\n"Bo, or\nB",1923,NaN\n'
    jsonl = '{"name": "Ada", "year": 1815, "words": null}\n\n{"name": "Bo, or  B", "year": 1923.0, "words": NaN}\n'
    table = pa.table({"name": ["Ada", "Bo, or B"], "year": [1815.0, 1923.0], "words": [None, float("nan")]})
    pq.write_table(table, tmp_path / "a.parquet")
    expected = [
        {"name": "Ada", "year": "1815", "words": None},
        {"name": "Bo, or B", "year": "1923", "words": None},
    ]
    files = {
        written(tmp_path, "a.csv", csv): ["row 2", "row 3"],
        written(tmp_path, "bom.csv", b"\xef\xbb\xbf" + csv.encode()): ["row 2", "row 3"],
        written(tmp_path, "a.csv.gz", gzip.compress(csv.encode())): ["row 2", "row 3"],
        written(tmp_path, "a.jsonl", jsonl): ["line 1", "line 3"],
        str(tmp_path / "a.parquet"): ["row 1", "row 2"],
    }
    for file, places in files.items():
        columns, rows = read_rows(file)
        assert columns == ("name", "year", "words"), file
        assert [dict(row) for _, row in rows] == expected, file
        assert [where for where, _ in rows] == places, file


def test_lists_are_several_texts(tmp_path):
    pq.write_table(pa.table({"name": ["A"], "tags": [["x", "y"]], "none": [[]]}), tmp_path / "a.parquet")
    jsonl = written(tmp_path, "a.jsonl", '{"name": "A", "tags": ["x", null, "y"], "none": []}')
    for file in (jsonl, str(tmp_path / "a.parquet")):
        assert read_rows(file)[1][0][1] == {"name": "A", "tags": ("x", "y"), "none": None}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "name,x\nAda\n", ["row 2 has 1 cells, the header 2"]),
        ("a.csv", "name,x\nAda,1\nBo,1,2\n", ["row 3 has 3 cells"]),
        ("a.csv", 'name,x\nAda,1\nBo,"a"b\n', ["row 3", "not a row of a CSV table"]),
        ("a.csv", "name,x,x\nAda,1,2\n", ["two columns are called 'x'"]),
        ("a.csv", "name,x\nAda,1\nJosé,2\n".encode("latin-1"), ["line 3", "0xe9", "not UTF-8"]),
        ("a.csv", "name,x\nAda,1\n".encode("utf-16"), ["line 1", "not UTF-8"]),
        ("a.csv.gz", gzip.compress(b"name,x\nAda,1\n", mtime=0)[:-9], ["truncated or damaged"]),
        ("a.csv.gz", b"name,x\nAda,1\n", ["truncated or damaged", "Not a gzipped file"]),
        ("a.jsonl", '{"name": "Ada"}\n{"name": }\n', ["line 2", "not JSON", "column 10"]),
        ("a.jsonl", '["Ada"]\n', ["line 1", "holds list, where an object should be"]),
        ("a.jsonl", '{"name": {"first": "Ada"}}\n', ["line 1", "'name'", "holds an object"]),
        ("a.parquet", b"PAR1 no", ["not a whole Parquet file"]),
        ("a.txt", "name\n", ["a table is one of .csv, .csv.gz, .parquet, .jsonl"]),
    ],
)
def test_a_file_of_another_form_is_one_line_that_says_where(tmp_path, name, content, words):
    message = refused(written(tmp_path, name, content))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("name", ["absent.csv", "absent.csv.gz", "absent.jsonl", "absent.parquet"])
def test_a_file_that_is_not_there_is_one_line(tmp_path, name):
    assert "cannot be read" in refused(str(tmp_path / name))
