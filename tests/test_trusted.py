"""Sources and controls run beside each other, from Python."""

from pathlib import Path

import pytest

import sayso
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.results import Results
from sayso.trusted import Trust
from tests.planted import planted_store
from tests.planted_trust import SOURCES, records_of_trust


def write(experiment: Experiment, folder: Path) -> None:
    """In place of training."""
    planted_store(Store(folder), experiment, records_of_trust(experiment, {"rumour": -1.0}))


def ask(folder: Path, **more: object) -> Trust:
    return sayso.trust(SOURCES, "pocket", out=folder / "mine", run=write, **more)  # type: ignore[arg-type]


def test_controls_lie_beside_the_sources_and_are_the_same_but_for_what_they_control(tmp_path: Path):
    found = ask(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "mine-phrases", "mine-twice"}
    assert {name: own.experiment.name for name, own in found.controls.items()} == {
        "phrases": "trust-phrases",
        "twice": "trust-twice",
    }
    assert found.main.experiment.name == "trust"
    assert found.sources()[0].differ
    phrases, twice = found.found_of_controls()
    assert (phrases.report, twice.report) == ("../mine-phrases/report.html", "../mine-twice/report.html")
    assert len(twice.rows[0].found.pairs) == 3  # of twins alone
    assert len(phrases.rows[0].found.pairs) == 3


def test_squares_that_are_added_later_are_another_look(tmp_path: Path):
    found = ask(tmp_path, controls=[])
    before = found.sources()[0]
    plans = found.main.store.plans_path
    seeds = list(found.main.experiment.seeds)
    plans.write_text(str([seeds[:9], seeds]), encoding="utf-8")
    assert found.sources()[0].p == pytest.approx(3 * before.p)


def test_one_control_or_none_and_no_other(tmp_path: Path):
    assert list(ask(tmp_path / "one", controls=["twice"]).controls) == ["twice"]
    assert list(ask(tmp_path / "none", controls=[]).controls) == []
    with pytest.raises(SaysoError, match="no control 'twin'; did you mean 'twice'"):
        ask(tmp_path / "other", controls=["twin"])


def test_the_page_links_to_reports_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written = []
    monkeypatch.setattr(Results, "report", lambda own: written.append(own.path.name))
    found = ask(tmp_path)
    page = found.page(found.sources(), found.found_of_controls())
    assert page == tmp_path / "mine" / "trust.html"
    html = page.read_text(encoding="utf-8")
    assert written == ["mine", "mine-phrases", "mine-twice"]
    assert "According to the encyclopedia, / The encyclopedia says that" in html
    assert "squares of 3 seeds" in html


def test_squares_are_called_latin_squares(tmp_path: Path):
    with pytest.raises(SaysoError, match=r"^squares is the old name of latin_squares; give latin_squares alone$"):
        ask(tmp_path, latin_squares=3, squares=3)
