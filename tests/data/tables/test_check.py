from __future__ import annotations

from pathlib import Path

import pytest

from sayso.core.experiment import Experiment
from sayso.data.tables.check import check
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
    ],
)
def test_what_is_to_be_known_is_a_line(tmp_path, rows, trained, severity, words):
    lines = found(tmp_path, rows, trained)
    assert any(words in line for line in lines.get(severity, [])), lines


def test_answers_that_differ_in_case_or_are_kept_apart_are_no_finding(tmp_path):
    rows = ["name,a,b", *ROWS, "f,A,Queen", "g,The,queen", "h,+,-3", "i,?,3", "j,a+,3"]
    assert "warning" not in found(tmp_path, rows)
