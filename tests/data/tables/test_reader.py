from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sayso.core.errors import SaysoError
from sayso.data.tables.reader import read_table


def written(folder: Path, name: str, content: str | bytes) -> str:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def refused(file: str) -> str:
    with pytest.raises(SaysoError) as caught:
        read_table(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message


def test_the_same_facts_are_the_same_rows_whatever_the_file(tmp_path):
    csv = 'name,year,words\nAda,1815,\n"Bo, or\nB",1923.0,NaN\n'
    lines = '{"name": "Ada", "year": 1815, "words": null}\n\n{"name": "Bo, or\\nB", "year": 1923.0, "words": NaN}\n'
    array = "[" + ",\n".join(lines.split("\n\n")) + "]"
    table = pa.table({"name": ["Ada", "Bo, or\nB"], "year": [1815.0, 1923.0], "words": [None, float("nan")]})
    pq.write_table(table, tmp_path / "a.parquet")
    expected = [
        {"name": "Ada", "year": "1815", "words": None},
        {"name": "Bo, or\nB", "year": "1923", "words": None},
    ]
    spaced = csv.replace("name,year", " name ,  year").replace("Ada,1815", " Ada , 1815").replace('"Bo', ' "Bo')
    files = {
        written(tmp_path, "a.csv", csv): ["row 2", "row 3"],
        written(tmp_path, "crlf.csv", csv.replace("\n", "\r\n").replace("or\r\n", "or\n")): ["row 2", "row 3"],
        written(tmp_path, "spaced.csv", f"{spaced}\n"): ["row 2", "row 3"],
        written(tmp_path, "bom.csv", b"\xef\xbb\xbf" + csv.encode()): ["row 2", "row 3"],
        written(tmp_path, "a.csv.gz", gzip.compress(csv.encode())): ["row 2", "row 3"],
        written(tmp_path, "unpacked.csv.gz", csv): ["row 2", "row 3"],
        written(tmp_path, "packed.csv", gzip.compress(b"\xef\xbb\xbf" + csv.encode())): ["row 2", "row 3"],
        written(tmp_path, "a.tsv", csv.replace(",", "\t").replace("Bo\t", "Bo,")): ["row 2", "row 3"],
        written(tmp_path, "a.jsonl", lines): ["line 1", "line 3"],
        written(tmp_path, "a.json", array): ["row 1", "row 2"],
        str(tmp_path / "a.parquet"): ["row 1", "row 2"],
    }
    for file, places in files.items():
        content = read_table(file)
        assert content.columns == ("name", "year", "words"), file
        assert [dict(row) for _, row in content.rows] == expected, file
        assert [where for where, _ in content.rows] == places, file


def test_what_pandas_writes_is_read_back_alike(tmp_path):
    frame = pd.DataFrame(
        {
            "name": ["Ada", "Bo", "Cid"],
            "born": pd.array([1815, None, 1923], dtype="Int64"),
            "died": [1852.0, np.nan, 2004.5],
            "share": np.array([0.1, 0.2, 3.0], dtype="float32"),
            "alive": [True, False, True],
            "day": [pd.Timestamp("1815-12-10"), pd.NaT, pd.Timestamp("1923-01-01")],
            "kind": pd.Categorical(["a", "b", "a"]),
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "index.csv")
    pd.read_csv(tmp_path / "index.csv").to_csv(tmp_path / "twice.csv")
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.set_index(pd.Index([5, 7, 11])).to_parquet(tmp_path / "index.parquet")
    usual = read_table(tmp_path / "a.csv")
    assert [row["died"] for _, row in usual.rows] == ["1852", None, "2004.5"]
    for name in ("index.csv", "twice.csv", "a.tsv", "a.parquet", "index.parquet"):
        found = read_table(tmp_path / name)
        assert [dict(row) for _, row in found.rows] == [dict(row) for _, row in usual.rows], name
    plain = frame.drop(columns=["day", "share"])  # which pandas writes in JSON as other numbers than in CSV
    plain.to_json(tmp_path / "a.json", orient="records")
    plain.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for name in ("a.json", "a.jsonl"):
        for (_, row), (_, right) in zip(read_table(tmp_path / name).rows, usual.rows, strict=True):
            assert row == {key: right[key] for key in row}


@pytest.mark.parametrize("index", ["", "Unnamed: 0"])
def test_a_column_that_numbers_the_rows_is_left_out_and_told_of_once(tmp_path, caplog, index):
    file = written(tmp_path, "a.csv", f"{index},name,capital,\n0,Land1,City1,\n1,Land2,City2,\n")
    for _ in range(2):
        assert read_table(file).columns == ("name", "capital")
    assert (
        caplog.messages[0] == f"{file}: column 1 is left out: it has no name of its own, and seems to number the rows"
    )
    assert len(caplog.messages) == 2  # the last column, of which nothing is said, is the other


def test_missing_text_is_a_setting_and_names_are_never_missing(tmp_path):
    file = written(tmp_path, "a.csv", "name,code\nNull,NA\nNone,-\n")
    rows = [row for _, row in read_table(file, names=["name"]).rows]
    assert rows == [{"name": "Null", "code": None}, {"name": "None", "code": "-"}]
    rows = [row for _, row in read_table(file, names=["name"], missing=["", "-"]).rows]
    assert rows == [{"name": "Null", "code": "NA"}, {"name": "None", "code": None}]


def test_a_file_that_has_changed_is_read_again(tmp_path):
    file = written(tmp_path, "a.csv", "name\nAda\n")
    read_table(file)
    written(tmp_path, "a.csv", "name\nAda Lovelace\n")
    assert read_table(file).rows == (("row 2", {"name": "Ada Lovelace"}),)


def test_lists_are_several_texts(tmp_path):
    pq.write_table(pa.table({"name": ["A"], "tags": [["x", "y"]], "none": [[]]}), tmp_path / "a.parquet")
    jsonl = written(tmp_path, "a.jsonl", '{"name": "A", "tags": ["x", null, "y"], "none": []}')
    for file in (jsonl, str(tmp_path / "a.parquet")):
        assert read_table(file).rows[0][1] == {"name": "A", "tags": ("x", "y"), "none": None}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "name,x\nAda\n", ["row 2 has 1 cells, the header 2"]),
        ("a.csv", "name,x\nAda,1\nBo,1,2\n", ["row 3 has 3 cells"]),
        ("a.csv", 'name,x\nAda,1\nBo,"a"b\n', ["row 3", "not a row of a CSV table"]),
        ("a.csv", "name,x,x\nAda,1,2\n", ["two columns are called 'x'"]),
        ("a.csv", "name,x\nAda,1\nJosé,2\n".encode("latin-1"), ["line 3, column 4", "0xe9", "not UTF-8"]),
        ("a.csv", "name,x\nAda,1\n".encode("utf-16"), ["looks like UTF-16", "save it as UTF-8"]),
        ("a.csv", "name,x\nAda,1\n".encode("utf-16-le"), ["looks like UTF-16", "save it as UTF-8"]),
        ("a.csv.gz", gzip.compress("name\nJosé\n".encode("latin-1"), mtime=0), ["line 2, column 4", "0xe9"]),
        ("a.csv", "name;capital\nLand1;City1\n", ["the columns seem to be separated by ';'", "save it with ','"]),
        ("a.csv", "name\tcapital\nLand1\tCity1\n", ["separated by tabs"]),
        ("a.tsv", "name,capital\nLand1,City1\n", ["separated by ','", "save it with tabs"]),
        ("a.csv.gz", gzip.compress(b"name,x\nAda,1\n", mtime=0)[:-9], ["truncated or damaged"]),
        ("a.csv.gz", b"\x1f\x8bname,x\nAda,1\n", ["truncated or damaged"]),
        ("a.jsonl", '{"name": "Ada"}\n{"name": }\n', ["line 2", "not JSON", "column 10"]),
        ("a.jsonl", '["Ada"]\n', ["line 1", "holds list, where an object should be"]),
        ("a.jsonl", '{"name": {"first": "Ada"}}\n', ["line 1", "column 'name'", "holds an object"]),
        ("a.jsonl", '{"name": "Ada", "use": "salt \\ud83d"}\n', ["line 1", "column 'use'", "half a character"]),
        ("a.jsonl", '{"name": "Ada", "\\ud83d": 1}\n', ["line 1", "a column's name", "half a character"]),
        ("a.jsonl", b'{"name": "Jos\xe9"}\n', ["line 1, column 14", "0xe9"]),
        ("a.json", '{"name": "Ada"}', ["holds dict, where a list of objects should be"]),
        ("a.json", '{"name": "Ada"}\n{"name": "Bo"}\n', ["line 2", "not JSON", "ends in .jsonl"]),
        ("a.json", '[{"name": "Ada"},\n 5]', ["row 2", "holds int, where an object should be"]),
        ("a.parquet", b"PAR1 no", ["not a whole Parquet file"]),
        ("a.txt", "name\n", ["a table is one of .csv, .csv.gz, .tsv, .json, .jsonl, .parquet"]),
    ],
)
def test_a_file_of_another_form_is_one_line_that_says_where(tmp_path, name, content, words):
    message = refused(written(tmp_path, name, content))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("name", ["absent.csv", "absent.csv.gz", "absent.json", "absent.parquet"])
def test_a_file_that_is_not_there_is_one_line(tmp_path, name):
    assert "cannot be read" in refused(str(tmp_path / name))


def test_structs_and_bytes_in_parquet_are_refused_with_column_and_row(tmp_path):
    for values, kind in (([{"a": 1}], "an object"), ([b"x"], "bytes"), ([[[1]]], "a list in a list")):
        pq.write_table(pa.table({"name": ["A", "B"], "x": [None, *values]}), tmp_path / "a.parquet")
        assert f"row 2, column 'x': holds {kind}" in refused(str(tmp_path / "a.parquet"))
