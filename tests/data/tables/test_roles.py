"""Which column is taken for what, where nothing is set."""

from __future__ import annotations

import csv
import json
import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        (["day,who,what", "1815-12-10,A,x", "1816-12-10,B,y"], "who"),
        (["day,who,what", "10.12.1815,A,x", "10.12.1816,B,y"], "who"),
        (["item,country,capital", "http://a/Q1,Land1,Bern", "http://a/Q2,Land2,Rome"], "country"),
        (["item,capital,country", "Q1,Bern,Land1", "Q2,Bern,Land2"], "country"),
        (["value,country,x", "one,Land1,Bern", "two,Land2,Rome"], "country"),
    ],
)
def test_the_column_of_names_is_found_by_what_it_is_called_or_holds(tmp_path, rows, column):
    assert table(tmp_path, rows).taken().names == column


FACTS = ["A,capital,Bern", "B,capital,Rome", "A,speaks,German", "B,speaks,Italian"]


@pytest.mark.parametrize(
    "header", ["country,variable,value", "head,type,tail", "subject,verb,object", "a,b,c", "a,predicate,c"]
)
def test_facts_that_are_not_called_so_are_no_names_and_the_error_says_what_to_set(tmp_path, header):
    with pytest.raises(SaysoError) as caught:
        table(tmp_path, [header, *FACTS]).first()
    (said,) = shlex.split(str(caught.value).rpartition("if a row is a fact, set ")[2])
    path, _, columns = said.partition("=")
    assert (path, json.loads(columns)) == ("knowledge.triples", header.split(","))
    a, b = table(tmp_path, [header, *FACTS], triples=json.loads(columns)).first()
    assert [pair.answers for pair in (*a.questions, *b.questions)] == [("Bern",), ("German",), ("Rome",), ("Italian",)]


@pytest.mark.parametrize(
    "rows",
    [["h,r,t", "1,2,3"], ["h,r,t", "1,2,3", "1,5,6"], ["s,p,o", "A,x,1", "B,y,2"]],
)
def test_letters_that_may_be_short_for_anything_make_no_facts(tmp_path, rows):
    with pytest.raises(SaysoError, match="name") if rows[1] == "1,2,3" else nullcontext():
        assert table(tmp_path, rows).taken().facts is None


def test_a_table_that_is_wrongly_taken_for_facts_can_be_put_right(tmp_path):
    rows = ["subject,relation,object", "A,x,1", "A B,,2"]
    with pytest.raises(SaysoError, match="row 3, column 'relation': no relation; if a row is an entity, set") as caught:
        table(tmp_path, rows).first()
    path, _, column = str(caught.value).rpartition("set ")[2].partition("=")
    assert path == "knowledge.name_column"
    assert len(table(tmp_path, rows, name_column=column).first()) == 2
    with pytest.raises(SaysoError) as caught:
        table(tmp_path, rows, triples=("subject", "relation", "object")).first()
    assert "name_column" not in str(caught.value)


def test_where_every_column_has_gaps_or_repeats_none_is_advised(tmp_path):
    with pytest.raises(SaysoError) as caught:
        table(tmp_path, ["a,b,c,d", "x,1,u,", "x,1,v,2", "y,2,v,2"]).first()
    assert "name_column" not in str(caught.value)
    assert "set knowledge.triples" in str(caught.value)


def test_a_column_of_addresses_is_left_out_and_that_is_said(tmp_path):
    rows = ["itemLabel,item,capital", "Land1,http://www.wikidata.org/entity/Q1,Bern", "Land2,https://b/Q2,Rome"]
    taken = table(tmp_path, rows).taken()
    assert [item.what for item in taken.asked] == ["capital"]
    assert taken.left_out == (("item", "holds addresses"),)
    asked = table(tmp_path, rows, questions={"item": "Where is [X] on the web?"}).taken().asked
    assert [item.what for item in asked] == ["item"]


@pytest.mark.parametrize(
    "rows",
    [
        ["name,birth_place,birth place", "Ada,London,Paris", "Bo,Oslo,"],
        ["name,Birth place,birth place", "Ada,London,Paris", "Bo,Oslo,Rome"],
        ["name,/a/birthPlace,http://b/property/birthPlace", "Ada,London,Paris", "Bo,Oslo,Rome"],
        ["subject,relation,object", "Ada,birth_place,London", "Bo,birth place,Oslo"],
        ["subject,relation,object", "Ada,http://a/ontology/birth,London", "Ada,http://a/property/birth,Oslo"],
    ],
)
def test_two_columns_or_relations_with_one_question_are_refused_by_name(tmp_path, rows):
    with pytest.raises(
        SaysoError, match=r"mine.csv: '\S*[Bb]irth.*' and '\S*birth.*' are both asked about as 'What is the"
    ):
        table(tmp_path, rows).first()


def test_two_columns_of_one_question_of_which_one_is_empty_are_no_error(tmp_path):
    assert len(table(tmp_path, ["name,birth_place,birth place", "Ada,London,", "Bo,Oslo,"]).first()) == 2


@given(st.text("[X]_/# ab", max_size=12))
def test_a_question_has_one_place_for_a_name_whatever_is_asked(what):
    assert default_question(what).count("[X]") == 1


@pytest.mark.parametrize("unseen", ["\u200b", "\u200f", "\ufeff"])
def test_names_that_differ_in_what_is_not_seen_are_one_and_the_error_shows_it(tmp_path, unseen):
    with pytest.raises(SaysoError) as caught:
        table(tmp_path, ["name,b", "Ada Lee,x", f"Ada {unseen}Lee,y"]).first()
    assert f"a second {f'Ada {unseen}Lee'!a} (the first 'Ada Lee' is in row 2)" in str(caught.value)
    with pytest.raises(SaysoError, match="row 3, column 'name': no name"):
        table(tmp_path, ["name,b", "Ada Lee,x", f"{unseen},y"]).first()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["a,b", "1,x", "2,x"], ["no column seems to hold the names", "knowledge.name_column", "one of: a"]),
        (["label,b", "x,y", "x,z"], ["row 3: a second 'x'", "knowledge.name_column"]),
        (["b,name", "x,A", "y,a"], ["row 3: a second 'a' (the first 'A' is in row 2)"]),
        (["index,name", "0,A", "1,B"], ["no column besides 'name'", "index numbers the rows"]),
        (
            ["name,site", "A,http://a", "B,http://b"],
            ["no column besides 'name'", "site holds addresses; knowledge.questions can ask"],
        ),
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
