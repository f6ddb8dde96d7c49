"""Code of a user's own runs where it is asked for, from where the user says, and never by looking at results."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sayso.core.experiment import Experiment
from tests.cli.calling import call, error_of, process

CODE = """
import sayso
from pathlib import Path
from sayso.data.pocket import PocketWorld
from sayso.measures.exact_match import ExactMatch

with (Path(__file__).parent / "executed").open("a") as marks:
    marks.write("x")

class World(PocketWorld):
    more: int = 1

class Count(ExactMatch):
    pass

EXPERIMENT = sayso.load({tiny!r}).with_settings({{"stages.stage1.epochs": 1, "stages.stage2.epochs": 1}}).model_copy(
    update={{
        "name": "mine",
        "knowledge": World(facts="synthetic", entities=8, values=4, names=4, pool=16),
        "measures": (Count(),),
        "seeds": sayso.Seeds(first=100, count=1),
    }}
)
"""


@pytest.fixture(scope="module")
def ran(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``code/of_mine.py``, ``mine.json``, which names its types, and ``results``."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "code").mkdir()
    (folder / "code" / "of_mine.py").write_text(CODE.format(tiny=str(tiny_file)), encoding="utf-8")
    shown = process(["show", "code/of_mine.py:EXPERIMENT", "--json"], folder)
    assert (shown.returncode, shown.stderr) == (0, "")
    (folder / "mine.json").write_text(shown.stdout, encoding="utf-8")
    assert '"type": "of_mine:World"' in shown.stdout
    done = process(["run", "mine.json", "--code", "code", "--out", "results"], folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def beside(ran: Path, tmp_path: Path) -> Path:
    """A folder that has results and, beside them, the code that must not run."""
    shutil.copytree(ran / "results", tmp_path / "results")
    shutil.copy(ran / "code" / "of_mine.py", tmp_path)
    return tmp_path


#: Commands one after the other, as if each were typed; where one runs code of the user's, the next are not begun.
LOOKS = """
import os, runpy, sys
for words in sys.argv[1:]:
    sys.argv = ["sayso", *words.split(), "results"]
    try:
        runpy.run_module("sayso", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, words
    assert not os.path.exists("executed"), words
"""


def test_looking_at_results_runs_no_code_of_anybodys(beside: Path) -> None:
    commands = ["status", "results", "results --json", "claims", "report"]
    done = subprocess.run(
        [sys.executable, "-c", LOOKS, *commands], cwd=beside, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("all finished", "exact match", '"value"', "undecided", "report.html"):
        assert words in done.stdout
    page = (beside / "results" / "report.html").read_text(encoding="utf-8")
    assert "of_mine:World is code of your own, which reading results does not run" in page
    assert "Sample documents" not in page


def test_the_report_of_a_run_shows_documents_of_own_facts(ran: Path) -> None:
    page = (ran / "results" / "report.html").read_text(encoding="utf-8")
    assert "Sample documents" in page
    assert "code of your own" not in page


def test_what_is_run_again_is_what_was_run(beside: Path) -> None:
    """The folder's own experiment, as ``sayso status`` says to go on: nothing is left to run."""
    again = process(["run", "results/experiment.json", "--out", "results"], beside, charts=False)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (0, "nothing is left to run")
    assert (beside / "executed").exists()


def test_own_code_is_found_by_module_by_file_and_below_a_folder(ran: Path, tiny: Experiment) -> None:
    package = ran / "package"
    package.mkdir(exist_ok=True)
    shutil.copy(ran / "code" / "of_mine.py", package)
    for words, folder in (
        (["of_mine:EXPERIMENT"], ran / "code"),
        (["of_mine:EXPERIMENT", "--code", "code"], ran),
        (["code/of_mine.py:EXPERIMENT"], ran),
        (["package/of_mine.py:EXPERIMENT", "--code", "."], ran),
        (["mine.json", "--code", "code"], ran),
    ):
        done = process(["show", *words], folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.match(r"mine   digest \w{16}\n", done.stdout)
    sampled = process(["sample", "mine.json", "--code", "code", "-n", "1", "--subset", "D5cons"], ran)
    assert (sampled.returncode, sampled.stderr) == (0, "")
    missing = process(["show", "mine.json"], ran)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "cannot import 'of_mine' for 'of_mine:World'" in missing.stderr


def test_a_file_called_as_another_module_is_an_error_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("EXPERIMENT = 1", encoding="utf-8")
    message = error_of(call("show", "random.py:EXPERIMENT"))
    assert message.startswith("random.py: 'random' is the name of another module as well (")
    assert message.endswith("random.py); rename it")
    (tmp_path / "elsewhere").mkdir()
    assert "not below --code elsewhere" in error_of(call("show", "random.py:EXPERIMENT", "--code", "elsewhere"))


def test_yaml_with_types_of_earlier_versions_is_read(tiny: Experiment, tmp_path: Path) -> None:
    data = tiny.model_dump(mode="json")
    data["model"]["type"] = "sayso.learners.specs_of_before:FromScratch"
    data["measures"][0]["type"] = "sayso.measures:ExactMatch"
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    assert Experiment.model_validate_json(call("show", "old.yaml", "--json").stdout) == tiny
