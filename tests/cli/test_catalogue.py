"""``sayso list``: the table by figure, at 80 columns, and as data."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

import sayso
from sayso.cli.catalogue_page import catalogue_page, groups
from sayso.core.store import Store
from sayso.core.sweep import cells
from sayso.paper.costs import all_costs, cost_of, downloads
from sayso.paper.table import EXPERIMENTS, TABLE
from sayso.results import Results
from tests.cli.calling import call
from tests.core.written import make_store, manifest


def page(width: int = 80) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False).print(catalogue_page(TABLE))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_every_experiment_is_listed_and_nothing_is_cut_at_80_columns():
    lines = page()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    named = {line.split()[0] for line in lines if line.startswith("    ")}
    assert named == set(EXPERIMENTS)
    assert {line.split()[0] for line in call("list").stdout.splitlines() if line.startswith("    ")} == named


def test_a_figure_has_its_experiment_and_its_twin_one_below_the_other():
    titles = [title for title, _ in groups(TABLE)]
    assert titles[:3] == ["figures 3a, 3b, 8 and 9", "figure 4a", "figures 4b, 11 and 12"]
    assert titles[-4:] == ["footnote 2", "footnote 4", "beyond the paper", "controls, which must find nothing"]
    first = [int(found[1]) for title in titles if (found := re.match(r"figures? (\d+)", title))]
    assert first == sorted(first)
    text = "\n".join(page())
    assert re.search(
        r"paper-single-stage-trex +[0-9]+ h +T-REx, pythia-2.8b-deduped\n +pocket-single-stage-other", text
    )
    assert re.search(r"pocket-strict +18 min\n", text)
    families = dict(groups(TABLE))["figure 17"]
    assert [[twin.name for twin in beside] for _, beside in families] == [["pocket-model-family"], []]


def test_the_same_as_data():
    found = {row["name"]: row for row in json.loads(call("list", "--json").stdout)}
    assert list(found) == list(EXPERIMENTS)
    main = found["paper-main"]
    assert (main["kind"], main["figures"], main["twin"]) == ("paper", ["3a", "3b", "8", "9"], "pocket")
    assert (main["seeds"], main["stage2_seeds"], main["cells"], main["minutes"]) == (20, 5, 1, None)
    assert main["gpu"] == "A100-80GB"
    assert main["downloads"] == ["CVDB", "EleutherAI/pythia-2.8b-deduped"]
    assert found["pocket"]["gpu_hours"] is found["pocket"]["gpu"] is None
    assert found["pocket-control"]["found"] == ""
    assert all(row["digest"] == sayso.load(name).digest() for name, row in found.items())


def test_downloads_are_those_of_all_cells():
    assert downloads(EXPERIMENTS["paper-digits"]) == ("MNIST",)
    assert downloads(EXPERIMENTS["pocket-digits"]) == downloads(EXPERIMENTS["paper-set-inclusion"]) == ()
    sizes = downloads(EXPERIMENTS["paper-gpt-neo-trex"])
    assert sizes[0] == "T-REx"
    assert len(sizes) == 1 + len(cells(EXPERIMENTS["paper-gpt-neo-trex"]))
    own = EXPERIMENTS["paper-main"].with_settings({"knowledge.file": "people.csv", "model.name": "/"})
    assert downloads(own) == ()


def test_what_a_row_takes_is_of_the_experiment_as_it_is():
    assert set(all_costs()) <= set(EXPERIMENTS)
    for name, experiment in EXPERIMENTS.items():
        known = cost_of(experiment)
        assert (known is None) == (name not in all_costs()), f"{name} has changed: python -m benchmarks.costs"
        if name.startswith("paper-"):
            assert known is not None, f"{name}: python -m benchmarks.costs"
            assert known.gpu_hours is not None
    assert cost_of(EXPERIMENTS["pocket"].with_settings({"train.learning_rate": 1e-9})) is None


def test_minutes_are_those_of_the_fastest_job_of_each_cell_that_was_not_resumed(tmp_path):
    from benchmarks.costs import minutes

    experiment = EXPERIMENTS["pocket-probes"]  # two cells of 16 seeds
    store = Store(tmp_path)
    make_store(store, experiment)

    def job(name: str, cell: str, seeds: int, took: int, resumed: tuple[str, ...] = ()) -> None:
        written = manifest(name, tuple(range(seeds)), cell)
        folder = store.job(name)
        folder.open(replace(written, started="2026-01-01T00:00:00+00:00", resumed=resumed))
        folder.finish(f"2026-01-01T00:{took:02}:00+00:00")

    tae, ate = (cell.name for cell in cells(experiment))
    job("a", tae, 16, 40)
    assert minutes(Results(tmp_path)) is None
    job("b", ate, 8, 4, resumed=("elsewhere",))
    assert minutes(Results(tmp_path)) is None
    job("c", ate, 8, 10)
    job("d", tae, 16, 32)
    assert minutes(Results(tmp_path)) == 32 / 2 + 2 * 10 / 2
    other = Store(tmp_path / "other")
    make_store(other, experiment.with_settings({"train.learning_rate": 1e-9}))
    assert minutes(Results(other.path)) is None


@pytest.mark.parametrize(
    "name", [name for name in EXPERIMENTS if name.startswith("paper-") and "set-inclusion" not in name]
)
def test_hours_are_what_show_estimates(name: str):
    from benchmarks.costs import hours

    assert hours(EXPERIMENTS[name]) == cost_of(EXPERIMENTS[name])
