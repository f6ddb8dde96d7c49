from pathlib import Path

import pytest

from sayso.cli.demo import DEMO
from tests.cli.calling import call

ROOT = Path(__file__).parents[2]


def test_the_demo_is_a_run_of_its_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sayso-results").write_text("so that nothing is trained", encoding="utf-8")
    said = call("demo", "--seeds", "100-101")
    assert said.exit_code == 2
    first, error = said.stderr.splitlines()
    assert first.startswith(f"the demo is 'sayso run {DEMO}'")
    assert error == call("run", DEMO, "--seeds", "100-101").stderr.rstrip("\n")
    assert error.startswith(f"sayso: error: sayso-results/{DEMO}: cannot write here")


def test_make_demo_is_the_same() -> None:
    assert "\t@$(BIN)/sayso demo\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
