"""Two results folders side by side."""

from dataclasses import replace
from pathlib import Path

import pytest

import sayso
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from tests.planted import planted_records, planted_store

EVIL = "<script>alert(1)</script>"


def test_what_differs_is_told_and_what_does_not_is_not(tiny: Experiment, tmp_path: Path) -> None:
    other = tiny.with_settings({"train.learning_rate": 0.5, "name": "other"})
    records = planted_records(tiny, range(12))
    planted = {("exact_match", "validation", "D5cons"): 0.3, ("exact_match", "validation", "D6cons"): -0.3}
    planted_store(Store(tmp_path / "a"), tiny, records)
    planted_store(Store(tmp_path / "b"), other, planted_records(other, range(12), planted, draw=1))
    found = sayso.compare(tmp_path / "a", tmp_path / "b")
    assert found.settings == {"train.learning_rate": (tiny.train.learning_rate, 0.5)}
    assert set(found.differing["subset"]) == {"D5cons", "D6cons"}
    turned = {own.first.claim: (own.first.outcome, own.second.outcome, own.change) for own in found.claims}
    before, after, change = turned["gap-on-questions"]
    assert (before, after) == ("undecided", "holds")
    assert change.low < 0.6 < change.high
    shown = found.shown()
    assert "seed by seed" in shown.said
    settings, differing, claims, every = shown.tables
    assert settings.rows == [("train.learning_rate", str(tiny.train.learning_rate), "0.5")]
    assert len(differing.rows) == len(found.differing)
    assert len(every.rows) == len(found.numbers)
    assert any(row[1:3] == ("undecided", "holds") for row in claims.rows)


def test_the_same_records_are_the_same(tiny: Experiment, tmp_path: Path) -> None:
    for name in ("a", "b"):
        planted_store(Store(tmp_path / name), tiny, planted_records(tiny, range(4)))
    found = sayso.compare(tmp_path / "a", tmp_path / "b")
    assert not found.settings
    assert found.shown().said.startswith(f"All of {len(found.numbers)} numbers are the same to the last digit")
    assert "0 of 28 verdicts differ" in found.shown().said


def test_cells_that_one_has_alone_are_named(tiny: Experiment, tmp_path: Path) -> None:
    sweeps = [tiny.vary("sweep", reliability=values) for values in ([0.5, 0.9], [0.9, 1.0])]
    for name, sweep in zip("ab", sweeps, strict=True):
        planted_store(Store(tmp_path / name), sweep, planted_records(sweep, range(4)))
    found = sayso.compare(tmp_path / "a", tmp_path / "b")
    assert found.only == (["reliability=0.5"], ["reliability=1.0"])
    assert set(found.numbers["cell"]) == {"reliability=0.9"}
    assert [table.title for table in found.shown().tables][-2:] == ["Cells of A alone", "Cells of B alone"]


def test_nothing_in_common_is_one_line(tiny: Experiment, tmp_path: Path) -> None:
    sweep = tiny.vary("sweep", reliability=[0.5, 0.9])
    planted_store(Store(tmp_path / "a"), tiny, planted_records(tiny, range(4)))
    planted_store(Store(tmp_path / "b"), sweep, planted_records(sweep, range(4)))
    with pytest.raises(SaysoError, match=r"a is no sweep and .*b has the cells reliability=0.5, reliability=0.9"):
        sayso.compare(tmp_path / "a", tmp_path / "b")
    with pytest.raises(SaysoError, match="not a results folder"):
        sayso.compare(tmp_path / "a", tmp_path / "c")


def test_the_page_has_everything_and_escapes_what_it_shows(tiny: Experiment, tmp_path: Path) -> None:
    records = planted_records(tiny, range(4))
    planted_store(Store(tmp_path / "a"), tiny, records)
    planted_store(Store(tmp_path / EVIL.replace("/", "")), tiny, [replace(r, what=EVIL) for r in records] + records)
    found = sayso.compare(tmp_path / EVIL.replace("/", ""), tmp_path / "a")
    text = found.page(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert text.count("<tr>") > len(found.numbers)
    with pytest.raises(SaysoError, match="cannot be written"):
        found.page(tmp_path / "a")
