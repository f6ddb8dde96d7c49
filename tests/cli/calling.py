"""How tests call the command line: in this process, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from typer.testing import CliRunner, Result

from sayso.cli.commands import app

SAYSO = [sys.executable, "-m", "sayso"]
#: The same without charts, which take seconds to draw.
WITHOUT_CHARTS = """
import runpy
from sayso.results import Results
Results.report = lambda results, *_, **__: results.path / "report.html"
runpy.run_module("sayso", run_name="__main__", alter_sys=True)
"""


def call(*words: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


def error_of(result: Result) -> str:
    """The one line a refused command says."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("sayso: error: ")
    return line.removeprefix("sayso: error: ")


def process(
    words: Sequence[str | Path], folder: Path, environment: dict[str, str] | None = None, *, charts: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [*(SAYSO if charts else [sys.executable, "-c", WITHOUT_CHARTS]), *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**os.environ, **(environment or {})},
    )
