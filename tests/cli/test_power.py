"""How many seeds a claim needs, what default seeds are expected to decide, and controls, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import sayso
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.paper.controls import control_of
from sayso.paper.expected import Expected
from tests.cli.calling import call, error_of
from tests.planted import planted_records, planted_store

GAP = {("exact_match", "validation", "D5cons"): 0.2}
#: Records are planted for every epoch, and claims are about the last.
FEW_EPOCHS = {"stages.stage1.epochs": 1, "stages.stage2.epochs": 1}


def folder_of(path: Path, experiment: Experiment, effects: dict[tuple[str, str, str], float], seeds: int = 12) -> Path:
    planted_store(Store(path), experiment, planted_records(experiment, range(seeds), effects, noise=0.05))
    return path


def test_power_says_how_many_seeds_each_claim_needs(tmp_path):
    pocket = sayso.load("pocket").with_settings({"seeds": {"first": 0, "count": 12}, **FEW_EPOCHS})
    shown = call("power", folder_of(tmp_path / "pocket", pocket, GAP))
    assert shown.exit_code == 0, shown.output
    rows = {line.split()[0]: line.split() for line in shown.stdout.splitlines() if line and not line[0].isspace()}
    assert rows["gap-on-questions"][3:6] == ["100%", "100%", "100%"]
    assert int(rows["gap-on-questions"][6]) < 10
    assert "over" in rows["gap-on-attribution"]  # nothing is planted there


def test_a_few_seeds_are_no_pilot(tmp_path):
    pocket = sayso.load("pocket").with_settings({"seeds": {"first": 0, "count": 4}, **FEW_EPOCHS})
    shown = call("power", folder_of(tmp_path / "pocket", pocket, GAP, seeds=4))
    assert "4 seeds are too few for a pilot" in shown.stdout


def test_claims_show_what_the_control_beside_them_found(tmp_path, monkeypatch):
    monkeypatch.setattr("sayso.report.page.figures", lambda *_: [])  # they take seconds to draw
    pocket = sayso.load("pocket").with_settings({"seeds": {"first": 0, "count": 12}, **FEW_EPOCHS})
    folder = folder_of(tmp_path / "one", pocket, GAP)
    assert "control" not in call("claims", folder).stdout
    folder_of(tmp_path / "two", control_of(pocket), {})
    folder_of(
        tmp_path / "three", control_of(sayso.load("pocket-single-stage").with_settings({"stages.joint.epochs": 1})), GAP
    )  # another's
    verdicts = {verdict["claim"]: verdict for verdict in json.loads(call("claims", folder, "--json").stdout)}
    beside = verdicts["gap-on-questions"]["control"]
    assert abs(beside["difference"]) < 0.05
    assert verdicts["gap-on-questions"]["difference"] > 0.15
    assert verdicts["reliable-definitions-help"]["control"] is None
    shown = call("claims", folder).stdout
    assert shown.count("control ") == 2  # on questions and on attribution
    page = Path(call("report", folder).stdout.strip()).read_text(encoding="utf-8")
    assert page.count('<span class="small">control ') == 2


def test_control_is_an_option_of_whatever_takes_an_experiment(tmp_path):
    shown = call("show", "pocket-single-stage", "--control")
    assert shown.stdout.startswith("pocket-single-stage-control ")
    assert "D9incons_QA9" in call("sample", "pocket", "--control", "-n", "1").stdout
    assert "varies reliability" in error_of(call("show", "pocket-reliability", "--control"))
    written = json.loads(call("show", "pocket", "--control", "--set", "train.batch_size=16", "--json").stdout)
    assert (written["name"], written["train"]["batch_size"]) == ("pocket-control", 16)


def test_show_says_what_default_seeds_are_expected_to_decide(monkeypatch):
    pocket = sayso.load("pocket")
    claim = {"cell": "main", "claim": "gap-on-questions", "difference": 0.15, "low": 0.14, "high": 0.16}
    claims = [{**claim, "holds": 0.99, "fails": 0.0}]
    found = Expected.model_validate(
        {
            "of": pocket.digest(),
            "seeds": "8000-8063",
            "count": 16,
            "claims": claims,
            "without": [{"what": "a thing", "seeds": "8000-8015", "claims": claims}],
        }
    )
    monkeypatch.setattr("sayso.paper.expected.all_expected", lambda: {"pocket": found})
    shown = call("show", "pocket").stdout
    assert "expected of 16 seeds, drawn from fresh seeds 8000-8063" in shown
    assert "without this departure from the paper: a thing" in shown
    assert shown.count("gap-on-questions") == 2
    assert "expected of" not in call("show", "pocket", "--set", "train.batch_size=16").stdout


def test_two_folders_are_compared(tmp_path):
    pocket = sayso.load("pocket").with_settings({"seeds": {"first": 0, "count": 12}, **FEW_EPOCHS})
    one = folder_of(tmp_path / "one", pocket, {})
    other = folder_of(tmp_path / "other", pocket.with_settings({"train.batch_size": 16}), GAP)
    shown = call("compare", one, other, "--page", tmp_path / "page.html")
    assert shown.exit_code == 0, shown.output
    assert "train.batch_size" in shown.stdout
    assert "All numbers" not in shown.stdout
    assert shown.stdout.endswith(f"{tmp_path / 'page.html'}\n")
    assert "All numbers" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "All numbers" in call("compare", one, other, "--all").stdout
    rows = call("compare", one, other, "--csv").stdout.splitlines()
    assert rows[0].startswith("cell,stage,measure,eval_set,subset,first,second,difference,low,high,p,")
    assert len(rows) > 100
    assert "not a results folder" in error_of(call("compare", one, tmp_path))
