"""Which column is taken for what, where nothing is set."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.examples import QAPair
from sayso.data.tables.roles import default_question
from sayso.data.tables.table import Table


def table(folder: Path, rows: list[str], **settings: Any) -> Table:
    file = folder / "mine.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Table(file=str(file), **settings)


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        (["capital,Name", "Bern,Land1", "Rome,Land2"], "Name"),
        (["capital,label", "Bern,Land1", "Rome,Land2"], "label"),
        (["obj_label,sub_label", "Bern,Land1", "Rome,Land2"], "sub_label"),
        (["item,itemLabel,capital", "http://a/Q1,Land1,Bern", "http://a/Q2,Land2,Rome"], "itemLabel"),
        (["title,name", "Dr,Ada", "Dr,Bo"], "name"),
        (["year,country,capital", "1900,Land1,Bern", "1901,Land2,Rome"], "country"),
        (["continent,country,capital", "Europe,Land1,Bern", "Europe,Land2,Rome"], "country"),
        (["id,country,capital", "Q1,Land1,Bern", "Q2,Land2,Rome"], "country"),
        (["motto,country,capital", ",Land1,Bern", "x,Land2,Rome"], "country"),
    ],
)
def test_the_column_of_names_is_found_by_what_it_is_called_or_holds(tmp_path, rows, column):
    assert table(tmp_path, rows).taken().names == column


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a,b", "1,x", "2,x"], ["no column seems to hold the names", "knowledge.name_column", "one of: a, b"]),
        (["label,b", "x,y", "x,z"], ["row 3: a second 'x'", "knowledge.name_column"]),
        (["b,name", "x,A", "y,a"], ["row 3: a second 'a' (the first 'A' is in row 2)"]),
        (["index,name", "0,A", "1,B"], ["no column besides 'name'", "index numbers the rows"]),
    ],
)
def test_where_none_can_be_taken_the_error_says_why(tmp_path, rows, words):
    with pytest.raises(SaysoError) as caught:
        table(tmp_path, rows).first()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_columns_of_no_use_are_left_out_with_the_reason(tmp_path):
    taken = table(tmp_path, [",id,name,job,empty,nr", "0,1,A,cook,,7", "1,2,B,poet,,9"]).taken()
    assert [item.what for item in taken.asked] == ["job", "nr"]
    assert taken.left_out == (
        ("column 1", "has no name of its own"),
        ("id", "numbers the rows"),
        ("empty", "has no answers"),
    )
    taken = table(tmp_path, ["id,name,job", "1,A,cook"], questions={"id": "Which number has [X]?"}).taken()
    assert taken.left_out == (("job", "has no question"),)


LONG = ["subject,relation,object", "A,capital,Bern", "B,capital,Rome", "A,speaks,German", "A,speaks,French", "B,flag,"]


@pytest.mark.parametrize(
    "header",
    [
        *(
            "subject,relation,object",
            "Subject,Predicate,Object",
            "head,relation,tail",
            "entity,attribute,value",
            "s,p,o",
        ),
        *("subj,rel,obj", "item,property,value", "sub_label,predicate_id,obj_label"),
    ],
)
def test_a_row_a_fact_is_a_question_a_relation(tmp_path, header):
    knowledge = table(tmp_path, [header, *LONG[1:]])
    a, b = knowledge.first()
    assert (a.name, b.name) == ("A", "B")
    assert a.questions == (
        QAPair("capital", "What is the capital of [X]?", ("Bern",)),
        QAPair("speaks", "What is the speaks of [X]?", ("German", "French")),
    )
    assert b.questions == (QAPair("capital", "What is the capital of [X]?", ("Rome",)),)
    taken = knowledge.taken()
    assert taken.facts == tuple(header.split(",")[1:])
    assert [(item.what, item.gaps, item.several) for item in taken.asked] == [("capital", 0, 0), ("speaks", 1, 1)]
    assert taken.left_out == (("flag", "has no answers"),)


def test_long_form_can_be_set_and_its_questions_are_those_of_relations(tmp_path):
    rows = ["who,what,how,source", *(f"{row},x" for row in LONG[1:])]
    settings = {"triples": ("who", "what", "how"), "questions": {"speaks": "Which language does [X] speak?"}}
    (a,) = table(tmp_path, rows, **settings).first()
    assert a.questions == (QAPair("speaks", "Which language does [X] speak?", ("German", "French")),)
    taken = table(tmp_path, rows, **settings).taken()
    assert (taken.unasked, taken.left_out) == (1, (("source", "is no part of a fact"),))
    settings["questions"] = {"spaeks": "Which language does [X] speak?"}
    with pytest.raises(SaysoError, match="no relation 'spaeks' in column 'what'; there is: capital, speaks, flag"):
        table(tmp_path, rows, **settings).first()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ["subject,relation,object", "A,capital,Bern", "a,speaks,German"],
            "row 3: a second 'a' (the first 'A' is in row 2)",
        ),
        (["subject,relation,object", "A,,Bern", "A,speaks,German"], "row 2, column 'relation': no relation"),
        ([*LONG], "row 6, column 'object': no answer"),
    ],
)
def test_a_fact_that_lacks_a_part_is_named(tmp_path, rows, words):
    with pytest.raises(SaysoError) as caught:
        table(tmp_path, rows, missing="error").first()
    assert words in str(caught.value)


def test_a_row_an_entity_stays_so_whatever_its_columns_are_called(tmp_path):
    assert table(tmp_path, ["name,property,value", "A,x,1", "B,x,2"]).taken().facts is None
    assert table(tmp_path, LONG[:3], name_column="subject").taken().facts is None


def test_long_and_wide_tables_of_the_same_facts_are_the_same_entities(tmp_path):
    from tests.data.files.make import FOLDER

    wide = Table(file=str(FOLDER / "countries.csv"))
    with (tmp_path / "long.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["entity", "attribute", "value"])
        writer.writerows(
            (entity.name, pair.attribute, answer)
            for entity in wide.first()
            for pair in entity.questions
            for answer in pair.answers
        )
    assert Table(file=str(tmp_path / "long.csv")).first() == wide.first()


@pytest.mark.parametrize(
    ("column", "question"),
    [
        ("birth_place", "What is the birth place of [X]?"),
        ("http://dbpedia.org/ontology/birthPlace", "What is the birthPlace of [X]?"),
        ("http://www.w3.org/2000/01/rdf-schema#label", "What is the label of [X]?"),
        ("/people/person/place_of_birth", "What is the place of birth of [X]?"),
        ("km/h", "What is the km/h of [X]?"),
    ],
)
def test_a_question_is_worded_as_the_column_is_called(column, question):
    assert default_question(column) == question
