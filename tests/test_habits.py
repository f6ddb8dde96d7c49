"""What CONTRIBUTING.md, the hooks, the container and the templates name is there."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from sayso.paper.table import EXPERIMENTS
from tests.test_layers import ALLOWED, LIGHT, ROOT_MODULES

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEMPLATES = [*sorted((ROOT / ".github").rglob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "docs" / "decisions.md"]


def rows(heading: str) -> list[list[str]]:
    """Cells of the rows of the first table below a heading."""
    below = CONTRIBUTING.partition(f"\n## {heading}\n")[2]
    table = re.findall(r"(?:^\|.*\n)+", below, re.MULTILINE)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_map_is_of_the_folders_there_are_and_says_what_they_may_import() -> None:
    found: dict[str, set[str]] = {}
    for names, _, allowed in rows("The map of the house"):
        folders = re.findall(r"`(\w+)`", names)
        if len(folders) == 1:
            found[folders[0]] = set(re.findall(r"`(\w+)`", allowed))
    for name in ALLOWED.keys() - {"query", "export", "paper"}:
        assert found[name] == ALLOWED[name], name
    assert found["paper"] == ALLOWED.keys() - ALLOWED["paper"] - {"paper"}  # it is said the other way round
    (two,) = (row for row in rows("The map of the house") if row[0] == "`query`, `export`")
    parts = [set(re.findall(r"`(\w+)`", part)) for part in two[2].split(";")]
    assert parts == [ALLOWED["query"], ALLOWED["export"]]
    named = {name for row in rows("The map of the house") for name in re.findall(r"`(\w+)`", row[0])}
    there = {path.name for path in (ROOT / "src" / "sayso").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert there | (ROOT_MODULES - {"__init__", "__main__"}) == named


def test_what_loads_no_torch_is_said_as_it_is_tested() -> None:
    (said,) = re.findall(r"^(`core`.*?) load no torch", CONTRIBUTING, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", said)) == LIGHT


def test_the_default_seeds_of_every_experiment_are_in_the_table_and_none_were_for_choosing() -> None:
    (choosing, *others) = rows("How a number is confirmed")
    assert choosing[0] == "0-99"
    begins = {int(re.split(r"\D", row[0])[0]) for row in others} | {116}
    assert {experiment.seeds.first for experiment in EXPERIMENTS.values()} <= begins


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_files_and_commands_that_are_named_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    source = ROOT / "src" / "sayso"
    places = [ROOT, source, *(source / name for name in ("paper", "measures", "report"))]
    for name in re.findall(r"`([\w./-]+\.(?:py|md|json|toml|cff|txt|yaml))`", text):
        of_a_job = name == "finished.json"
        assert of_a_job or any((place / name).exists() for place in places), f"{path.name}: {name}"
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= TARGETS
    for module in re.findall(r"python -m (benchmarks\.\w+)", text):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists()


def test_links_lead_to_pages() -> None:
    for path in TEMPLATES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_hooks_are_what_make_check_does_with_the_tools_of_the_project() -> None:
    found = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = found["repos"]
    assert repository["repo"] == "local"  # so that there is one version of each tool, which pyproject.toml bounds
    checks = re.findall(r"^\t\$\(BIN\)/(.+)$", MAKEFILE.partition("\ncheck:")[2].partition("\n\n")[0], re.MULTILINE)
    hooks = [hook["entry"] for hook in repository["hooks"]]
    assert hooks == [".venv/bin/" + check.removesuffix(" .") for check in checks]
    assert len(hooks) == 3
    required = {re.split(r"[^\w-]", line)[0] for line in PROJECT["optional-dependencies"]["dev"]}
    assert {Path(entry.split()[0]).name for entry in hooks} <= required


def test_the_container_has_a_python_that_sayso_takes_and_runs_a_target() -> None:
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    (minor,) = re.findall(r":3\.(\d+)-", found["image"])
    low, high = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    assert low <= int(minor) < high
    assert found["postCreateCommand"].split() == ["make", "test"]
    assert "test" in TARGETS


def test_the_workflow_calls_what_ci_is_and_takes_pythons_that_sayso_takes() -> None:
    found = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = found["jobs"]["check"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    low, high = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    assert job["strategy"]["matrix"]["python"] == [f"3.{low}", f"3.{high - 1}"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
