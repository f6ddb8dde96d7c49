"""The whole paper at one size: what is run, what is said of it, and what is not there."""

import csv
import json
import os
import re
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

import sayso
from sayso.cli.paper_page import takes
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.store import Store
from sayso.paper.costs import all_costs
from sayso.paper.table import TABLE
from sayso.paper.whole import experiments_of, places
from sayso.results import Results
from sayso.runs.under_way import duration
from sayso.stats.entries import Figure, counts
from sayso.whole_paper import WholePaper, whole_paper
from tests.cli.calling import call, error_of
from tests.planted import planted_records, planted_store

GAP = {
    ("exact_match", "validation", "D5cons"): 0.2,
    ("exact_match", "entity_attribution", "D5cons"): 0.2,
}
SEEDS = range(6)
SVG = "http://www.w3.org/2000/svg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three experiments with planted gaps: as large in a single stage, and none with other facts."""
    path = tmp_path_factory.mktemp("paper")
    for draw, (name, effects) in enumerate((("pocket", GAP), ("pocket-single-stage", GAP), ("pocket-other-facts", {}))):
        experiment = sayso.load(name)
        planted_store(Store(path / name), experiment, planted_records(experiment, SEEDS, effects, 0.005, draw=draw))
    return path


@pytest.fixture(scope="module")
def found(folder: Path) -> WholePaper:
    return whole_paper("pocket", folder)


@pytest.fixture(scope="module")
def ledger(found: WholePaper) -> list[Figure]:
    return found.figures()


def test_every_claim_of_every_figure_is_judged_or_said_not_to_have_run(found: WholePaper, ledger: list[Figure]) -> None:
    figures = {figure.name: figure.entries for figure in ledger}
    assert list(found.there) == ["pocket", "pocket-single-stage", "pocket-other-facts"]
    assert next(iter(figures)) == "figure 3a"
    told = {
        entry.experiment: entry.told
        for entries in figures.values()
        for entry in entries
        if entry.verdict.claim == "gap-on-questions" and entry.verdict.cell == "main"
    }
    assert told["pocket"] == told["pocket-single-stage"] == "holds"
    assert told["pocket-t5"] == "not run"
    assert {entry.experiment for entry in figures["figure 15"]} == {"pocket-single-stage-other-facts"}
    assert {entry.told for entry in figures["figure 15"]} == {"not run"}
    assert "pocket-single-stage" in {entry.experiment for entry in figures["figure 14"]}


def test_two_experiments_are_compared_where_both_were_run(ledger: list[Figure]) -> None:
    told = {entry.verdict.claim: entry for figure in ledger for entry in figure.entries}
    alike = told["a-single-stage-is-as-strong-on-questions"]
    assert (alike.told, alike.experiment) == ("holds", "pocket-single-stage and pocket")
    assert alike.verdict.comparison.seeds == len(SEEDS)
    smaller = told["a-smaller-gap-on-works"]
    assert smaller.told == "holds"
    assert smaller.verdict.comparison.difference == pytest.approx(0.2, abs=0.03)
    assert smaller.verdict.contrast.endswith("D5cons - D6cons, pocket > pocket-other-facts")


def test_one_of_the_two_is_not_enough(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pocket").symlink_to(folder / "pocket")
    entries = [entry for figure in whole_paper("pocket", tmp_path).figures() for entry in figure.entries]
    told = {entry.verdict.claim: entry.told for entry in entries if " and " in entry.experiment}
    assert set(told.values()) == {"not run"}
    assert len(told) == 3


def made_before(folder: Path) -> None:
    """Each experiment has a report, of one chart that is nothing in the paper and one that is figure 8."""
    for name in ("pocket", "pocket-single-stage", "pocket-other-facts"):
        (folder / name / "report.html").write_text("made before", encoding="utf-8")
        charts = folder / name / "charts"
        charts.mkdir(exist_ok=True)
        listed = []
        for chart, of in (("curves", ()), ("losses", ("8",))):
            svg = f'<svg xmlns="{SVG}" width="9" height="9"><clipPath id="clip0"/><text>{chart} of {name}</text></svg>'
            (charts / f"{chart}.svg").write_text(svg, encoding="utf-8")
            listed.append({"name": chart, "title": chart.title(), "caption": "As drawn.", "of": of})
        (charts / "index.json").write_text(json.dumps(listed), encoding="utf-8")


def section_of(text: str, name: str) -> str:
    return text.partition(f'<section class="figure" id="{name}">')[2].partition("</section>")[0]


def test_the_page_has_every_claim_and_links_to_the_reports(
    found: WholePaper, ledger: list[Figure], folder: Path
) -> None:
    made_before(folder)
    figures = ledger
    text = found.page(figures).read_text(encoding="utf-8")
    assert text.count("<tr data-outcome=") == sum(len(figure.entries) for figure in figures)
    assert '<a href="pocket-single-stage/report.html#claims">' in text
    total = counts(entry for figure in figures for entry in figure.entries)
    assert f"{total['holds']} hold, {total['fails']} fail, " in text
    (link,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)" download="paper-pocket-claims.csv"', text)
    rows = list(csv.DictReader(unquote(link).splitlines()))
    told = [entry for figure in figures for entry in figure.entries]
    assert [row["outcome"] for row in rows] == [entry.told for entry in told]
    assert [row["sentence"] for row in rows] == [entry.verdict.sentence for entry in told]


def test_every_figure_of_the_paper_is_a_link_away_with_its_charts_or_the_command_that_makes_them(
    found: WholePaper, ledger: list[Figure], folder: Path
) -> None:
    made_before(folder)
    text = found.page(ledger).read_text(encoding="utf-8")
    nav = text.partition("<nav")[2].partition("</nav>")[0]
    for place in places("pocket"):
        assert f'<a href="#{place.name.replace(" ", "-")}"' in nav
    assert "curves of pocket<" in section_of(text, "figure-3a")
    assert "losses of pocket<" in section_of(text, "figure-8")
    assert text.count("curves of pocket<") == text.count("losses of pocket<") == 1
    assert '<a href="#chart-pocket-curves">pocket: Curves</a>, above' in section_of(text, "figure-9")
    reliability = section_of(text, "figure-4a")
    assert "Not measured." in reliability
    assert "<code>sayso run pocket-reliability</code>" in reliability
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(set(ids)) == len(ids)


def test_a_report_is_written_anew_where_jobs_have_finished_since(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_before(folder)
    written: list[Path] = []
    monkeypatch.setattr(Results, "report", lambda own: written.append(own.path))
    found = whole_paper("pocket", folder)
    found.page([])
    assert written == []
    (job,) = found.there["pocket"].store.jobs()
    later = (folder / "pocket" / "report.html").stat().st_mtime + 60
    before = job.finished_path.stat()
    os.utime(job.finished_path, (later, later))
    found.page([])
    os.utime(job.finished_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert written == [folder / "pocket"]


def test_what_could_not_be_run_says_why_in_its_figure(tmp_path: Path) -> None:
    def run(name: str, _: Path) -> None:
        raise SaysoError(f"{name}: no <b>GPU</b> here")

    found = whole_paper("pocket", tmp_path, only=["pocket-in-context"], run=run)
    text = found.page(found.figures()).read_text(encoding="utf-8")
    assert "Cannot be run here:</strong> pocket-in-context: no &lt;b&gt;GPU&lt;/b&gt; here" in section_of(
        text, "figure-21"
    )
    assert text.partition('<section id="refused">')[2].count("pocket-in-context: no") == 1


def test_what_is_refused_is_kept_and_the_next_is_run(tmp_path: Path) -> None:
    ran: list[str] = []

    def run(name: str, folder: Path) -> None:
        ran.append(name)
        assert folder == tmp_path / name
        raise SaysoError(f"{name}: no such model here")

    found = whole_paper("full", tmp_path, run=run)
    assert ran == experiments_of("full") == list(found.refused)
    assert {TABLE[name].about.kind for name in ran} == {"paper"}
    assert not found.there
    ran.clear()
    whole_paper("full", tmp_path, only=["paper-main", "paper-t5"], run=run)
    assert ran == ["paper-main", "paper-t5"]
    with pytest.raises(SaysoError, match="'pocket' is no experiment of the paper at full size"):
        whole_paper("full", tmp_path, only=["pocket"])


def test_results_of_other_settings_are_not_taken_for_the_papers(tmp_path: Path) -> None:
    other = sayso.load("pocket").with_settings({"train.batch_size": 16})
    planted_store(Store(tmp_path / "pocket"), other, planted_records(other, range(3)))
    found = whole_paper("pocket", tmp_path)
    assert not found.there
    assert "holds results of other settings" in found.refused["pocket"]


def test_from_the_command_line(found: WholePaper, folder: Path) -> None:
    made_before(folder)
    shown = call("paper", "--no-run", "--out", folder)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["figure", "holds", "fails", "undecided", "not", "run"]
    assert lines[-1] == f"page: {folder / 'paper.html'}"
    assert shown.stderr == ""
    older = call("paper", "--look", "--out", folder)
    assert older.stdout == shown.stdout
    assert older.stderr == "sayso: note: --look is deprecated: it is called --no-run\n"
    data = call("paper", "--no-run", "--out", folder, "--json")
    assert '"a-smaller-gap-on-works"' in data.stdout
    table = pd.read_csv(StringIO(call("paper", "--no-run", "--out", folder, "--csv").stdout))
    assert [*zip(table["figure"], table["experiment"], table["claim"], table["outcome"], strict=True)] == [
        (row["figure"], row["experiment"], row["claim"], row["outcome"]) for row in json.loads(data.stdout)
    ]
    assert "exclude each other" in error_of(call("paper", "--no-run", "--csv", "--json"))
    assert "no experiment of the paper at pocket size" in error_of(call("paper", "--no-run", "--only", "paper-main"))


def test_what_all_takes_is_said_before_it_is_run(tiny: Experiment) -> None:
    pocket, large = TABLE["pocket"].experiment, TABLE["paper-main"].experiment
    minutes, hours = all_costs()["pocket"].minutes, all_costs()["paper-main"].gpu_hours
    assert minutes is not None
    assert hours is not None
    own, half = (duration(60 * minutes * share) for share in (1, 0.5))
    assert takes([pocket], None) == f"1 experiment: about {own} of two cores"
    assert takes([pocket, tiny], Seeds(count=8)) == f"2 experiments: about {half} of two cores, 1 of them not measured"
    assert takes([large], Seeds(count=1)).endswith(f"about {hours / 20:,.0f} hours of one A100-80GB")
    refused = call("paper", "--only", "pockett")
    assert "'pockett' is no experiment of the paper at pocket size" in error_of(refused)
    assert "experiments:" not in refused.stderr
    assert "write a number of seeds" in error_of(call("paper", "--seeds", "many"))
