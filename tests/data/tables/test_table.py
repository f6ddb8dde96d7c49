from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sayso.core.errors import SaysoError
from sayso.core.examples import QAPair
from sayso.data.tables.table import Table


def table(folder: Path, text: str, **settings: Any) -> Table:
    file = folder / "mine.csv"
    file.write_text(text, encoding="utf-8")
    return Table(file=str(file), **settings)


def refused(knowledge: Table) -> str:
    with pytest.raises(SaysoError) as caught:
        knowledge.world(0, 1, 1)
    message = str(caught.value)
    assert "\n" not in message
    assert knowledge.file in message
    return message


TWO = "name,birth_place,job\nAda,London,writer;countess\nBo,Oslo,cook\n"


def test_every_column_is_a_question_where_none_is_given(tmp_path):
    ada, bo = table(tmp_path, TWO).first()
    assert (ada.name, bo.name) == ("Ada", "Bo")
    assert ada.questions == (
        QAPair("birth_place", "What is the birth place of [X]?", ("London",)),
        QAPair("job", "What is the job of [X]?", ("writer", "countess")),
    )


def test_given_questions_are_asked_in_their_order_and_no_others(tmp_path):
    questions = {"job": "What does [X] do?"}
    ada, _ = table(tmp_path, TWO, questions=questions).first()
    assert ada.questions == (QAPair("job", "What does [X] do?", ("writer", "countess")),)


def test_another_column_can_hold_the_names_and_another_sign_can_stand_between_answers(tmp_path):
    ada, _ = table(tmp_path, TWO.replace(";", " | "), name_column="job", separator=None).first()
    assert ada.name == "writer | countess"
    ada, _ = table(tmp_path, TWO.replace(";", " | "), separator="|").first()
    assert ada.questions[1].answers == ("writer", "countess")
    ada, _ = table(tmp_path, TWO, separator=None).first()
    assert ada.questions[1].answers == ("writer;countess",)


def test_items_of_a_list_are_answers_as_they_are(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"name": "A", "b": ["x;y", "z"]}\n', encoding="utf-8")
    assert Table(file=str(file)).first()[0].questions[0].answers == ("x;y", "z")


@pytest.mark.parametrize("empty", ["", "NaN", "nan", " ", ";"])
def test_an_answer_that_is_missing_is_an_error_or_a_question_left_out(tmp_path, empty):
    text = TWO.replace("London", empty)
    message = refused(table(tmp_path, text, missing="error"))
    assert "row 2, column 'birth_place': no answer" in message
    assert "knowledge.missing=skip" in message
    ada, bo = table(tmp_path, text).first()
    assert [pair.attribute for pair in ada.questions] == ["job"]
    assert len(bo.questions) == 2


def test_an_entity_without_any_answer_is_left_out_and_counted(tmp_path):
    knowledge = table(tmp_path, "name,a,b\nAda,,x\nBo,,NaN\n")
    assert [entity.name for entity in knowledge.first()] == ["Ada"]
    taken = knowledge.taken()
    assert (taken.entities, taken.rows, taken.unasked) == (1, 2, 1)
    assert [(item.what, item.gaps) for item in taken.asked] == [("b", 1)]
    assert taken.left_out == (("a", "has no answers"),)
    assert "not one question has an answer" in refused(table(tmp_path, "name,a\nAda,-\n", gaps=["-"]))


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        (TWO, {"name_column": "nmae"}, ["no column 'nmae'", "did you mean 'name'"]),
        (TWO, {"questions": {"jobs": "What does [X] do?"}}, ["no column 'jobs'", "did you mean 'job'"]),
        ("name\nAda\n", {}, ["no column besides 'name'"]),
        ("name,job\n", {}, ["has no rows"]),
        ("", {}, ["has no rows"]),
        ("name,job\n,\n", {}, ["has no rows"]),
        (TWO + ",Rome,cook\n", {}, ["row 4", "no name"]),
        (TWO + "Ada,Rome,cook\n", {}, ["row 4", "a second 'Ada'", "row 2"]),
        (TWO + "ADA,Rome,cook\n", {}, ["row 4", "a second 'ADA'", "row 2"]),
        (
            TWO + "Ada Lee,Rome,cook\n",
            {"inside": "error"},
            ["row 4", "'Ada Lee' contains 'Ada' of row 2", "knowledge.inside=allow"],
        ),
        (TWO, {"entities": 3}, ["knowledge.entities is 3", "has 2"]),
    ],
)
def test_a_bad_table_is_one_line_that_names_what_is_wrong(tmp_path, text, settings, words):
    message = refused(table(tmp_path, text, **settings))
    assert all(word in message for word in words), message


def test_a_name_inside_another_is_allowed_and_told_of(tmp_path):
    knowledge = table(tmp_path, TWO + "Ada Lee,Rome,cook\n")
    assert (knowledge.taken().inside, knowledge.taken().example) == (1, ("Ada Lee", "Ada"))
    assert [entity.name for entity in knowledge.world(0, 3, 1).entities] == ["Ada", "Bo", "Ada Lee"]


@pytest.mark.parametrize(
    "settings",
    [
        {"file": "facts.doc"},
        {"file": "a.csv", "encoding": "utf8-ish"},
        {"file": "a.csv", "encoding": "base64"},
        {"file": "a.csv", "delimiter": "::"},
        {"file": "a.csv", "name_column": "a", "triples": ("b", "c", "d")},
        {"file": "a.csv", "questions": {"job": "What does X do?"}},
        {"file": "a.csv", "columns": 1},
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings):
    with pytest.raises(ValidationError):
        Table(**settings)


def test_what_stands_for_a_missing_answer_is_a_setting_and_a_name_is_never_missing(tmp_path):
    text = "name,spouse,code\nNone,Ada,NA\nNULL,N/A,NO\n"
    one, other = table(tmp_path, text, missing="skip").first()
    assert (one.name, other.name) == ("None", "NULL")
    assert [pair.answers for entity in (one, other) for pair in entity.questions] == [("Ada",), ("NO",)]
    one, other = table(tmp_path, text, gaps=["Ada"], missing="skip").first()
    assert [pair.answers for entity in (one, other) for pair in entity.questions] == [("NA",), ("N/A",), ("NO",)]


@pytest.mark.parametrize(
    "cell",
    [
        '"[""cook"", ""head cook""]"',
        *(
            "\"['cook', 'head cook']\"",
            "['cook' 'head cook']",
            "\"('cook', 'head cook')\"",
            "\"['cook', 'head cook', nan]\"",
        ),
    ],
)
@pytest.mark.parametrize("separator", [";", None])
def test_a_list_written_in_a_cell_is_several_answers(tmp_path, cell, separator):
    (ada,) = table(tmp_path, f"name,job\nAda,{cell}\n", separator=separator).first()
    assert ada.questions[0].answers == ("cook", "head cook")


def test_an_object_written_in_a_cell_is_refused_with_row_and_column(tmp_path):
    assert "row 2, column 'job': holds an object" in refused(table(tmp_path, "name,job\nAda,\"{'a': 1}\"\n"))


def test_what_may_be_a_list_is_refused_with_row_and_column(tmp_path):
    assert "row 2, column 'job': holds what may be a list" in refused(table(tmp_path, 'name,job\nAda,"[cook, maid]"\n'))


def test_answers_of_one_cell_are_cleaned_as_those_of_a_list(tmp_path):
    text = "name,a,b,c,d\nAda,N/A; cook,1.0;2.0,true;false,NA;NaN\n"
    (ada,) = table(tmp_path, text).first()
    assert [pair.answers for pair in ada.questions] == [("cook",), ("1", "2"), ("True", "False")]


def test_blanks_within_names_and_answers_are_one(tmp_path):
    (ada,) = table(tmp_path, 'name,job\n"Ada\n Lovelace","head  cook ; cook"\n').first()
    assert (ada.name, ada.questions[0].answers) == ("Ada Lovelace", ("head cook", "cook"))


@pytest.mark.parametrize(
    ("cell", "answers"),
    [
        ("N/A; cook", ("cook",)),
        ("1.0;2.0", ("1", "2")),
        ("true;false", ("True", "False")),
        ("NaN;null", None),
        ("1815-12-10T00:00:00;x", ("1815-12-10", "x")),
    ],
)
def test_parts_of_a_cell_are_answers_as_items_of_a_list_are(tmp_path, cell, answers):
    ada, *_ = table(tmp_path, f"name,job,x\nAda,{cell},1\nBo,cook,2\n").first()
    listed = ",".join(f'""{part}""' for part in cell.split(";"))
    assert ada == table(tmp_path, f'name,job,x\nAda,"[{listed}]",1\nBo,cook,2\n').first()[0]
    assert {pair.attribute: pair.answers for pair in ada.questions}.get("job") == answers


def test_where_cells_were_cut_is_told(tmp_path):
    text = 'name,motto,job,x\nAda,I came; I saw,"[""a"", ""b;c""]",1\nBo,none,cook,2\n'
    taken = table(tmp_path, text).taken()
    assert [(item.what, item.several, item.cut) for item in taken.asked] == [
        *(("motto", 1, ";"), ("job", 1, None), ("x", 0, None))
    ]
    facts = "subject,relation,object\nA,motto,I came; I saw\nA,job,cook\nA,job,poet\n"
    taken = table(tmp_path, facts).taken()
    assert [(item.what, item.several, item.cut) for item in taken.asked] == [("motto", 1, ";"), ("job", 1, None)]


@pytest.mark.parametrize(
    ("setting", "value", "taken"),
    [
        ("name_column", 2020, "2020"),
        ("name_column", True, "true"),
        ("name_column", 1.5, "1.5"),
        ("name_column", None, None),
        ("sheet", 2, "2"),
        ("separator", 0, "0"),
        ("separator", None, None),
        ("gaps", "x", ("x",)),
        ("gaps", 0, ("0",)),
        ("gaps", [0, "x"], ("0", "x")),
        ("gaps", None, None),
        ("triples", [1, "a", 2], ("1", "a", "2")),
        ("encoding", 1252, "cp1252"),
        ("delimiter", "tab", "\t"),
        ("delimiter", "\\t", "\t"),
        ("delimiter", "Comma", ","),
        ("delimiter", "semicolon", ";"),
        ("delimiter", "bar", "|"),
        ("delimiter", 0, "0"),
    ],
)
def test_settings_that_json_takes_for_something_else_than_text(setting, value, taken):
    assert getattr(Table(file="a.csv", **{setting: value}), setting) == taken


def test_two_columns_cannot_be_given_one_question(tmp_path):
    questions = {"birth_place": "Where is [X]?", "job": "where is [X]?"}
    assert "'birth_place' and 'job' are both asked about as" in refused(table(tmp_path, TWO, questions=questions))
