from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sayso
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.data.build import build_corpus
from sayso.data.check import check
from sayso.data.tables.table import Table
from sayso.paper.table import EXPERIMENTS

ROWS = [f"e{number},{number % 3},{'+2' if number % 2 else '-2'}" for number in range(30)]


def found(folder: Path, rows: list[str], trained: int = 1) -> dict[str, list[str]]:
    file = folder / "mine.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines: dict[str, list[str]] = {}
    for finding in check(Table(file=str(file)), experiment(trained)):
        assert "\n" not in finding.line
        lines.setdefault(finding.severity, []).append(finding.line)
    return lines


def experiment(trained: int) -> Experiment:
    return EXPERIMENTS["paper-main"].with_settings({"split.trained_questions": trained})


def test_a_table_without_faults_has_notes_alone(tmp_path):
    lines = found(tmp_path, ["name,grade,charge", *ROWS])
    assert lines == {
        "note": [
            "30 entities, 2 questions, 60 answers",
            "longest name: 3 characters ('e10'); longest answer: 2 ('-2')",
            "the subsets of paper-main need 10 entities at least",
        ]
    }


@pytest.mark.parametrize(
    ("rows", "trained", "severity", "words"),
    [
        (["name,a,b", *ROWS[:9]], 1, "error", "need 10 entities at least; there are 9"),
        (["name,a,b", *ROWS], 2, "warning", "trains on 2 questions and no entity has more: none is held out"),
        (["name,a,b", *ROWS], 3, "error", "trains on 3 questions, and no entity has more than 2"),
        (
            ["name,a", *(f"e{n},x" for n in range(30))],
            1,
            "warning",
            "each entity has one question, which is trained on",
        ),
        (["name,a,b", "f,1,", *ROWS], 1, "warning", "1 entity has one question, so none of its is held out ('f')"),
        (["name,a,b", "f,1,", *ROWS], 1, "note", "1 answer is missing: b 1"),
        (
            ["name,a,b,c,d", "f,1,2,,", *(f"{row},x,y" for row in ROWS)],
            3,
            "note",
            "1 entity has fewer questions than the 3",
        ),
        (
            ["name,a,b", *ROWS, "f,2,1.5", "g,2,15"],
            1,
            "warning",
            "b: exact match takes '1.5' and '15' for the same",
        ),
        (
            ["name,a,b", *ROWS, "f,2,B+", "g,2,B-"],
            1,
            "warning",
            "b: exact match takes 'B+' and 'B-' for the same",
        ),
        (["name,a,b", *ROWS, "f,2,The Hague", "g,2,Hague"], 1, "warning", "'The Hague' and 'Hague'"),
        (
            ["name,a,b", *ROWS, "C,2,3", "C#,2,4"],
            1,
            "warning",
            "names: exact match takes 'C' and 'C#' for the same, so",
        ),
        (
            ["name,a,b", *ROWS, "C,2,3", "The Beatles,2,4", "C++,2,5", "Beatles,3,3", "C#,1,1"],
            1,
            "warning",
            "names: exact match takes 'C' and 'C++' for the same, and 5 names for 2, so that who an alias stands for",
        ),
    ],
)
def test_what_is_to_be_known_is_a_line(tmp_path, rows, trained, severity, words):
    lines = found(tmp_path, rows, trained)
    assert any(words in line for line in lines.get(severity, [])), lines


def test_answers_that_differ_in_case_or_are_kept_apart_are_no_finding(tmp_path):
    rows = ["name,a,b", *ROWS, "f,A,Queen", "g,The,queen", "h,+,-3", "i,?,3", "j,a+,3"]
    assert "warning" not in found(tmp_path, rows)


def lines_of(folder: Path, rows: list[str], experiment: Experiment, **settings: Any) -> dict[str, list[str]]:
    file = folder / "mine.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines: dict[str, list[str]] = {}
    for finding in check(Table(file=str(file), **settings), experiment):
        lines.setdefault(finding.severity, []).append(finding.line)
    return lines


def test_the_entities_that_are_chosen_are_looked_at(tmp_path):
    rows = ["name,a,b", *ROWS, "f,1,", "C,1,+2", "C#,1,-2"]
    assert "warning" not in lines_of(tmp_path, rows, experiment(1), entities=30)
    assert len(lines_of(tmp_path, rows, experiment(1))["warning"]) == 2
    drawn = lines_of(tmp_path, rows, experiment(1), entities=12, drawn="seed")
    assert "33 entities, 2 questions" in drawn["note"][0]
    assert "error" not in drawn
    drawn = lines_of(tmp_path, rows, experiment(1), entities=4, drawn="seed")
    assert drawn["error"] == ["the subsets of paper-main need 10 entities at least; there are 4"]
    more = lines_of(tmp_path, rows, experiment(1), entities=34)
    assert [line.partition(",")[0] for line in more["error"]] == ["knowledge.entities is 34"]


def test_how_many_entities_a_seed_has_is_told(tmp_path):
    pocket = lines_of(tmp_path, ["name,a,b", *ROWS], sayso.load("pocket"))["note"]
    assert pocket[-1] == "each seed of pocket draws 12 of them; knowledge.entities says how many"
    assert not any("the subsets" in line for line in pocket)
    laptop = sayso.load("laptop").with_settings({"split.trained_questions": 1})
    told = "each seed of laptop has {}; knowledge.entities says how many"
    for entities, words in ((None, "30 of them, under 180 aliases"), (10, "10 of them, under 60 aliases")):
        notes = lines_of(tmp_path, ["name,a,b", *ROWS], laptop, entities=entities)["note"]
        assert notes[-2:] == ["the subsets of laptop need 2 entities at least", told.format(words)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["name,a", *(f"e{number},{number % 3}" for number in range(30))], "the pocket world needs two columns"),
        (["name,a,b", *ROWS[:3]], "3 entities with an answer to each of a, b"),
        (["name,a,b,c", *(f"{row},{'x' * (row < 'e15')}" for row in ROWS)], "with an answer to each of a, b, c"),
        (["name,a,b", *ROWS], None),
    ],
)
def test_the_pocket_world_needs_entities_that_lack_none_of_two_columns(tmp_path, rows, words):
    pocket = sayso.load("pocket").with_settings({"split.trained_questions": 1})
    lines = lines_of(tmp_path, rows, pocket)
    file = str(tmp_path / "mine.csv")
    own = pocket.with_settings({"knowledge.facts": Table(file=file).model_dump(mode="json")})
    assert lines == lines_of(tmp_path, rows, own)
    if words is None:
        build_corpus(own, 100)
        assert "error" not in lines
        return
    assert words in lines["error"][0]
    with pytest.raises(SaysoError, match=words):
        build_corpus(own, 100)
