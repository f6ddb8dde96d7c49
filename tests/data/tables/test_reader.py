from __future__ import annotations

import csv
import datetime
import gzip
import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.data.tables.cells import Cell
from sayso.data.tables.encodings import known_encoding
from sayso.data.tables.reader import AS_FOUND, How, read_table
from sayso.data.tables.table import Table
from tests.data.tables.workbook import write_workbook


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


def rows_of(file: str | Path, how: How = AS_FOUND) -> list[dict[str, Cell]]:
    return [row for _, row in read_table(file, how).rows()]


CSV = 'name,year,words\nAda,1815,\n"Bo, or\nB",1923.0,\n'
EXPECTED = [{"name": "Ada", "year": "1815", "words": None}, {"name": "Bo, or\nB", "year": "1923", "words": None}]


def test_the_same_facts_are_the_same_rows_whatever_the_file(tmp_path):
    lines = '{"name": "Ada", "year": 1815, "words": null}\n\n{"name": "Bo, or\\nB", "year": 1923.0, "words": NaN}\n'
    array = "[" + ",\n".join(lines.split("\n\n")) + "]"
    table = pa.table({"name": ["Ada", "Bo, or\nB"], "year": [1815.0, 1923.0], "words": [None, float("nan")]})
    pq.write_table(table, tmp_path / "a.parquet")
    sheet: list[list[object]] = [["name", "year", "words"], ["Ada", 1815, None], [], ["Bo, or\nB", 1923.0, ""]]
    write_workbook(tmp_path / "a.xlsx", {"one": sheet, "two": []}, first_row=3)
    spaced = CSV.replace("name,year", " name ,  year").replace("Ada,1815", " Ada , 1815").replace('"Bo', ' "Bo')
    two_rows = ["row 2", "row 3"]
    files = {
        written(tmp_path, "a.csv", CSV): two_rows,
        written(tmp_path, "crlf.csv", CSV.replace("\n", "\r\n").replace("or\r\n", "or\n")): two_rows,
        written(tmp_path, "cr.csv", CSV.replace("\n", "\r").replace("or\r", "or\n")): two_rows,
        written(tmp_path, "spaced.csv", f"{spaced}\n"): two_rows,
        written(tmp_path, "gaps.csv", f"{CSV},,\n , ,\n"): two_rows,
        written(tmp_path, "late.csv", f"\n\r\n{CSV}"): ["row 4", "row 5"],
        written(tmp_path, "ended.csv", CSV.replace('\n"', '\n  \n"') + " \t\n\x1a"): ["row 2", "row 4"],
        written(tmp_path, "bom.csv", b"\xef\xbb\xbf" + CSV.encode()): two_rows,
        written(tmp_path, "a.csv.gz", gzip.compress(CSV.encode())): two_rows,
        written(tmp_path, "unpacked.csv.gz", CSV): two_rows,
        written(tmp_path, "packed.csv", gzip.compress(b"\xef\xbb\xbf" + CSV.encode())): two_rows,
        written(tmp_path, "a.tsv", CSV.replace(",", "\t").replace("Bo\t", "Bo,")): two_rows,
        written(tmp_path, "a.TSV.GZ", gzip.compress(CSV.replace(",", "\t").replace("Bo\t", "Bo,").encode())): two_rows,
        written(tmp_path, "bar.txt", CSV.replace(",", "|").replace("Bo|", "Bo,")): two_rows,
        written(tmp_path, "said.csv", "sep=;\n" + CSV.replace(",", ";").replace("Bo;", "Bo,")): ["row 3", "row 4"],
        written(tmp_path, "a.jsonl", lines): ["line 1", "line 3"],
        written(tmp_path, "bom.jsonl", b"\xef\xbb\xbf" + lines.encode()): ["line 1", "line 3"],
        written(tmp_path, "a.ndjson.gz", gzip.compress(lines.encode("utf-16"))): ["line 1", "line 3"],
        written(tmp_path, "a.json", array): ["row 1", "row 2"],
        written(tmp_path, "a.json.gz", gzip.compress(array.encode())): ["row 1", "row 2"],
        written(tmp_path, "lines.json", lines): ["line 1", "line 3"],
        str(tmp_path / "a.parquet"): ["row 1", "row 2"],
        str(tmp_path / "a.xlsx"): ["row 4", "row 6"],
    }
    for file, places in files.items():
        content = read_table(file)
        assert content.columns == ("name", "year", "words"), file
        assert [row for _, row in content.rows()] == EXPECTED, file
        assert [where for where, _ in content.rows()] == places, file


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_unicode_and_delimiters_are_found(tmp_path, encoding, delimiter):
    text = delimiter.join(["name", "city"]) + "\n" + delimiter.join(["José", "Đà Nẵng"]) + "\n"
    content = read_table(written(tmp_path, "a.csv", text.encode(encoding)))
    assert [row for _, row in content.rows()] == [{"name": "José", "city": "Đà Nẵng"}]
    assert content.how.delimiter == delimiter
    assert content.how.encoding == ("utf-8" if encoding == "utf-8-sig" else encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1"])
def test_an_encoding_that_is_set_reads_no_mark_as_text(tmp_path, encoding):
    file = written(tmp_path, "a.csv", ("\ufeff" if encoding == "utf-16-le" else "") + "name,x\nJosé,1\n")
    Path(file).write_bytes(Path(file).read_text(encoding="utf-8").encode(encoding))
    assert rows_of(file, How(encoding=encoding)) == [{"name": "José", "x": "1"}]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_mark_is_no_part_of_a_first_cell_in_quotes(tmp_path, encoding):
    file = written(tmp_path, "a.csv", '\ufeff"name","x"\n"José","1"\n'.encode(encoding))
    assert rows_of(file, How(encoding=encoding)) == [{"name": "José", "x": "1"}]


def test_a_mark_that_belies_the_encoding_that_is_set_is_told(tmp_path):
    file = written(tmp_path, "a.csv", "\ufeffname,x\nJosé,1\n".encode())
    with pytest.raises(SaysoError, match=r"begins with the mark of UTF-8, not cp1252; leave knowledge\.encoding"):
        read_table(file, How(encoding="cp1252"))


@pytest.mark.parametrize("name", ["idna", "punycode", "utf-7", "unicode_escape", "raw-unicode-escape", "undefined"])
@pytest.mark.parametrize("spelled", [str, str.upper])
def test_what_is_no_encoding_of_text_files_is_refused(name, spelled):
    with pytest.raises(ValueError, match="an encoding of text files that Python knows"):
        known_encoding(spelled(name))


@pytest.mark.parametrize("name", ["José", "Größe", "naïve créée", "l’été “à”", "Øystein Ålesund", "María 5 € sí"])
def test_the_advice_on_another_encoding_works(tmp_path, name):
    file = written(tmp_path, "a.csv", f"name,x\nAda,1\nJo{name},2\n".encode("cp1252"))
    message = refused(file)
    assert re.search(r"line 3, column \d+: found byte 0x[89a-f]., which is not UTF-8", message)
    advised = re.search(r"knowledge.encoding=([^\s,]+)", message)
    assert advised is not None
    assert known_encoding(advised[1]) == "cp1252"
    assert rows_of(file, How(encoding=advised[1]))[1]["name"] == f"Jo{name}"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *(
            ("北京,中国", "gb18030"),
            ("東京,日本", "shift-jis"),
            ("トウキョウ,ニホン", "shift-jis"),
            ("とうきょう,にほん", "shift-jis"),
        ),
        *(
            ("Москва,Россия", "cp1251"),
            ("Москва,Россия", "koi8-r"),
            ("Αθήνα,Ελλάδα", "cp1253"),
            ("서울,한국", "euc-kr"),
        ),
    ],
)
def test_no_encoding_is_advised_where_it_is_not_sure(tmp_path, text, encoding):
    file = written(tmp_path, "a.csv", f"name,x\n{text}\n".encode(encoding))
    message = refused(file)
    assert message.endswith("which is not UTF-8; save it as UTF-8, or set knowledge.encoding to the one it is in")
    assert rows_of(file, How(encoding=encoding)) == [dict(zip(["name", "x"], text.split(","), strict=True))]


SIGNS = st.text(st.characters(exclude_categories=["C"], include_characters="\n;,|\t\"'"), max_size=12)


@given(
    st.lists(st.tuples(SIGNS, SIGNS, SIGNS), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_the_delimiter_is_found_whatever_stands_in_the_cells(tmp_path_factory, rows, delimiter, quoting):
    file = tmp_path_factory.mktemp("a") / "a.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=delimiter, quoting=quoting).writerows([("name", "born", "died"), *rows])
    content = read_table(file)
    assert content.columns == ("name", "born", "died")
    assert content.how.delimiter == delimiter
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert [len(row) for _, row in content.rows()] == [3] * len(kept)


FRAME = pd.DataFrame(
    {
        "name": ["Ada", "Bo", "Cid"],
        "born": pd.array([1815, None, 1923], dtype="Int64"),
        "died": [1852.0, np.nan, 2004.5],
        "share": np.array([0.1, 0.2, 3.0], dtype="float32"),
        "alive": [True, False, True],
        "day": [pd.Timestamp("1915-12-10"), pd.NaT, pd.Timestamp("1923-01-01")],
        "seen": [pd.Timestamp("1915-12-10 07:30"), pd.NaT, pd.Timestamp("1923-01-01 00:00:01.5")],
        "zoned": [pd.Timestamp("1915-12-10 07:30", tz="UTC"), pd.NaT, pd.Timestamp("1923-01-01", tz="UTC")],
        "kind": pd.Categorical(["a", "b", "a"]),
        "cost": [Decimal("1.50"), Decimal("2.25"), None],
        "large": [2**63, 1, 10**18],
        "odds": [np.inf, -np.inf, 1e-7],
    }
)


def test_what_pandas_writes_is_read_back_alike(tmp_path):
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_csv(tmp_path / "index.csv")
    pd.read_csv(tmp_path / "index.csv", dtype=str).to_csv(tmp_path / "twice.csv")
    FRAME.to_csv(tmp_path / "a.tsv.gz", index=False, sep="\t")
    FRAME.to_csv(tmp_path / "european.csv", index=False, sep=";", encoding="utf-16")
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.set_index(pd.Index([5, 7, 11])).to_parquet(tmp_path / "index.parquet")
    usual = facts_of(tmp_path / "a.csv")
    assert usual["Ada"] == {
        **{"born": "1815", "died": "1852", "share": "0.1", "alive": "True", "day": "1915-12-10"},
        **{"seen": "1915-12-10 07:30:00", "zoned": "1915-12-10 07:30:00+00:00", "kind": "a", "cost": "1.50"},
        "large": "9223372036854775808",
    }
    for name in ("index.csv", "twice.csv", "a.tsv.gz", "european.csv", "a.parquet", "index.parquet"):
        assert facts_of(tmp_path / name) == usual, name
    FRAME.to_json(tmp_path / "a.json", orient="records", date_format="iso", double_precision=15)
    FRAME.to_json(tmp_path / "a.jsonl.gz", orient="records", lines=True, date_format="iso", double_precision=15)
    for name in ("a.json", "a.jsonl.gz"):
        for person, facts in facts_of(tmp_path / name).items():
            there = {key: usual[person][key] for key in facts if key not in ("share", "cost")}
            assert {key: facts[key] for key in there} == there
            assert facts.keys() - {"cost"} == usual[person].keys() - {"cost"}


def facts_of(file: str | Path) -> dict[str, dict[str, str]]:
    return {
        entity.name: {pair.attribute: "; ".join(pair.answers) for pair in entity.questions}
        for entity in Table(file=str(file)).first()
    }


NAMES = st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=8)
COLUMNS = {
    "whole": st.none() | st.integers(-(10**15), 10**15),
    "part": st.none() | st.floats(-1e12, 1e12).map(lambda number: round(number, 6)),
    "truth": st.none() | st.booleans(),
    "day": st.none()
    | st.datetimes(datetime.datetime(1901, 1, 1), datetime.datetime(2200, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    "text": st.none() | NAMES,
    "cost": st.none()
    | st.integers(-(10**9), 10**9).map(Decimal)
    | st.integers(0, 10**6).map(lambda n: Decimal(10 * n + 5) / 100),
    "many": st.none() | st.lists(NAMES, min_size=1, max_size=3),
    "shares": st.none() | st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3).map(lambda shares: [*shares, None]),
}


@settings(max_examples=60)
@given(st.data())
def test_equal_values_are_equal_facts_in_every_kind_of_file(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("kinds")
    names = data.draw(st.lists(st.integers(0, 10**6).map("n{}".format), min_size=1, max_size=4, unique=True))
    rows = [{"name": name, **{key: data.draw(values) for key, values in COLUMNS.items()}} for name in names]
    columns = ["name", *COLUMNS]

    def text(value: object) -> str:
        if isinstance(value, float):
            return f"{Decimal(repr(value)):f}"
        return "" if value is None else str(value)

    def plain(value: object) -> object:
        if isinstance(value, Decimal):
            return float(value)
        return value.isoformat() if isinstance(value, datetime.datetime) else value

    def cell(value: object) -> object:
        return str(value) if isinstance(value, list) else float(value) if isinstance(value, Decimal) else value

    for end, delimiter in ((".csv", ","), (".tsv", "\t"), (".txt", "|")):
        with (folder / f"a{end}").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=delimiter)
            writer.writerows([columns, *([text(row[key]) for key in columns] for row in rows)])
    objects = [{key: plain(value) for key, value in row.items()} for row in rows]
    (folder / "a.json").write_text(json.dumps(objects), encoding="utf-8")
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    types = {"whole": pa.int64(), "part": pa.float64(), "truth": pa.bool_(), "day": pa.timestamp("us")}
    types |= {"many": pa.list_(pa.string()), "shares": pa.list_(pa.float64()), "cost": pa.decimal128(20, 2)}
    arrays = {key: pa.array([row[key] for row in rows], types.get(key, pa.string())) for key in columns}
    pq.write_table(pa.table(arrays), folder / "a.parquet")
    found = {}
    for file in sorted(folder.iterdir()):
        found[file.name] = worded(file)
    assert all(facts == found["a.csv"] for facts in found.values()), found
    write_workbook(folder / "a.xlsx", {"a": [columns, *([cell(row[key]) for key in columns] for row in rows)]})
    assert worded(folder / "a.xlsx") == found["a.csv"]


def worded(file: Path) -> dict[str, dict[str, str]] | str:
    try:
        return {
            entity.name: {pair.attribute: "; ".join(pair.answers) for pair in entity.questions}
            for entity in Table(file=str(file), separator=None, name_column="name").first()
        }
    except SaysoError as error:  # nothing to ask, or an object in a cell
        return str(error).rpartition(":")[2]


@pytest.mark.parametrize("index", ["", "Unnamed: 0"])
def test_a_column_without_a_name_is_left_out_and_told_of(tmp_path, index):
    content = read_table(written(tmp_path, "a.csv", f"{index},name,capital,\n0,Land1,City1,\n1,Land2,City2,\n"))
    assert content.columns == ("name", "capital")
    assert content.left_out == (1, 4)


def test_only_an_empty_cell_is_missing_for_the_reader(tmp_path):
    assert rows_of(written(tmp_path, "a.csv", "name,code\nNull,NA\nNone,\n")) == [
        {"name": "Null", "code": "NA"},
        {"name": "None", "code": None},
    ]


def test_lists_are_several_texts(tmp_path):
    pq.write_table(pa.table({"name": ["A"], "tags": [["x", "y"]], "none": [[]]}), tmp_path / "a.parquet")
    jsonl = written(tmp_path, "a.jsonl", '{"name": "A", "tags": ["x", null, "y"], "none": []}')
    for file in (jsonl, str(tmp_path / "a.parquet")):
        assert rows_of(file) == [{"name": "A", "tags": ("x", "y"), "none": None}]


def test_values_of_parquet_are_told_as_in_other_files(tmp_path):
    moment = 1_577_863_800_123_456_789
    arrays = {
        "name": pa.array(["A"]),
        "whole": pa.array([Decimal("1852")], pa.decimal128(10, 2)),
        "large": pa.array([Decimal(1)], pa.decimal256(40, 10)),
        "zero": pa.array([Decimal(0)], pa.decimal128(20, 8)),
        "part": pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
        "small": pa.array([1e-7], pa.float32()),
        "shares": pa.array([[0.1, None, 3.0]], pa.list_(pa.float32())),
        "pair": pa.array([[0.1, 3.0]], pa.list_(pa.float32(), 2)),
        "moments": pa.array([[moment, 1_577_836_800_000_000_000]], pa.list_(pa.timestamp("ns"))),
        "moment": pa.array([moment], pa.timestamp("ns", "UTC")),
        "time": pa.array([27_000_123_456_789], pa.time64("ns")),
        "half": pa.array([27_000_500_000_000], pa.time64("ns")),
        "day": pa.array([86_400 * 10**9], pa.duration("ns")),
        "kinds": pa.array([["a", "b"]], pa.large_list(pa.string())),
    }
    pq.write_table(pa.table(arrays), tmp_path / "a.parquet")
    (row,) = rows_of(tmp_path / "a.parquet")
    assert row == {
        **{"name": "A", "whole": "1852", "large": "1", "zero": "0", "part": "1.50", "small": "0.0000001"},
        **{"shares": ("0.1", "3"), "pair": ("0.1", "3"), "time": "07:30:00.123456789", "half": "07:30:00.500000"},
        "moments": ("2020-01-01 07:30:00.123456789", "2020-01-01"),
        "moment": "2020-01-01 07:30:00.123456789+00:00",
        "day": "1 day, 0:00:00",
        "kinds": ("a", "b"),
    }


def test_lists_of_parquet_are_those_of_their_rows(tmp_path):
    names = [f"n{number}" for number in range(12_000)]
    lists = [None if number % 7 == 0 else [number / 10] * (number % 4) for number in range(12_000)]
    pq.write_table(pa.table({"name": names, "x": pa.array(lists, pa.list_(pa.float32()))}), tmp_path / "a.parquet")
    found = read_table(tmp_path / "a.parquet").cells["x"]
    assert found == [
        tuple(str(item).removesuffix(".0") for item in items) or None if items else None for items in lists
    ]


def test_a_zone_that_nobody_knows_is_named(tmp_path):
    times = pa.array([[0]], pa.list_(pa.timestamp("us", "Mars/Base")))
    pq.write_table(pa.table({"name": ["A"], "at": times}), tmp_path / "a.parquet")
    assert "column 'at': has times in a zone that is not known here, 'Mars/Base'" in refused(
        str(tmp_path / "a.parquet")
    )


def test_a_long_first_object_of_a_line_is_no_whole_file(tmp_path):
    first = {"name": "A", **{f"c{number}": "x" * 1000 for number in range(200)}}
    file = written(tmp_path, "a.json", "\n" + json.dumps(first) + '\n{"name": "B"}\n')
    assert [row["name"] for row in rows_of(file)] == ["A", "B"]


def test_places_of_columns_are_those_of_the_sheet(tmp_path):
    write_workbook(tmp_path / "a.xlsx", {"a": [[None, None, "name", "", "x"], [None, None, "A", "1", 2]]})
    assert read_table(tmp_path / "a.xlsx").left_out == (4,)
    write_workbook(tmp_path / "a.xlsx", {"a": [[None, "x", "name", "x"], [None, 1, "A", 2]]})
    assert "two columns are called 'x', columns 2 and 4" in refused(str(tmp_path / "a.xlsx"))


def test_a_title_above_the_header_of_a_sheet_is_told(tmp_path):
    rows: list[list[object]] = [["Capitals"], [], ["name", "capital"], ["Land1", "City1"]]
    write_workbook(tmp_path / "a.xlsx", {"a": rows})
    message = refused(str(tmp_path / "a.xlsx"))
    assert "only the first column has a name, 'Capitals', and row 3 has 2 cells" in message
    assert "remove what is above" in message
    write_workbook(tmp_path / "a.xlsx", {"a": [["", "name"], [0, "Ada"]]})
    assert rows_of(tmp_path / "a.xlsx") == [{"name": "Ada"}]


def test_keys_that_come_later_in_json_are_columns_of_all_rows(tmp_path):
    file = written(tmp_path, "a.jsonl", '{"name": "A"}\n{"x": 1, "name": "B"}\n{"y": true, "x": 1.0}\n')
    assert rows_of(file) == [
        {"name": "A", "x": None, "y": None},
        {"name": "B", "x": "1", "y": None},
        {"name": None, "x": "1", "y": "True"},
    ]


def test_keys_of_json_have_no_blanks_around_them(tmp_path):
    file = written(tmp_path, "a.json", '[{" name ": "A", "x": 1}, {"name": "B", "x": 2}]')
    assert rows_of(file) == [{"name": "A", "x": "1"}, {"name": "B", "x": "2"}]


MANY = [json.dumps({"name": f"N{number}", "x": number}) for number in range(2_500)]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({1700: '{"name": }'}, ["line 1700", "not JSON", "column 10"]),
        ({1700: '{"name": "A"', 1701: '"x": 1}'}, ["line 1700", "not JSON"]),
        ({1700: '{"name": "A"}, {"name": "B"}'}, ["line 1700", "not JSON: column 14"]),
        ({7: '{"name": [{"a": 1}', 8: '{"b": 2}]}', 9: '{"name": "A"},{"name": "B"}'}, ["holds an object"]),
        ({1200: '{"name": ', 1900: b'{"name": "Jos\xe9"}'}, ["line 1200", "not JSON"]),
        ({2200: b'{"name": "Jos\xe9"}'}, ["line 2200", "0xe9"]),
        ({1700: '{"name": "A", "name": "B"}'}, ["line 1700", "two keys"]),
    ],
)
def test_a_line_among_many_is_named(tmp_path, places, words):
    lines = [line.encode() for line in MANY]
    for number, line in places.items():
        lines[number - 1] = line if isinstance(line, bytes) else line.encode()
    message = refused(written(tmp_path, "a.jsonl", b"\n".join(lines)))
    for word in words:
        assert word in message


@given(st.sets(st.integers(0, 2_499), max_size=5), st.sampled_from(["", "  ", "\t"]), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=15, deadline=None)
def test_many_lines_with_empty_ones_between(tmp_path_factory, gaps, blank, end):
    lines = [blank if number in gaps else line for number, line in enumerate(MANY)]
    found = read_table(written(tmp_path_factory.mktemp("t"), "a.jsonl", end.join(lines)))
    assert list(found.numbers) == [number + 1 for number in range(len(MANY)) if number not in gaps]
    assert found.cells["x"] == [str(number) for number in range(len(MANY)) if number not in gaps]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_sign_of_no_meaning_is_no_other_encoding(tmp_path, name):
    text = "name,x\nA\0,1\n" if name == "a.csv" else '{"name": "A\\u0000", "x": 1}'
    assert "column 'name': holds a character of no meaning (NUL)" in refused(written(tmp_path, name, text))


def test_values_that_python_takes_for_equal_stay_apart(tmp_path):
    file = written(tmp_path, "a.jsonl", '{"name": "A", "x": 1}\n{"name": "B", "x": true}\n{"name": "C", "x": "1"}\n')
    assert [row["x"] for row in rows_of(file)] == ["1", "True", "1"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "name,x\nAda\n", ["row 2 has 1 cell, the header 2", "',' between columns", "knowledge.delimiter"]),
        ("a.csv", "name,x\nAda,1\nBo,1,2\n", ["row 3 has 3 cells"]),
        ("a.csv", 'name,x\nAda,1\nBo,"a"b\n', ["row 3", "not a row of a CSV table"]),
        ("a.csv", "name,x,x\nAda,1,2\n", ["two columns are called 'x', columns 2 and 3"]),
        ("a.csv", "name,x\nAda,1\nJosé,2\n".encode("latin-1"), ["line 3, column 4", "0xe9", "not UTF-8"]),
        ("a.csv", "name,x\nAda,1\n".encode("utf-16")[:-1], ["not utf-16", "set knowledge.encoding"]),
        ("a.csv.gz", gzip.compress("name\nJosé\n".encode("latin-1"), mtime=0), ["line 2, column 4", "0xe9"]),
        ("a.csv", "name;x\nAda;1\nBo;1;2\n", ["row 3 has 3 cells, the header 2 (with ';' between columns"]),
        ("a.csv", "name\n" + "a" * (1 << 24), ["line 2 has 16,777,216 characters and more"]),
        (
            "a.csv",
            "name,x\nAda," + "a" * 200_000,
            ["row 2, column 'x': holds 200,000 characters; an answer has at most 131,072"],
        ),
        ("a.csv.gz", gzip.compress(b"name,x\nAda,1\n", mtime=0)[:-9], ["truncated or damaged"]),
        ("a.csv.gz", b"\x1f\x8bname,x\nAda,1\n", ["truncated or damaged"]),
        ("a.jsonl", '{"name": "Ada"}\n{"name": }\n', ["line 2", "not JSON", "column 10"]),
        ("a.jsonl", '["Ada"]\n', ["line 1", "holds a list, where an object should be"]),
        ("a.jsonl", '{"name": {"first": "Ada"}}\n', ["line 1", "column 'name'", "holds an object"]),
        ("a.jsonl", '{"name": "Ada", "use": "salt \\ud83d"}\n', ["line 1", "column 'use'", "half a character"]),
        ("a.jsonl", '{"name": "Ada", "\\ud83d": 1}\n', ["line 1", "a column's name", "half a character"]),
        ("a.jsonl", b'{"name": "Jos\xe9"}\n', ["line 1, column 14", "0xe9"]),
        ("a.json", '{"name": "Ada"}', ["holds an object, where a list of objects should be", "orient='records'"]),
        ("a.json", "5", ["line 1", "column 1", "where an array should begin"]),
        ("a.json", "", ["line 1", "where an array should begin"]),
        ("a.json", '[{"name": "Ada"},\n {"name": oops}]', ["line 2", "column 11", "Expecting value"]),
        ("a.json", "[" * 100_000, ["line 1", "nested too deeply"]),
        ("a.jsonl", '{"name": ' + "[" * 100_000, ["line 1", "nested too deeply"]),
        ("a.jsonl", '{"name": ' + "1" * 5000 + "}", ["line 1", "not JSON", "4300 digits"]),
        ("a.json", '[{"name": ' + "1" * 5000 + "}]", ["line 1", "not JSON", "4300 digits"]),
        ("a.json", '[{"name": "Ada"},\n 5]', ["row 2", "holds a number, where an object should be"]),
        ("a.parquet", b"PAR1 no", ["not a Parquet file that can be read"]),
        ("a.xlsx", b"PK\x03\x04 no", ["not a whole Excel file"]),
        ("a.xls", b"\xd0\xcf\x11\xe0 no", ["not a whole Excel file"]),
        ("a.xlsx", b"no", ["is text; name it .csv"]),
        ("a.xls", b"name,x\nAda,1\n", ["is text; name it .csv"]),
        ("a.xls", b"\r\n<HTML><table>", ["is a web page; open it in a spreadsheet"]),
        ("a.xls", b"PK\x03\x04\x14\0\0\0", ["is an Excel file or another zip archive; name it .xlsx"]),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\0\0", ["is an old Excel file", "name it .xls"]),
        ("a.csv", b"PK\x03\x04\x14\0\0\0", ["is an Excel file or another zip archive; name it .xlsx"]),
        ("a.csv", b"\xd0\xcf\x11\xe0\0\0\xff", ["is an old Excel file", "name it .xls"]),
        ("a.jsonl", b"PAR1\x15\0\xff", ["is a Parquet file; name it .parquet"]),
        (
            "a.csv",
            gzip.compress(gzip.compress(b"name\nA\n", mtime=0), mtime=0),
            ["is packed with gzip twice; unpack it once"],
        ),
        ("a.csv", b"BZh91AY&SY\xff", ["is packed with bzip2; unpack it"]),
        ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n", ["git lfs pull"]),
        ("a.csv", b"<!DOCTYPE html>\n<html>", ["is a web page"]),
        ("a.csv", 'name,x\nAda,"' + "a\n" * 70_000 + '"\n', ["row 2, column 'x': holds 140,000 characters"]),
        ("a.csv", "name,x" + "x" * 140_000 + "\n", ["row 1, column 2: holds 140,001 characters"]),
        ("a.csv", 'name,x\n"Ada,' + "a\n" * 70_000, ["row 2", "field larger than field limit"]),
        ("a.csv", ",,\n1,2,3\n", ["no column has a name"]),
        ("a.csv", "name,x\0y\nA,1\n", ["the column's name 'x\\0y' holds a character of no meaning (NUL)"]),
        ("a.jsonl", '{"name": "A", "x": 1}\n{"name": "B", "name": "C"}', ["line 2: two keys are called 'name'"]),
        ("a.jsonl", '{"name": "C", " name": "D"}', ["line 1: two keys are called 'name'"]),
        ("a.json", '[{"name": "A"}, {"name": "A", "x": 1, "x": 1}]', ["row 2: two keys are called 'x'"]),
        ("a.json", '{"name": }\n{"name": "A"}\n', ["line 1: not JSON: column 10"]),
        ("a.json", '{"name":\n"A"}\n', ["holds an object"]),
        ("a.doc", "name\n", ["a table is one of .csv, .tsv, .txt, .json"]),
    ],
)
def test_a_file_of_another_form_is_one_line_that_says_where(tmp_path, name, content, words):
    message = refused(written(tmp_path, name, content))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("name", ["absent.csv", "absent.csv.gz", "absent.json", "absent.parquet", "absent.xlsx"])
def test_a_file_that_is_not_there_is_one_line(tmp_path, name):
    assert "cannot be read" in refused(str(tmp_path / name))


def test_structs_and_bytes_in_parquet_are_refused_with_column_and_row(tmp_path):
    for values, kind in (([{"a": 1}], "an object"), ([b"x"], "bytes"), ([[[1]]], "a list in a list")):
        pq.write_table(pa.table({"name": ["A", "B"], "x": [None, *values]}), tmp_path / "a.parquet")
        assert f"row 2, column 'x': holds {kind}" in refused(str(tmp_path / "a.parquet"))
