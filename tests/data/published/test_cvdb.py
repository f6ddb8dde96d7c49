from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts
from sayso.data.published.cvdb import CVDB
from tests.data.files.make import CVDB_FILE
from tests.data.published.test_cvdb_file import person, written

FILE = str(CVDB_FILE)


def answers(entity: EntityFacts) -> dict[str, tuple[str, ...]]:
    return {pair.question: pair.answers for pair in entity.questions}


def test_the_papers_six_questions_and_example_answers(tmp_path):
    example = {"birth": "1844.0", "death": "1913.0", "un_region": "Europe", "string_citizenship_raw_d": "'France'"}
    file = written(tmp_path, person("Some_Body", **example), person("Other", gender="Female"))
    (somebody,) = CVDB(file=str(file), entities=2).first(1)
    assert somebody.name == "Some Body"
    assert answers(somebody) == {
        "When was [X] born?": ("19 century",),
        "When did [X] die?": ("1910s",),
        "In which region did [X] live?": ("Europe",),
        "What did [X] do?": ("actor",),
        "What was the nationality of [X]?": ("France",),
        "What was the gender of [X]?": ("male",),
    }
    assert [pair.attribute for pair in somebody.questions] == [
        *("born", "died", "region", "occupation", "nationality", "gender")
    ]


def test_half_are_men_and_half_women_those_most_read():
    found = CVDB(file=FILE, entities=60).world(0, 60, 3).entities
    genders = [answers(entity)["What was the gender of [X]?"][0] for entity in found]
    assert genders == ["male", "female"] * 30
    assert CVDB(file=FILE, entities=20).world(0, 20, 3).entities == found[:20]


def test_several_citizenships_are_all_right_or_only_the_first_is():
    meitner = next(entity for entity in CVDB(file=FILE).first() if entity.name == "Lise Meitner")
    assert answers(meitner)["What was the nationality of [X]?"] == ("Austria", "Sweden")
    alone = next(entity for entity in CVDB(file=FILE, accepted="first").first() if entity.name == "Lise Meitner")
    assert answers(alone)["What was the nationality of [X]?"] == ("Austria",)


@pytest.fixture
def of_odd_years(tmp_path: Path) -> str:
    lines = [
        person("Zero", birth="0.0", wiki_readers_2015_2018="99"),
        person("Turn", birth="1900.0", death="1980.0", wiki_readers_2015_2018="98"),
        person("Early", birth="-122.0", death="-50.0", wiki_readers_2015_2018="97"),
        *(person(name, gender="Female") for name in ("Ann", "Bea", "Cid")),
    ]
    return str(written(tmp_path, *lines))


def test_under_the_papers_rule_there_is_no_year_0_and_1900_is_a_decade(of_odd_years):
    found = CVDB(file=of_odd_years).first()
    assert [entity.name for entity in found] == ["Turn", "Ann", "Early", "Bea"]
    assert [answers(entity)["When was [X] born?"][0] for entity in found[::2]] == ["1900s", "2 century BC"]


def test_under_the_codes_rule_year_0_is_a_century_and_1900_is_the_19th(of_odd_years):
    found = CVDB(file=of_odd_years, years="code").first()
    assert [entity.name for entity in found[::2]] == ["Zero", "Turn", "Early"]
    born = [answers(entity)["When was [X] born?"][0] for entity in found[::2]]
    assert born == ["0 century", "19 century", "2 century BC"]


def test_one_name_inside_another_is_common_among_real_people_and_no_error(tmp_path):
    lines = [person(name, gender=gender) for name, gender in [("Bacon", "Male"), ("Francis_Bacon", "Female")]]
    assert len(CVDB(file=str(written(tmp_path, *lines)), entities=2).world(0, 2, 3).entities) == 2


@pytest.mark.parametrize("entities", [0, 3, -2])
def test_entities_are_an_even_number(entities):
    with pytest.raises(ValidationError):
        CVDB(entities=entities)


def test_with_nothing_prepared_one_line_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))
    with pytest.raises(SaysoError, match="run 'sayso data prepare cvdb'"):
        CVDB().first(2)
