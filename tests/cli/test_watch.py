"""``sayso watch``: what it shows, when it ends, what it refuses, and what a browser is told."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sayso.cli import watch as module
from sayso.cli.watch import States
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.runs.watching import Watcher
from tests.cli.calling import SAYSO, call, error_of
from tests.planted import planted_records, planted_store


@pytest.fixture
def store(tiny: Experiment, tmp_path: Path) -> Store:
    """Seeds 100 to 102 have been begun, and recorded to the end, but not finished; thirteen are to do."""
    records = planted_records(tiny, range(100, 103))
    return planted_store(Store(tmp_path / "results"), tiny, records, finish=False)


def finish(store: Store) -> None:
    """All seeds have finished."""
    (folder,) = store.jobs()
    folder.open(dataclasses.replace(folder.manifest(), seeds=tuple(range(100, 116))))
    folder.finish("2024-05-01T10:01:00+00:00")


def test_one_look_shows_all_there_is_and_ends(store):
    done = call("watch", store.path, "--once")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"tiny in {store.path}"
    assert "0 of 176 epochs; time left: not known" in lines[1]
    assert any(line.split() == ["100-102", "stopped", "stage0", "0/1", "0/11", *line.split()[5:]] for line in lines)
    assert any(line.startswith("main") and "103-115 (13)" in line for line in lines)
    assert any(line.startswith("D1cons_QA1 ") for line in lines)
    assert "no job is running; to go on: sayso run " in done.stdout
    assert done.stderr == ""


def test_watching_ends_by_itself_when_all_has_finished(store, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    monkeypatch.setattr(module, "TIMES", 0.0)
    seen, look = [], Watcher.look

    def look_and_go_on(own: Watcher):
        seen.append(look(own))
        if len(seen) == 3:
            finish(store)
        return seen[-1]

    monkeypatch.setattr(Watcher, "look", look_and_go_on)
    done = call("watch", store.path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["seeds 100-115: finished", "176 of 176 epochs; all finished"]
    assert len(seen) == 4


def test_what_has_finished_is_shown_and_that_is_all(store):
    finish(store)
    done = call("watch", store.path)
    assert done.exit_code == 0
    assert "176 of 176 epochs; all finished" in done.stdout
    assert "to go on" not in done.stdout


def test_one_look_that_fails_is_tried_again_and_two_are_an_error(store, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    looks = iter([None, SaysoError("half made"), None, SaysoError("one"), SaysoError("two")])
    look = Watcher.look

    def at_times(own: Watcher):
        trouble = next(looks)
        if trouble is not None:
            raise trouble
        own.took = 0.0
        return look(own)

    monkeypatch.setattr(Watcher, "look", at_times)
    done = call("watch", store.path)
    assert done.exit_code == 2
    assert done.stderr == "sayso: error: two\n"


@pytest.mark.parametrize("words", [[], ["--serve"]])
def test_ctrl_c_ends_it_at_once(store, words):
    command = [*SAYSO, "watch", str(store.path), *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = running.stdout.readline()
        assert first.startswith("http://127.0.0.1:" if words else "tiny in ")
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) == 130
        assert running.stderr.read() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a terminal of Linux")
def test_on_a_terminal_the_picture_is_drawn_in_place_and_stays(store):
    import pty

    finish(store)
    parent, child = pty.openpty()
    done = subprocess.run([*SAYSO, "watch", str(store.path)], stdout=child, stderr=child, timeout=60, check=False)
    os.close(child)
    said = ""
    with contextlib.suppress(OSError):  # there is no more
        while more := os.read(parent, 100_000):
            said += more.decode()
    os.close(parent)
    assert done.returncode == 0
    assert "\x1b[?25l" in said  # the cursor is hidden,
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")  # and comes back
    assert "all finished" in said


def test_refusals_are_one_line(store, tmp_path):
    assert error_of(call("watch", "nowhere")) == "nowhere: no such folder; 'sayso run NAME --out nowhere' makes one"
    assert "not a results folder (no experiment.json)" in error_of(call("watch", tmp_path))
    assert "no such folder" in error_of(call("watch", store.experiment_path))
    assert "choose one" in error_of(call("watch", store.path, "--once", "--serve"))
    for words in (["--port", "8000"], ["--host", "127.0.0.1"], ["--token"]):
        assert error_of(call("watch", store.path, *words)) == "--host, --port and --token are of --serve: add it"
    assert "65535" in error_of(call("watch", store.path, "--serve", "--port", "70000"))


def test_the_state_says_what_the_page_shows(store, tiny):
    told = json.loads(States(Watcher(store)).json(None))
    assert (told["done"], told["total"], told["seeds"], told["finished"]) == (0, 176, 16, False)
    (cell,) = told["cells"]
    assert cell["stopped"] == {"seeds": "100-102", "count": 3}
    assert cell["to_do"] == {"seeds": "103-115", "count": 13}
    (job,) = told["jobs"]
    assert (job["seeds"], job["state"], job["where"]) == ("100-102", "stopped", "cpu")
    assert told["go_on"].startswith("sayso run ")
    assert [stage["name"] for stage in told["curves"]["stages"]] == ["stage1", "stage2"]
    line = next(line for line in told["curves"]["lines"] if line["subset"] == "D1cons_QA1")
    records = planted_records(tiny, range(100, 103))
    of = ("exact_match", "validation", "D1cons_QA1", "stage2", 6)
    last = [r.value for r in records if (r.measure, r.eval_set, r.subset, r.stage, r.epoch) == of]
    assert line["points"][-1] == [4 + 6, pytest.approx(sum(last) / 3, abs=1e-4), 3, "stage2", 6]


@pytest.mark.parametrize("cell", ["0", "7", "-1", "x", "", "٣", "9" * 5000])
def test_any_cell_may_be_asked_for(store, cell):
    assert json.loads(States(Watcher(store)).json(cell))["curves"]["cell"] == "main"


def test_a_look_serves_all_who_ask_meanwhile(store, monkeypatch):
    looks, look = [], Watcher.look

    def counted(own: Watcher):
        looks.append(own)
        return look(own)

    monkeypatch.setattr(Watcher, "look", counted)
    monkeypatch.setattr(module, "EVERY_S", 1000.0)
    states = States(Watcher(store))
    for _ in range(5):
        states.json(None)
    assert len(looks) == 1


def test_trouble_is_said_beside_what_was_seen_before_it(store, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    monkeypatch.setattr(module, "TIMES", 0.0)
    states = States(Watcher(store))
    there = store.experiment_path.read_bytes()
    store.experiment_path.unlink()
    told = json.loads(states.json(None))
    assert "not a results folder" in told["trouble"]
    assert told["total"] == 176
    store.experiment_path.write_bytes(there)
    assert json.loads(states.json(None))["trouble"] == ""
