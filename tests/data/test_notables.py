"""The shipped table of real people, checked for what can be checked without a library."""

import csv
import itertools
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.data.notables import Notables
from sayso.data.people import ATTRIBUTES, NOTABLES, people
from sayso.data.published.cvdb import QUESTIONS

ROWS = list(
    csv.DictReader(resources.files("sayso.data").joinpath("notables.csv").read_text(encoding="utf-8").splitlines())
)
#: The CVDB's own columns (cross-verified database of notable people, Laouenan and others 2022).
COLUMNS = [
    *("birth", "death", "gender", "level1_main_occ", "name", "un_subregion", "level2_main_occ", "level3_main_occ"),
    *("string_citizenship_raw_d", "un_region", "bplo1", "dplo1", "bpla1", "dpla1"),
]


def name_of(row: dict[str, str]) -> str:
    return row["name"]


def test_columns_are_the_cvdbs():
    assert list(ROWS[0]) == COLUMNS
    assert all(set(row) == set(COLUMNS) for row in ROWS)


def test_there_are_people_of_all_regions_and_both_sexes():
    assert len(ROWS) >= 120
    assert {row["un_region"] for row in ROWS} == {"Africa", "America", "Asia", "Europe", "Oceania"}
    for sex in ("Female", "Male"):
        assert sum(row["gender"] == sex for row in ROWS) > len(ROWS) / 4


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_person_has_lived_and_every_question_about_them_has_an_answer(row):
    born, died = int(row["birth"]), int(row["death"])
    assert born < died <= 2025
    assert 15 <= died - born <= 110
    assert row["gender"] in ("Female", "Male")
    assert all(row[column].strip() == row[column] != "" for column in COLUMNS)
    assert all(-180 <= float(row[column]) <= 180 for column in ("bplo1", "dplo1"))
    assert all(-90 <= float(row[column]) <= 90 for column in ("bpla1", "dpla1"))
    assert row["string_citizenship_raw_d"].startswith("'")
    answers = dict(people(NOTABLES, len(ATTRIBUTES)))[row["name"].replace("_", " ")]
    assert list(answers) == list(ATTRIBUTES)
    assert all(answer.strip() == answer != "" for answer in answers.values())


def test_names_are_different_and_none_is_inside_another():
    names = [name for name, _ in people(NOTABLES, len(ATTRIBUTES))]
    assert len(set(names)) == len(names) == len(ROWS)
    for one, other in itertools.permutations(names, 2):
        assert one not in other


def test_a_region_belongs_to_its_subregions():
    regions: dict[str, set[str]] = {}
    for row in ROWS:
        regions.setdefault(row["un_subregion"], set()).add(row["un_region"])
    assert {subregion: found for subregion, found in regions.items() if len(found) > 1} == {}


def test_an_occupation_belongs_to_one_field():
    levels = {(row["level3_main_occ"], row["level2_main_occ"]) for row in ROWS}
    fields: dict[str, set[str]] = {}
    for occupation, field in levels:
        fields.setdefault(occupation, set()).add(field)
    assert {occupation: found for occupation, found in fields.items() if len(found) > 1} == {}


def test_no_answer_is_a_persons_name():
    names = {name for name, _ in people(NOTABLES, len(ATTRIBUTES))}
    assert not names & {answer for _, answers in people(NOTABLES, len(ATTRIBUTES)) for answer in answers.values()}


def test_no_two_people_have_all_of_the_papers_six_answers_in_common():
    six = [
        tuple(answers[attribute] for attribute in list(ATTRIBUTES)[:6])
        for _, answers in people(NOTABLES, len(ATTRIBUTES))
    ]
    twins = {one for one in six if six.count(one) > 1}
    assert len(twins) <= len(six) / 50, twins


@given(seed=st.integers(0, 10**6))
def test_people_are_asked_about_in_the_papers_words_and_each_seed_draws_its_own(seed):
    notables = Notables(entities=5)
    found = notables.world(seed, aliases=3, tags=2).entities
    assert len({person.name for person in found}) == 5
    everyone = dict(people(NOTABLES, 6))
    for person in found:
        assert [pair.question for pair in person.questions] == [question for _, _, question in QUESTIONS]
        assert {pair.attribute: pair.answers for pair in person.questions} == {
            word: (answer,) for word, answer in everyone[person.name].items()
        }


def test_the_first_people_can_be_the_same_for_all_seeds():
    fixed = Notables(entities=4, drawn="fixed")
    assert fixed.chosen(1) == fixed.chosen(2) == fixed.first(4)
    assert Notables(entities=4).chosen(1) != Notables(entities=4).chosen(2)
    with pytest.raises(SaysoError, match=r"knowledge.entities is 200, but the table of notables has 168"):
        Notables(entities=200).chosen(1)
