"""Runs a page of the guide: its blocks in order, in one folder.

``sayso`` runs in this process unless the line asks something of a shell; other commands, and such lines, run in a
shell, in which ``sayso`` and ``python`` are those of the tests. Python blocks of a page share their names. What
installs or fetches is never run.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sayso.cli.commands import app
from tests.docs.pages import Block, blocks, commands
from tests.in_this_process import leave_out_charts

#: What installs or fetches.
NEVER_RUN = {"pip", "pipx", "uv", "uvx", "conda", "git", "make"}
#: What would have to last from one command to the next.
LASTING = {"cd", "export", "source", "alias"}


def run_page(page: Path, folder: Path, *, slow: bool) -> None:
    """Run what a page says in an empty `folder`, where this process is already; with `slow` blocks only if told.

    Raises
    ------
    AssertionError
        If a command or a block fails, or prints something else than the page says; with page, line and command.
    """
    names: dict[str, object] = {"__name__": "page"}
    printed: str | None = ""
    with _nothing_stays(folder):
        sys.path.insert(0, str(folder))
        for block in blocks(page.read_text("utf-8")):
            if "not run" in block.said or ("slow" in block.said and not slow):
                printed = None if block.language in ("sh", "python") else printed
                continue
            where = f"{page.name}:{block.line}"
            if "copy" in block.said:
                shutil.copy(page.parent / block.said["copy"], folder)
            if "file" in block.said:
                _write(folder, block)
            elif "printed" in block.said:
                if printed is not None:
                    _compare(block, printed, where)
            elif block.language == "python":
                printed = _run_python(block, names, where)
            elif block.language == "sh":
                printed = "".join(
                    _run_command(command.text, folder, f"{page.name}:{command.line}", refused="refused" in block.said)
                    for command in commands(block.text, block.line)
                )


def _write(folder: Path, block: Block) -> None:
    file = folder / block.said["file"]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")
    importlib.invalidate_caches()


def _compare(block: Block, printed: str, where: str) -> None:
    """Every line that is said to be printed was, in that order, blanks apart."""
    rest = [" ".join(line.split()) for line in printed.splitlines()]
    for line in filter(None, (" ".join(line.split()) for line in block.text.splitlines())):
        if line == "...":
            continue
        shape = re.compile(".*".join(map(re.escape, line.split("..."))))
        place = next((place for place, each in enumerate(rest) if shape.fullmatch(each)), None)
        assert place is not None, f"{where}: not printed (or not after the lines before it): {line}\n{printed}"
        rest = rest[place + 1 :]


def _run_python(block: Block, names: dict[str, object], where: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), _without_charts("", of_python=block.text):
        # as far down as on the page, so that a traceback names its lines
        exec(compile("\n" * (block.line - 1) + block.text, where, "exec"), names)
    return out.getvalue()


def _run_command(command: str, folder: Path, where: str, *, refused: bool) -> str:
    first = command.split()[0]
    assert first not in LASTING, f"{where}: every command begins anew in the page's folder: {command}"
    if first in NEVER_RUN:
        return ""
    code, output = (_in_this_process if is_plain(command) else _in_a_shell)(command, folder)
    ended = f"{where}: '{command}' ends with code {code}:\n{output}"
    assert (code in (1, 2)) if refused else (code == 0), ended
    return output


def is_plain(command: str) -> bool:
    """Whether a line is one command of sayso's that asks nothing of a shell, but that its output may go to a file."""
    bare = re.sub(r"'[^']*'", "''", command)
    if not command.startswith("sayso ") or re.search(r"[$`\\]", bare):
        return False
    bare = re.sub(r'"[^"]*"', '""', bare)
    return not re.search(r"[|&;<()*?~]", re.sub(r" > \S+$", "", bare)) and bare.count(">") <= 1


def _in_this_process(command: str, folder: Path) -> tuple[int, str]:
    words = shlex.split(command)
    file = None
    if len(words) > 2 and words[-2] == ">":
        words, file = words[:-2], folder / words[-1]
    importlib.invalidate_caches()
    with _nothing_stays(folder), _without_charts(words[1]):
        sys.path.remove(str(folder))  # a command does not look for modules where it is begun
        result = CliRunner().invoke(app, words[1:])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if file is not None:
        file.write_text(result.stdout, encoding="utf-8")
        return result.exit_code, result.stderr
    return result.exit_code, result.output


def _in_a_shell(command: str, folder: Path) -> tuple[int, str]:
    programs = folder.parent / "bin"
    if not programs.exists():
        programs.mkdir()
        for name, words in (("sayso", "-m sayso "), ("python", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n')
            (programs / name).chmod(0o755)
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout


@contextlib.contextmanager
def _nothing_stays(folder: Path) -> Iterator[None]:
    """Forget modules of the folder's that were imported, and where modules are looked for."""
    before, path = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
                del sys.modules[name]


@contextlib.contextmanager
def _without_charts(command: str, of_python: str = "") -> Iterator[None]:
    """Charts take seconds to draw: only what is asked for is drawn."""
    with pytest.MonkeyPatch.context() as patch:
        if command in ("run", "measure") or (of_python and ".report(" not in of_python):
            leave_out_charts(patch)
        yield
