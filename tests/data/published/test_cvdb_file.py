from __future__ import annotations

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest

from sayso.core.errors import SaysoError
from sayso.data.published.cache import cache_folder, prepare_file, read
from sayso.data.published.cvdb_file import COLUMNS, recipe
from sayso.data.tables.reader import columns_of
from tests.data.files.make import CVDB_COLUMNS, CVDB_FILE, DROPPED, cvdb_lines, cvdb_row, write_gzip

ENOUGH = list(cvdb_lines())
HEADER = ENOUGH[0]


def prepared(file: Path, encoding="paper") -> list[dict[str, str]]:
    rows: list[dict[str, str]] = read(prepare_file(recipe(encoding), file)).to_pylist()
    return rows


def names(file: Path, encoding="paper") -> list[str]:
    return [row["name"] for row in prepared(file, encoding)]


def refused(file: Path, encoding="paper") -> str:
    """The one line said of a file, after which nothing is left of it."""
    before = sorted(cache_folder().rglob("*"))
    with pytest.raises(SaysoError) as caught:
        prepare_file(recipe(encoding), file)
    after = sorted(path for path in cache_folder().rglob("*") if path.name != ".lock" and path.name != "cvdb")
    assert [path for path in after if path not in before] == []
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{file}: ")
    return message


def person(name: str, **cells: str) -> bytes:
    born = {"birth": "1800.0", "death": "1850.0", "gender": "Male", "level3_main_occ": "actor", "un_region": "Asia"}
    rest = {"string_citizenship_raw_d": "'Iran'", "wiki_readers_2015_2018": "10.0"}
    return cvdb_row(**{**born, **rest, "name": name, **cells}).encode()


def written(folder: Path, *lines: bytes, header: bytes = HEADER) -> Path:
    file = folder / "mine.csv.gz"
    write_gzip(file, [header, *lines])
    return file


def test_the_same_people_in_the_same_order_as_pandas_gives_by_appendix_a():
    """An oracle: the recipe in the order of the paper, in the words of pandas."""
    frame = pd.read_csv(CVDB_FILE, encoding="ISO-8859-1", usecols=list(COLUMNS))[list(COLUMNS)].dropna()
    frame = frame.drop_duplicates("name")
    frame = frame[~frame["name"].map(lambda name: bool(re.search(r"[^\w\s_]", name)))]
    frame["level3_main_occ"] = frame["level3_main_occ"].str.replace("_", " ")
    frame = frame[~frame["level3_main_occ"].map(lambda word: bool(re.search(r"[^\w\s_]", word)))]
    frame = frame[~frame["string_citizenship_raw_d"].map(lambda text: bool(re.search(r"[^\w\s'_]", text)))]
    frame = frame.sort_values("wiki_readers_2015_2018", ascending=False, kind="stable")
    people = [frame[frame["gender"] == gender].to_dict("records") for gender in ("Male", "Female")]
    expected = [row for pair in zip(*people, strict=False) for row in pair]
    found = prepared(CVDB_FILE)
    assert [row["name"] for row in found] == [str(row["name"]).replace("_", " ") for row in expected]
    for row, right in zip(found, expected, strict=True):
        assert [float(row["birth"]), float(row["death"])] == [right["birth"], right["death"]]
        for column in ("gender", "level3_main_occ", "string_citizenship_raw_d", "un_region"):
            assert row[column] == right[column]


def test_rows_are_dropped_for_every_reason_and_counted():
    counts = prepare_file(recipe("repaired"), CVDB_FILE).counts
    assert {reason: counts[reason] for reason in DROPPED} == {reason: len(rows) for reason, rows in DROPPED.items()}
    assert counts["rows"] == len(ENOUGH) - 1
    dropped_names = {row.get("name", "").replace("_", " ") for rows in DROPPED.values() for row in rows}
    assert not set(names(CVDB_FILE, "repaired")) & (dropped_names - {"Marie Curie"})
    (curie,) = [row for row in prepared(CVDB_FILE) if row["name"] == "Marie Curie"]
    assert curie["birth"] == "1867"


def test_accents_are_lost_or_garbled_as_the_paper_reads_them_and_right_when_repaired():
    paper, repaired = names(CVDB_FILE), names(CVDB_FILE, "repaired")
    assert "Albrecht DÃ¼rer" in paper
    assert "Albrecht Dürer" in repaired
    assert "Erwin Schrödinger" in repaired
    assert not any("Schr" in name for name in paper)
    assert "Selma Lagerlöf" in paper  # Latin-1 in the file: read right in both
    assert "Selma Lagerlöf" in repaired


def test_equals_in_readers_stay_in_the_order_of_the_file(tmp_path):
    men = [person(f"Man_{letter}") for letter in "CAB"]
    women = [person(f"Woman_{letter}", gender="Female") for letter in "ZXY"]
    expected = ["Man C", "Woman Z", "Man A", "Woman X", "Man B", "Woman Y"]
    assert names(written(tmp_path, *women, *men)) == expected


def test_plain_and_gzipped_files_are_read_alike(tmp_path):
    plain = tmp_path / "plain.csv"
    plain.write_bytes(gzip.decompress(CVDB_FILE.read_bytes()))
    assert prepared(plain) == prepared(CVDB_FILE)
    assert list(columns_of(plain)) == list(columns_of(CVDB_FILE)) == CVDB_COLUMNS


def test_columns_may_stand_in_any_order_and_a_short_row_lacks_cells(tmp_path):
    small = ",".join(reversed(COLUMNS)).encode()
    rows = [b"9,Asia,'Iran',actor,Female,1850,1800,Ann", b"9,Asia,'Iran',actor,Male,1850,1800,Bob", b"9,Asia,'Iran'"]
    file = written(tmp_path, *rows, header=small)
    assert names(file) == ["Bob", "Ann"]
    assert prepare_file(recipe("paper"), file).counts["dropped for an empty cell"] == 1


def test_a_missing_column_is_named(tmp_path):
    file = written(tmp_path, *ENOUGH[1:], header=HEADER.replace(b"un_region", b"un_regoin"))
    message = refused(file)
    assert "no column 'un_region'" in message
    assert "did you mean 'un_regoin'" in message


def test_another_encoding_is_named(tmp_path):
    file = tmp_path / "utf16.csv"
    file.write_bytes("name,birth\nAda,1815\n".encode("utf-16"))
    assert "looks like UTF-16" in refused(file)


def test_a_file_from_which_nobody_is_left_says_why(tmp_path):
    message = refused(written(tmp_path, person("Ann", death="", gender="Female"), person("Bob")))
    assert "no pair of a man and a woman is left" in message
    assert "1 men, 0 women" in message
    assert "1 dropped for an empty cell" in message
    assert "no pair" in refused(written(tmp_path))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_truncated_gzip_is_one_line(tmp_path, share):
    data = CVDB_FILE.read_bytes()
    file = tmp_path / "cut.csv.gz"
    file.write_bytes(data[: int(len(data) * share)])
    assert "truncated or damaged" in refused(file)


def test_a_damaged_gzip_is_one_line(tmp_path):
    data = bytearray(CVDB_FILE.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file = tmp_path / "damaged.csv.gz"
    file.write_bytes(bytes(data))
    assert "truncated or damaged" in refused(file) or "row" in refused(file)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (person("Bob", birth="long ago"), ["row 2", "column 'birth'", "found 'long ago'"]),
        (person("Bob", wiki_readers_2015_2018="inf"), ["row 2", "'wiki_readers_2015_2018'", "found 'inf'"]),
        (person("Bob") + b",more", ["row 2 has 50 cells, the header 49"]),
        (b'"' + b"x" * 200_000 + b'",', ["row 2", "field larger than field limit"]),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path, line, words):
    message = refused(written(tmp_path, line))
    assert all(word in message for word in words), message


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "absent.csv.gz")
