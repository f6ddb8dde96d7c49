from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.data.published.trex import PREDICATES, TABLE_2, TREx
from tests.data.files.make import TREX_FILE
from tests.data.published.test_trex_file import BOOK, document, written

FILE = str(TREX_FILE)


def told(folder: Path, *triples: tuple[str, str, str]) -> str:
    return str(written(folder, {"re-nlg_0-1.json": json.dumps([document(*triples)])}))


def answers(folder: Path, *triples: tuple[str, str, str], **settings: object) -> dict[str, tuple[str, ...]]:
    """Answers by attribute of the one work told of."""
    (work,) = TREx(file=told(folder, *triples), entities=None, **settings).first()
    return {pair.attribute: pair.answers for pair in work.questions}


def test_table_2_has_26_predicates_and_24_questions():
    assert len(TABLE_2) == len(PREDICATES["paper"]) == 26
    assert len({item.question for item in TABLE_2}) == 24
    assert all("[X]" in item.question for item in TABLE_2)
    people = {item.id for item in TABLE_2 if item.kind == "person"}
    assert people == {item.id for item in TABLE_2 if item.question.startswith("First name")}
    assert [item.id for item in TABLE_2 if item.kind == "year"] == ["P577"]


def test_the_codes_predicates_differ_in_three():
    assert PREDICATES["paper"].keys() - PREDICATES["code"].keys() == {"P161", "P88"}
    assert PREDICATES["code"].keys() - PREDICATES["paper"].keys() == {"P31"}


def test_people_are_asked_for_by_first_name_and_years_are_told_as_decade_or_century(tmp_path):
    assert answers(tmp_path, *BOOK) == {
        "author": ("Ann",),
        "released": ("1920s",),
        "genre": ("satire",),
        "setting": ("Rome",),
    }


def test_several_answers_to_one_question_are_all_right_the_first_told_first(tmp_path):
    more = [("Book", "P50", "Zoe Why"), ("Book", "P50", "Ann Other"), ("Book", "P136", "epic (poem)")]
    found = answers(tmp_path, *BOOK, *more)
    assert found["author"] == ("Ann", "Zoe")
    assert found["genre"] == ("satire", "epic")
    assert answers(tmp_path, *BOOK, *more, accepted="first")["author"] == ("Ann",)


def test_predicates_with_the_same_question_are_one_question(tmp_path):
    languages = [("Book", "P407", "Latin"), ("Book", "P364", "Greek")]
    found = answers(tmp_path, *languages, *BOOK)
    assert found["language"] == ("Latin", "Greek")
    assert len(found) == 4


def test_a_person_of_one_word_is_no_answer_unless_kept(tmp_path):
    triples = [*BOOK, ("Book", "P57", "Madonna")]
    assert "director" not in answers(tmp_path, *triples, questions="code")
    assert answers(tmp_path, *triples, questions="code", one_word_people="keep")["director"] == ("Madonna",)


@pytest.mark.parametrize(
    ("date", "answer"),
    [("1851", "19 century"), ("18 October 1851", "19 century"), ("in 2004", "2004"), ("1900", "1900s")],
)
def test_dates_give_their_year(tmp_path, date, answer):
    triples = [*BOOK[:1], ("Book", "P577", date), *BOOK[2:]]
    assert answers(tmp_path, *triples)["released"] == (answer,)


@pytest.mark.parametrize("date", ["the spring", "12345", "May 25", "'98"])
def test_a_date_without_a_year_is_no_answer(tmp_path, date):
    assert answers(tmp_path, ("Book", "P577", date), *BOOK)["released"] == ("1920s",)


def test_the_codes_rule_for_1900(tmp_path):
    triples = [*BOOK[:1], ("Book", "P577", "1900"), *BOOK[2:]]
    assert answers(tmp_path, *triples, years="code")["released"] == ("19 century",)


def test_four_questions_are_kept_or_all_and_fewer_than_four_are_too_few(tmp_path):
    more = [("Book", "P123", "Nobody"), ("Few", "P50", "Ann Bee"), ("Few", "P136", "satire"), ("Few", "P840", "Rome")]
    assert list(answers(tmp_path, *BOOK, *more)) == ["author", "released", "genre", "setting"]
    assert list(answers(tmp_path, *BOOK, *more, questions="code"))[4:] == ["publisher"]


def test_a_work_that_has_four_only_in_the_code_is_left_out_in_the_paper(tmp_path):
    file = told(tmp_path, *BOOK, *[("Film", "P31", "film"), ("Film", "P577", "1999")], *[
        ("Film", "P136", "drama"), ("Film", "P915", "Rome")])  # fmt: skip
    assert [work.name for work in TREx(file=file).first()] == ["Book"]
    assert [work.name for work in TREx(file=file, predicates="code").first()] == ["Book", "Film"]


def test_the_shipped_works_are_many_and_have_four_questions_each():
    found = TREx(file=FILE, entities=80).world(0, 80, 3).entities
    assert len({work.name for work in found}) == 80
    assert {len(work.questions) for work in found} == {4}
    assert "He" not in {work.name for work in TREx(file=FILE).first()}


def test_with_nothing_prepared_one_line_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))
    with pytest.raises(SaysoError, match="run 'sayso data prepare trex'"):
        TREx().first(2)
