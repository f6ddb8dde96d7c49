"""The wheel and the sdist: what is in them, and that the wheel works with nothing but what it asks for."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from email import message_from_string
from importlib import metadata
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Bytes that a wheel may take at most: it has code, a table of people and templates.
SMALL = 1_500_000


def files_of(*folders: str) -> set[str]:
    """Files of the checkout below these folders, without what building and testing leave behind."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "_build", ".ipynb_checkpoints"} & set(path.parts)
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, built without a network."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "arning" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer lays it out."""
    folder = tmp_path_factory.mktemp("target")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_has_every_file_of_the_source_and_nothing_else(unpacked: Path) -> None:
    there = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    own = {name for name in there if ".dist-info/" not in name}
    assert own == {name.removeprefix("src/") for name in files_of("src")}
    assert {Path(name).suffix for name in own} == {".py", ".typed", ".csv", ".json", ".j2", ".js", ".css"}
    about = {name.partition(".dist-info/")[2] for name in there - own}
    assert about == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def test_the_wheel_is_small_typed_and_for_any_machine(wheel: Path, unpacked: Path) -> None:
    assert wheel.name == f"sayso-{PROJECT['version']}-py3-none-any.whl"
    assert wheel.stat().st_size < SMALL
    assert (unpacked / "sayso" / "py.typed").exists()


def test_metadata_are_those_of_the_project(unpacked: Path) -> None:
    (text,) = (path.read_text(encoding="utf-8") for path in unpacked.glob("*.dist-info/METADATA"))
    about = message_from_string(text)
    assert (about["Name"], about["Version"]) == ("sayso", PROJECT["version"])
    assert about["Requires-Python"] == "<3.15,>=3.11"
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Description-Content-Type"] == "text/markdown"
    assert about.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(about.get_all("Provides-Extra") or []) == set(PROJECT["optional-dependencies"])
    assert (unpacked / f"sayso-{PROJECT['version']}.dist-info" / "entry_points.txt").read_text(encoding="utf-8") == (
        "[console_scripts]\nsayso = sayso.cli.app:main\n"
    )


def test_pythons_are_said_alike_everywhere() -> None:
    low, high = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert named == [f"3.{minor}" for minor in range(low, high)]
    assert f"(3, {low}) <= sys.version_info < (3, {high})" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_versions_and_addresses_are_the_citations() -> None:
    import sayso

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert sayso.__version__ == PROJECT["version"]
    assert f"\nversion: {PROJECT['version']}\n" in citation
    assert all(f'"{url}"' in citation for url in PROJECT["urls"].values())


def test_the_sdist_has_what_its_tests_read(built: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        there = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert files_of("src", "tests", "benchmarks", "docs") <= there
    above = {"CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "constraints.txt"}
    assert above | {"pyproject.toml", ".pre-commit-config.yaml"} <= there
    assert not {name for name in there if "__pycache__" in name or name.startswith((".git/", "docs/_build", "dist"))}


def test_nothing_of_posix_alone_is_imported_or_named() -> None:
    """So that Windows has `import sayso` and ``sayso --help``, though runs are tried on Linux alone."""
    modules = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    names = {"fork", "getuid", "geteuid", "getgid", "killpg", "setsid", "uname", "mkfifo", "O_DIRECTORY", "SIGKILL"}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            found |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
            assert not found & modules, path
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in ("os", "signal")
            ):
                assert node.attr not in names, path


# Only what it asks for


@pytest.fixture(scope="module")
def alone(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and what it requires, and what that requires: as an environment with nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    wanted, there = [*PROJECT["dependencies"]], set()
    while wanted:
        requirement = wanted.pop()
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
        if name in there or "extra ==" in requirement:
            continue
        there.add(name)
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # it is for another system or another Python
            assert ";" in requirement
            continue
        wanted += package.requires or []
        for top in {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(package.locate_file(top))))
    for each in unpacked.iterdir():
        shutil.copytree(each, folder / each.name)
    return folder


def run(alone: Path, words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``sayso`` with the modules of a folder and Python's own, in another folder."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-S", "-W", "error", "-m", "sayso", *words],
        cwd=folder,
        env={**environment, "HOME": str(folder), "PYTHONPATH": str(alone)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--help"], "Commands:"),
        (["--version"], "torch not installed"),
        (["list"], "pocket"),
        (["show", "pocket"], "train.batch_size"),
        (["sample", "pocket", "--subset", "D5cons", "-n", "1"], "D5cons"),
    ],
)
def test_the_wheel_alone_describes_experiments_and_makes_data(
    words: list[str], says: str, alone: Path, tmp_path: Path
) -> None:
    done = run(alone, words, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


def test_the_wheel_alone_says_in_one_line_what_training_takes(alone: Path, tmp_path: Path) -> None:
    done = run(alone, ["demo"], tmp_path)
    assert done.returncode == 2
    assert re.search(r"^sayso: error: .* needs \w+.*: pip install 'sayso\[\w+\]'$", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
