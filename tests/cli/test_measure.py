"""``sayso measure``, and what is said where data have changed since."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sayso.data.pocket import PocketWorld
from sayso.results import Results
from tests.cli.calling import call, error_of
from tests.in_this_process import leave_out_charts, use_in_this_process


@pytest.fixture(scope="module")
def ran(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A folder with ``results`` of two seeds."""
    folder = tmp_path_factory.mktemp("measured")
    short = [word for stage in (1, 2) for word in ("--set", f"stages.stage{stage}.epochs=1")]
    with pytest.MonkeyPatch.context() as patch:
        use_in_this_process(patch)
        leave_out_charts(patch)
        done = call("run", tiny_file, *short, "--seeds", "2", "--jobs", "1", "--out", folder / "results")
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran / "results", tmp_path / "results"))


@pytest.mark.usefixtures("no_charts")
def test_a_measure_is_added_to_what_has_finished_and_nothing_is_trained(folder: Path) -> None:
    before = Results(folder).records()
    done = call("measure", folder, "--add", "f1")
    assert done.exit_code == 0, done.stderr
    assert "to measure: seeds 100-101" in done.stderr
    assert "seeds 100-101: measured" in done.stderr
    assert "trained" not in done.stderr
    after = Results(folder).records()
    assert set(after["measure"]) == {*before["measure"], "f1"}
    assert after[after["measure"] != "f1"].reset_index(drop=True).equals(before)
    again = call("measure", folder, "--add", "f1")
    assert again.exit_code == 0
    assert "measured before: seeds 100-101" in again.stderr


@pytest.mark.usefixtures("in_this_process", "no_charts")
def test_states_that_were_not_kept_are_named_with_what_it_takes(folder: Path) -> None:
    for state in folder.glob("jobs/*/state-*"):
        state.unlink()
    message = error_of(call("measure", folder, "--add", "f1"))
    assert "f1 would need states that were not kept" in message
    assert "stage1 up to epoch 1" in message
    assert "3 of 3 epochs" in message
    assert "--train-again" in message
    done = call("measure", folder, "--add", "f1", "--train-again")
    assert done.exit_code == 0, done.stderr
    assert "trained stage1 again, 1 epochs" in done.stderr


def test_only_measures_whose_states_are_missing_are_named(folder: Path) -> None:
    sorted(folder.glob("jobs/*/state-*"))[-1].unlink()  # that of the end
    message = error_of(call("measure", folder, "--add", "predictions", "--add", '{"type": "F1", "when": ["start"]}'))
    assert "predictions would need states that were not kept" in message
    assert "f1" not in message


def test_a_measure_must_be_named(folder: Path) -> None:
    assert "name a measure: --add exact_match" in error_of(call("measure", folder))
    assert "no measure 'los'; did you mean 'loss'?" in error_of(call("measure", folder, "--add", "los"))


@pytest.mark.parametrize("command", ["status", "results", "claims"])
def test_what_has_changed_since_is_said_in_one_line_wherever_results_are_read(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = call(command, folder)
    assert plain.exit_code == 0
    assert "changed since" not in plain.output
    monkeypatch.setattr(PocketWorld, "sha256", lambda self: "f" * 64)
    changed = call(command, folder)
    assert changed.exit_code == 0
    (line,) = changed.stderr.splitlines()
    assert "changed since: these results are of other data" in line
    assert changed.stdout == plain.stdout
