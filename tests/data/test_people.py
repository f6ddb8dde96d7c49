from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.data.people import citizenships, holds_people, people
from sayso.data.pocket import PocketWorld
from tests.conftest import make_tiny

HEADER = "name,birth,death,gender,un_region"
GOOD = [f"Person_{letter},{1700 + number},{1750 + number}.0,Female,Asia" for number, letter in enumerate("ABCDEFGH")]


def table(folder: Path, *rows: str, header: str = HEADER) -> str:
    file = folder / "mine.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(file)


def test_a_table_of_ones_own_is_read_in_the_order_of_its_rows(tmp_path):
    found = people(table(tmp_path, "Ada_B,-44,1812,Female,Asia", "Cid,1923.0,2004,Male,Europe"), 4)
    assert found == (
        ("Ada B", {"gender": "female", "born": "1 century BC", "died": "19 century", "region": "Asia"}),
        ("Cid", {"gender": "male", "born": "1920s", "died": "2004", "region": "Europe"}),
    )


def test_a_world_tells_the_facts_of_a_table_of_ones_own(tmp_path):
    settings = {"knowledge.facts": table(tmp_path, *GOOD), "knowledge.attributes": 4, "knowledge.entities": 8}
    corpus = build_corpus(make_tiny().with_settings({**settings, "split.trained_questions": 2}), 0)
    assert {example.entity for example in corpus.train["world"]} == {f"Person {letter}" for letter in "ABCDEFGH"}


def test_the_hash_is_that_of_the_file(tmp_path):
    one = PocketWorld(facts=table(tmp_path, *GOOD)).sha256()
    assert one == PocketWorld(facts=table(tmp_path, *GOOD)).sha256()
    assert one != PocketWorld(facts=table(tmp_path, *GOOD[1:])).sha256()


@pytest.mark.parametrize(
    ("cell", "countries"),
    [
        ("'France'", ("France",)),
        ("'Germany'_'US'", ("Germany", "US")),
        ("'United_Kingdom'_'New Zealand'", ("United Kingdom", "New Zealand")),
        ("'US'_'US'", ("US",)),
        ("France", ("France",)),
        ("'Côte d'Ivoire'", ("Côte d'Ivoire",)),
        ("''", ()),
        ("", ()),
    ],
)
def test_citizenships_are_read_apart(cell, countries):
    assert citizenships(cell) == countries


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        (HEADER.replace("gender", "gendre"), GOOD, ["no column 'gender'", "did you mean 'gendre'"]),
        (HEADER, [*GOOD, "Person_A,1700,1750,Male,Asia"], ["row 10", "a second 'Person A'"]),
        (HEADER, [*GOOD, ",1700,1750,Male,Asia"], ["row 10", "no name"]),
        (HEADER, [*GOOD, "Zoe,long ago,1750,Male,Asia"], ["row 10", "'birth'", "found 'long ago'"]),
        (HEADER, [*GOOD, "Zoe,nan,1750,Male,Asia"], ["row 10", "'birth'", "found None"]),
        (HEADER, [*GOOD, "Zoe,0,1750,Male,Asia"], ["row 10", "'birth'", "found '0'"]),
        (HEADER, [*GOOD, "Zoe,1700,1750,,Asia"], ["row 10", "'gender'", "found None"]),
        (HEADER, [*GOOD, "Zoe,1700"], ["row 10 has 2 cells, the header 5"]),
        (HEADER, [], ["has no rows"]),
    ],
)
def test_a_bad_table_is_one_line_that_names_what_is_wrong(tmp_path, header, rows, words):
    file = table(tmp_path, *rows, header=header)
    with pytest.raises(SaysoError) as caught:
        people(file, 4)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in [file, *words])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_saved_by_excel_is_read_though_it_begins_with_a_byte_order_mark(tmp_path, encoding):
    file = tmp_path / "mine.csv"
    file.write_text("\r\n".join([HEADER, *GOOD]), encoding=encoding)
    assert people(str(file), 4)[0][0] == "Person A"


def test_a_table_of_people_may_be_any_kind_of_table(tmp_path):
    columns = HEADER.split(",")
    rows = [dict(zip(columns, row.split(","), strict=True)) for row in GOOD]
    (tmp_path / "mine.json").write_text(json.dumps(rows), encoding="utf-8")
    found = people(str(tmp_path / "mine.json"), 4)
    assert found == people(table(tmp_path, *GOOD), 4)


def test_files_that_cannot_be_read_are_errors_of_one_line(tmp_path):
    wrong = tmp_path / "latin.csv"
    wrong.write_bytes("name,gender\nJosé,Male\n".encode("latin-1"))
    with pytest.raises(SaysoError, match="line 2, column 4: found byte 0xe9, which is not UTF-8"):
        people(str(wrong), 2)
    with pytest.raises(SaysoError, match="cannot be read"):
        people(str(tmp_path / "absent.csv"), 2)


def test_a_table_that_has_changed_is_read_anew(tmp_path):
    file = tmp_path / "people.csv"
    for gender in ("Male", "Female"):
        file.write_text(f"name,gender\nAda,{gender}\n", encoding="utf-8")
        assert people(str(file), 1) == (("Ada", {"gender": gender.lower()}),)


@pytest.mark.parametrize("end", [".csv", ".tsv", ".jsonl"])
def test_people_are_known_by_their_columns_in_any_kind_of_table(tmp_path, end):
    file = tmp_path / f"people{end}"
    cells = {"name": "Ada", "gender": "Female", "birth": "1815"}
    sign = "\t" if end == ".tsv" else ";"
    text = json.dumps(cells) if end == ".jsonl" else f"{sign.join(cells)}\n{sign.join(cells.values())}\n"
    file.write_text(text, encoding="utf-8")
    assert holds_people(str(file), 2)
    assert not holds_people(str(file), 3)
