"""How to cite says what CITATION.cff says."""

import re
from pathlib import Path

import yaml

from sayso.report.citing import PAPER, PAPER_URL, SOFTWARE


def fields(bibtex: str) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, value in re.findall(r"(\w+) = \{(.*?)\},?\n", bibtex, re.DOTALL)}


def test_the_paper_and_the_software_are_cited_as_in_citation_cff() -> None:
    found = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8"))
    paper = found["preferred-citation"]
    authors = " and ".join(f"{own['family-names']}, {own['given-names']}" for own in paper["authors"])
    assert fields(PAPER) == {
        "title": paper["title"],
        "author": authors,
        "booktitle": paper["collection-title"],
        "year": str(paper["year"]),
        "url": PAPER_URL,
    }
    assert paper["url"] == PAPER_URL
    assert fields(SOFTWARE) == {
        "title": found["title"],
        "author": f"{{{found['authors'][0]['name']}}}",
        "version": found["version"],
        "license": found["license"],
    }
