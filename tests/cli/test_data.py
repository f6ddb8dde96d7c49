from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.calling import call, error_of
from tests.data.files.make import CVDB_FILE, FOLDER, TREX_FILE
from tests.data.test_facts import KINDS, golden

FILES = {"cvdb": CVDB_FILE, "trex": TREX_FILE, "table": FOLDER / "countries.csv"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_shown_as_lines_of_json(kind):
    result = call("data", "show", FILES[kind], "-n", "12", "--json")
    assert result.exit_code == 0
    assert result.stdout == golden(kind)
    assert set(json.loads(result.stdout.splitlines()[0])) == {"entity", "attribute", "question", "answers"}


def test_a_file_is_shown_for_people():
    result = call("data", "show", FILES["table"], "-n", "2")
    assert result.exit_code == 0
    assert [line.split("  ")[0] for line in result.stdout.splitlines() if line and line[0] != " "] == [
        *("Argentina", "Australia")
    ]
    assert "What is the capital of [X]?     Buenos Aires" in result.stdout


def test_fewer_entities_than_asked_for_are_shown_as_they_are():
    lines = call("data", "show", FILES["table"], "-n", "1000", "--json").stdout.splitlines()
    assert len({json.loads(line)["entity"] for line in lines}) == 68


def test_a_source_is_prepared_from_a_file_and_then_shown_by_name(tmp_path):
    assert "sayso data prepare cvdb" in error_of(call("data", "show", "cvdb"))
    result = call("data", "prepare", "cvdb", "--file", CVDB_FILE)
    assert result.exit_code == 0
    assert "86 pairs of a man and a woman kept" in result.stdout
    assert str(tmp_path / "cache" / "cvdb") in result.stdout
    assert result.stderr.splitlines() == ["read paper", "read repaired"]
    assert call("data", "prepare", "cvdb", "--file", CVDB_FILE).stderr == ""
    assert call("data", "show", "cvdb", "-n", "12", "--json").stdout == golden("cvdb")


def test_a_cache_that_runs_do_not_look_in_is_said(tmp_path):
    result = call("data", "prepare", "trex", "--file", TREX_FILE, "--cache", tmp_path / "elsewhere")
    assert result.stdout.splitlines()[-1] == f"runs look for it there if SAYSO_CACHE={tmp_path / 'elsewhere'}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prepare", "cvbd"], "did you mean 'cvdb'"),
        (["prepare", "cvdb", "--file", "absent.gz"], "absent.gz: cannot be read"),
        (["show", "absent.csv"], "no such file"),
        (["show", "cvdb", "-n", "0"], "-n"),
    ],
)
def test_errors_are_one_line(words, said):
    assert said in error_of(call("data", *words))


@pytest.mark.parametrize("module", ["pyarrow", "pyarrow.parquet"])
def test_a_module_that_is_not_installed_is_named(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    said = error_of(call("data", "show", FILES["cvdb"]))
    assert "pyarrow" in said
    assert "pip install 'sayso[all]'" in said


def test_without_a_command_the_help_is_shown():
    result = call("data")
    assert result.exit_code == 0
    assert "prepare" in result.stdout
    assert "show" in result.stdout
