"""Who may import whom. The layers point one way: cli -> paper -> {data, learners, measures, report} -> core."""

import ast
from functools import cache
from pathlib import Path

import pytest

import sayso

ROOT = Path(sayso.__file__).parent
#: What each part may import of the others. The modules beside them (api, results, ...) may import all but the cli.
ALLOWED = {
    "core": set(),
    "data": {"core"},
    "learners": {"core"},
    "measures": {"core"},
    "stats": {"core"},
    "report": {"core", "stats"},
    "runs": {"core", "data", "learners"},
    "query": {"core", "runs"},
    "export": {"core", "data", "report"},
    "paper": {"core", "data", "learners", "measures", "stats"},
}
ROOT_MODULES = {"__init__", "__main__", "api", "compared", "results", "trusted", "whole_paper"}
HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "accelerate", "peft"}
#: Modules of learners that only describe: they may not import what is heavy when they are imported.
LIGHT = {"core", "data", "export", "report", "stats", "paper", "measures"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


@cache
def imported(path: Path, *, for_type_checkers: bool = False) -> frozenset[str]:
    """Every module a file imports, anywhere in it; those for type checkers alone only if asked for."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if not for_type_checkers and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(found)


def parts_of(names: frozenset[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("sayso.") and len(name.split(".")) > 1}


def test_every_part_is_known():
    packages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert packages == {*ALLOWED, "cli"}
    assert {path.stem for path in ROOT.glob("*.py")} == ROOT_MODULES


@pytest.mark.parametrize(
    "module", [name for name in MODULES if len(name.split(".")) > 1 and name.split(".")[1] in ALLOWED]
)
def test_imports_point_one_way(module):
    part = module.split(".")[1]
    beyond = parts_of(imported(MODULES[module])) - {part} - ALLOWED[part]
    assert beyond == set(), f"{module} imports {beyond}"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith(("sayso.cli", "sayso.__main__"))])
def test_nothing_imports_the_command_line(module):
    assert "cli" not in parts_of(imported(MODULES[module]))


@pytest.mark.parametrize(
    "module", [name for name in MODULES if len(name.split(".")) > 1 and name.split(".")[1] in LIGHT - {"measures"}]
)
def test_light_parts_import_nothing_heavy_anywhere(module):
    heavy = {name.split(".")[0] for name in imported(MODULES[module])} & HEAVY
    assert heavy == set(), f"{module} imports {heavy}"


def test_there_are_no_import_circles_not_even_for_type_checkers_or_inside_functions():
    graph = {
        name: {other for other in imported(path, for_type_checkers=True) if other in MODULES and other != name}
        for name, path in MODULES.items()
    }
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*path, name))
            done.add(name)

    for name in graph:
        walk(name, ())
    assert done == set(MODULES)


@pytest.mark.parametrize("part", [*sorted(LIGHT), "runs", "query"])
def test_importing_a_light_part_loads_nothing_heavy_at_any_depth(part, fresh_python):
    names = [name for name in MODULES if name == f"sayso.{part}" or name.startswith(f"sayso.{part}.")]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted({HEAVY!r} & sys.modules.keys()))"
    )
    assert fresh_python(code) == "[]\n"


def test_importing_sayso_loads_nothing_that_does_not_come_with_python(fresh_python):
    code = (
        "import sys; before = set(sys.modules); import sayso\n"
        "print(sorted({name.split('.')[0] for name in sys.modules.keys() - before}))"
    )
    assert fresh_python(code) == "['sayso']\n"


def test_names_of_sayso_are_fetched_when_they_are_used(fresh_python):
    code = (
        "import sys; import sayso; assert set(sayso.__all__) <= set(dir(sayso)); print('sayso.api' in sys.modules)\n"
        "sayso.load('pocket'); print('sayso.api' in sys.modules)\n"
        "import sayso.data.samples, sayso.results; print(callable(sayso.samples), sayso.Results.__name__)\n"
        "from sayso import *; print(TABLE_1[0].name); print(hasattr(sayso, 'Experimnt'), sayso.results.__name__)"
    )
    assert fresh_python(code).splitlines() == ["False", "True", "True Results", "D1cons_QA1", "False sayso.results"]


def test_importing_sayso_loads_neither_what_trains_nor_what_reports(fresh_python):
    heavy = HEAVY | {"pandas", "scipy", "statsmodels", "altair", "matplotlib"}
    code = f"import sys; import sayso; sayso.load('pocket'); print(sorted({heavy!r} & sys.modules.keys()))"
    assert fresh_python(code) == "[]\n"


def test_the_help_of_the_command_line_loads_only_what_reads_it(fresh_python):
    heavy = HEAVY | {"pandas", "scipy", "statsmodels", "altair", "matplotlib", "numpy", "pydantic", "yaml", "rich"}
    code = (
        "import sys\nfrom sayso.cli.app import main\nsys.argv = ['sayso', '--help']\n"
        f"try: main()\nexcept SystemExit as end: assert not end.code\nprint(sorted({heavy!r} & sys.modules.keys()))"
    )
    assert fresh_python(code).splitlines()[-1] == "[]"


def test_public_names_are_those_that_are_promised():
    assert len(set(sayso.__all__)) == len(sayso.__all__)
    assert all(hasattr(sayso, name) for name in sayso.__all__)
