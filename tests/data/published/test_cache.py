from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from sayso.core.errors import SaysoError
from sayso.core.files import file_sha256
from sayso.data.published.cache import Recipe, cache_folder, find, make_current, prepare_file, read

SLOW = """
import sys, time
from pathlib import Path
import pyarrow as pa
from sayso.data.published.cache import Recipe, prepare_file, read
def make(file, on_progress):
    with open(sys.argv[1], "a") as log: log.write("made\\n")
    time.sleep(1)
    return pa.table({"word": [file.read_text()]}), {"rows": 1}
print("ready", flush=True)
sys.stdin.readline()
print(read(prepare_file(Recipe("slow", "x", 1, make), Path(sys.argv[2]), Path(sys.argv[3]))).to_pylist())
"""


def recipe(made: list[Path], version: int = 1) -> Recipe:
    def make(file: Path, on_progress) -> tuple[pa.Table, dict[str, int]]:
        made.append(file)
        return pa.table({"word": [file.read_text(encoding="utf-8")]}), {"rows": 1}

    return Recipe("words", "plain", version, make)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    file = tmp_path / "raw.txt"
    file.write_text("one", encoding="utf-8")
    return file


def test_a_table_is_made_once_for_each_content_and_version(tmp_path, raw):
    made: list[Path] = []
    first = prepare_file(recipe(made), raw, tmp_path / "cache")
    assert prepare_file(recipe(made), raw, tmp_path / "cache") == first
    assert read(first).to_pylist() == [{"word": "one"}]
    assert first.sha256 == file_sha256(raw)
    assert first.counts == {"rows": 1}
    assert len(made) == 1
    copy = tmp_path / "copy.txt"
    copy.write_bytes(raw.read_bytes())
    assert prepare_file(recipe(made), copy, tmp_path / "cache") == first
    assert len(made) == 1
    raw.write_text("another", encoding="utf-8")
    assert read(prepare_file(recipe(made), raw, tmp_path / "cache")).to_pylist() == [{"word": "another"}]
    prepare_file(recipe(made, version=2), raw, tmp_path / "cache")
    assert len(made) == 3


def slow(folder: Path, raw: Path) -> subprocess.Popen[str]:
    """A process that is ready to prepare `raw`, which takes it a second, and does so after a line of input."""
    command = [sys.executable, "-c", SLOW, *map(str, (folder / "log", raw, folder / "cache"))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_after_a_process_is_killed_another_prepares_from_the_start(tmp_path, raw):
    killed, after = slow(tmp_path, raw), slow(tmp_path, raw)
    begin(killed)
    while not (tmp_path / "log").exists():
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert list((tmp_path / "cache").rglob("*.parquet")) == []
    begin(after)
    assert after.communicate(timeout=60)[0] == "[{'word': 'one'}]\n"
    assert (tmp_path / "log").read_text(encoding="utf-8") == "made\n" * 2


def test_of_two_processes_at_once_the_second_waits_for_the_first(tmp_path, raw):
    both = [slow(tmp_path, raw), slow(tmp_path, raw)]
    for process in both:
        begin(process)
    assert [process.communicate()[0] for process in both] == ["[{'word': 'one'}]\n"] * 2
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / "log").read_text(encoding="utf-8") == "made\n"
    assert [path.suffix for path in (tmp_path / "cache" / "slow").glob("*-x-*")] == [".parquet"]


def test_what_fails_or_is_killed_leaves_nothing_that_is_taken_for_a_table(tmp_path, raw):
    def fail(file: Path, on_progress) -> tuple[pa.Table, dict[str, int]]:
        raise SaysoError("no")

    with pytest.raises(SaysoError, match="no"):
        prepare_file(Recipe("words", "plain", 1, fail), raw, tmp_path)
    made: list[Path] = []
    part = (tmp_path / "words" / f"{file_sha256(raw)[:16]}-plain-v1.parquet").with_suffix(".part")
    part.write_bytes(b"half of a table")
    assert read(prepare_file(recipe(made), raw, tmp_path)).to_pylist() == [{"word": "one"}]
    assert not part.exists()


def test_a_damaged_table_is_one_line_that_names_it(tmp_path, raw):
    done = prepare_file(recipe([]), raw, tmp_path)
    data = done.path.read_bytes()
    for damaged in (data[: len(data) // 2], b"", data[:4] + b"\0" * 20 + data[24:]):
        done.path.write_bytes(damaged)
        with pytest.raises(SaysoError, match=f"{done.path}: damaged; delete it") as caught:
            read(prepare_file(recipe([]), raw, tmp_path))
        assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, raw):
    (tmp_path / "cache").write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(SaysoError, match=r"cache.*SAYSO_CACHE or --cache names another"):
        prepare_file(recipe([]), raw, tmp_path / "cache")


def test_without_a_file_what_was_prepared_last_by_name_is_meant(tmp_path, raw, monkeypatch):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SaysoError, match="run 'sayso data prepare words'"):
        find(recipe([]), None)
    first = prepare_file(recipe([]), raw)
    with pytest.raises(SaysoError, match="run 'sayso data prepare words'"):
        find(recipe([]), None)
    make_current("words", first.sha256)
    assert find(recipe([]), None) == find(recipe([]), str(raw)) == first
    with pytest.raises(SaysoError, match="run 'sayso data prepare words'"):
        find(recipe([], version=2), None)


def test_the_cache_is_where_it_is_said_to_be_or_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert cache_folder(tmp_path / "x") == tmp_path / "x"
    monkeypatch.delenv("SAYSO_CACHE")
    assert cache_folder().name == "sayso"
