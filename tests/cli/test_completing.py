"""What Tab offers: by the way shells ask, in this process and in one of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from sayso.cli import completing
from sayso.measures.named import MEASURES
from sayso.paper.table import EXPERIMENTS
from tests.cli.calling import call, process


def offered(folder: Path, words: str, shell: str = "zsh") -> list[str]:
    """What the ``sayso`` command answers to a shell that asks for the end of these words."""
    environment = {"_SAYSO_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": words}
    if shell == "bash":
        environment |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = process([], folder, environment)
    assert done.stderr == ""
    return done.stdout.split() if shell == "bash" else done.stdout.splitlines()


def the_command(folder: Path, words: str) -> list[str]:
    """As `offered`, words alone, under bash."""
    return offered(folder, words, "bash")


@pytest.fixture(autouse=True)
def called_sayso(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells ask the program by its name; ``python -m sayso`` is called otherwise."""
    from tests.cli import calling

    program = "import sys; sys.argv[0] = 'sayso'; from sayso.cli.app import main; main()"
    monkeypatch.setattr(calling, "SAYSO", [sys.executable, "-c", program])


def test_experiments_settings_and_commands_are_offered(tmp_path: Path) -> None:
    assert the_command(tmp_path, "sayso run pocket-t") == [name for name in EXPERIMENTS if name.startswith("pocket-t")]
    assert the_command(tmp_path, "sayso run pocket --set train.batch") == ["train.batch_size="]
    assert the_command(tmp_path, "sayso re") == ["results", "report"]


def test_shells_that_show_help_are_given_some(tmp_path: Path) -> None:
    (line,) = offered(tmp_path, "sayso run pocket --set train.batch_size")
    assert '"train.batch_size="' in line.replace("\\", "")
    assert str(EXPERIMENTS["pocket"].train.batch_size) in line


def test_nothing_is_offered_for_what_is_not_known(tmp_path: Path) -> None:
    assert the_command(tmp_path, "sayso run nothing-of-this-name --set train") == []
    assert the_command(tmp_path, "sayso show pocket --set train.batch_size=1") == []


def test_results_folders_are_offered_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completing.folders("") == []
    for name in ("pocket", "pocket-t5", "mine"):
        (tmp_path / "sayso-results" / name).mkdir(parents=True)
        (tmp_path / "sayso-results" / name / "experiment.json").touch()
    (tmp_path / "sayso-results" / "pocket-no-results").mkdir()
    assert completing.folders("po") == [("pocket", ""), ("pocket-t5", "")]
    assert the_command(tmp_path, "sayso claims m") == ["mine"]


def test_measures_are_offered() -> None:
    assert {name for name, _ in completing.measures("")} == set(MEASURES)
    assert [name for name, _ in completing.measures("exact_match_by")] == [
        "exact_match_by_attribute",
        "exact_match_by_entity",
    ]


def test_words_that_are_always_the_same_are_those_that_are_taken() -> None:
    from sayso.cli.folders import FORMATS, SIZES
    from sayso.report.sizes import format_of, size_of

    assert [size_of(name).name for name in SIZES] == [*SIZES]
    assert [format_of(name) for name in FORMATS] == [*FORMATS]
    assert completing.of(*FORMATS)("p") == [("pdf", ""), ("png", "")]


def test_no_torch_is_loaded_for_it() -> None:
    program = (
        "import sys; from sayso.cli import completing; completing.experiments(''); completing.measures('');"
        "completing.folders(''); sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_names_the_command(shell: str, tmp_path: Path) -> None:
    done = process(["--show-completion", shell], tmp_path, {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SAYSO_COMPLETE=complete_{shell}" in done.stdout


def test_help_names_the_options_that_install_it() -> None:
    assert {"--install-completion", "--show-completion"} <= set(call("--help").stdout.split())
