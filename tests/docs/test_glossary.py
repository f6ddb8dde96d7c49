"""The glossary of the guide says what the pages of a report say."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.report.glossary import MEASURES, WORDS, subsets_of_the_paper

TEXT = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split()).lower()
TERMS = [line.removeprefix("### ") for line in TEXT.splitlines() if line.startswith("### ")]


@pytest.mark.parametrize(("name", "meaning"), [*WORDS, *MEASURES], ids=lambda text: text.split()[0])
def test_words_of_a_report_are_explained_in_its_words(name: str, meaning: str) -> None:
    assert name in TERMS
    assert meaning.lower() in FLAT


def test_subsets_are_explained_in_the_words_of_a_report() -> None:
    rows = [f"| {name} | {meaning} |" for name, meaning in subsets_of_the_paper()]
    assert [row for row in rows if row not in TEXT] == []
    assert len(rows) == 10


def test_terms_are_there_once_and_in_order() -> None:
    assert len(TERMS) == len(set(TERMS))
    for part in TEXT.split("\n## ")[1:]:
        terms = [line.removeprefix("### ").lower() for line in part.splitlines() if line.startswith("### ")]
        assert terms == sorted(terms)
