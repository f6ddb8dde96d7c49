"""A run that has finished, for all tests of the command line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.calling import process
from tests.in_this_process import leave_out_charts, use_in_this_process

#: Modules that Python, numpy or transformers import, as files in the working folder may be called.
SHADOWS = ("__future__", "numpy", "random", "re", "token", "torch", "typing")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def run_command(tiny_file: Path) -> list[str]:
    return ["run", str(tiny_file), "--seeds", "2", "--jobs", "1", "--out", "results"]


@pytest.fixture(scope="session")
def finished(run_command: list[str], tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What a whole run says; its results are below ``finished.args[-1]``."""
    folder = tmp_path_factory.mktemp("finished")
    for module in SHADOWS:
        (folder / f"{module}.py").write_text(f"open({str(folder / 'executed')!r}, 'w')\n1 / 0\n", encoding="utf-8")
    done = process(run_command, folder)
    assert done.returncode == 0, done.stderr
    return subprocess.CompletedProcess([str(folder)], 0, done.stdout, done.stderr)


@pytest.fixture
def results(finished: subprocess.CompletedProcess[str], tmp_path: Path) -> Path:
    """A copy of the finished results that a test may damage."""
    return Path(shutil.copytree(Path(finished.args[0]) / "results", tmp_path / "results"))


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts take seconds to draw; a test of something else does without."""
    leave_out_charts(monkeypatch)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """A process of its own takes seconds to begin; one that shows that it is begun is enough."""
    use_in_this_process(monkeypatch)
