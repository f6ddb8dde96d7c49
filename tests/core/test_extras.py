"""Whoever lacks a library is told a command that brings it: of all that the source imports, and all that it says."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from sayso.core.extras import PART_OF, advice, installing
from tests.cli.calling import call

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sayso"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Packages whose modules are called otherwise.
PACKAGE = {"yaml": "pyyaml", "PIL": "pillow", "sklearn": "scikit-learn", "vl_convert": "vl-convert-python"}
#: What comes with what is asked for, and is imported by itself.
COMES_WITH = {"pydantic_core": "pydantic", "markupsafe": "jinja2", "huggingface_hub": "transformers"}


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def package(module: str) -> str:
    return COMES_WITH.get(module) or PACKAGE.get(module, module).replace("_", "-")


@cache
def brought(part: str) -> frozenset[str]:
    """Packages that a part brings, those of other parts that it is made of included."""
    found: set[str] = set()
    for line in PROJECT["optional-dependencies"][part]:
        if own := re.fullmatch(r"sayso\[(.+)\]", line):
            found.update(*(brought(each) for each in own[1].split(",")))
        else:
            found.add(name_of(line))
    return frozenset(found)


@pytest.fixture(scope="module")
def trees() -> dict[Path, list[ast.AST]]:
    """Every file of the source, as all of its nodes that import something or try to."""
    kinds = (ast.Import, ast.ImportFrom, ast.Try)
    files = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    return {path: [node for node in ast.walk(tree) if isinstance(node, kinds)] for path, tree in files.items()}


def imported(trees: dict[Path, list[ast.AST]]) -> Iterator[tuple[str, str]]:
    """Modules of others that the source imports, and where."""
    for path, nodes in trees.items():
        for node in nodes:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "sayso":
                    yield top, f"{path.relative_to(ROOT)}"


BASE = frozenset(map(name_of, PROJECT["dependencies"]))


def test_everything_imported_comes_with_sayso_or_with_the_part_that_is_named(trees: dict[Path, list[ast.AST]]) -> None:
    found = dict(imported(trees))
    assert len(found) > 30
    for module, where in found.items():
        if package(module) not in BASE:
            assert module in PART_OF, f"{where} imports {module}, which no part is known for"
            assert package(module) in brought(PART_OF[module]), f"{where}: {PART_OF[module]} does not bring {module}"


def test_no_part_is_named_for_a_module_that_nothing_imports(trees: dict[Path, list[ast.AST]]) -> None:
    there = {module for module, _ in imported(trees)} | {"accelerate"}  # which transformers imports to read GGUF files
    assert set(PART_OF) <= there


@pytest.mark.parametrize(("module", "other"), COMES_WITH.items())
def test_what_is_said_to_come_with_another_package_does(module: str, other: str) -> None:
    pytest.importorskip(module)
    (name,) = set(metadata.packages_distributions()[module])
    assert name_of(name) in {name_of(line) for line in metadata.requires(other) or []}


def test_every_advice_in_the_source_names_parts_there_are() -> None:
    found, modules = [], []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        said = [
            *re.findall(r"pip install[^'\"]*'sayso\[([\w,]+)\]'", text),
            *re.findall(r"installing\(['\"](\w+)", text),
        ]
        found += [(path, part) for parts in said for part in parts.split(",")]
        modules += [(path, module) for module in re.findall(r"advice\(['\"](\w+)", text)]
    assert len(found) >= 4
    assert len(modules) >= 7
    assert [(path, part) for path, part in found if part not in PROJECT["optional-dependencies"]] == []
    assert [(path, module) for path, module in modules if module not in PART_OF] == []


def test_where_pipx_installed_sayso_its_own_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert advice("ray") == "pip install 'sayso[ray]'"
    (tmp_path / "pipx_metadata.json").touch()
    assert advice("ray") == "pipx runpip sayso install 'sayso[ray]'"
    assert installing("ray", "lora", upgrade=True) == "pipx runpip sayso install --upgrade 'sayso[ray,lora]'"


def test_advice_beside_an_import_brings_what_is_imported(trees: dict[Path, list[ast.AST]]) -> None:
    """Where a ``try`` imports libraries and its ``except`` names a part, that part brings them."""
    checked = set()
    for path, nodes in trees.items():
        for node in (each for each in nodes if isinstance(each, ast.Try)):
            handlers = " ".join(map(ast.unparse, node.handlers))
            said = [PART_OF[each] for each in re.findall(r"advice\('(\w+)'\)", handlers)]
            for inner in (each for line in node.body for each in ast.walk(line)):
                names = [alias.name for alias in inner.names] if isinstance(inner, ast.Import) else []
                if isinstance(inner, ast.ImportFrom):
                    names = [str(inner.module)]
                for module in {name.partition(".")[0] for name in names} & set(PART_OF):
                    for part in said:
                        checked.add(module)
                        assert package(module) in brought(part), f"{path.name}: {part} does not bring {module}"
    assert checked >= {"sklearn", "peft", "ray", "submitit"}


@pytest.mark.parametrize("module", sorted(PART_OF))
def test_the_command_line_says_so_in_one_line(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object) -> None:
        raise ModuleNotFoundError(f"No module named '{module}.sub'", name=f"{module}.sub")

    monkeypatch.setattr("sayso.cli.terminal.show", lacks)
    result = call("list")
    assert result.exit_code == 2
    assert result.stderr == f"sayso: error: this needs {module}, which is not installed: {advice(module)}\n"
