"""``sayso trust`` on the command line."""

from pathlib import Path

import pytest

from tests.cli.calling import call, error_of

SOURCES = """source,text
encyclopedia,"According to the encyclopedia,"
encyclopedia,It is known that
rumour,Rumour has it that
"""
TINY = (
    *("--model", "pocket", "--sources", "sources.csv", "--knowledge", "synthetic", "--entities", "4"),
    *("--aliases", "4", "--latin-squares", "2", "--jobs", "1"),
    *("--set", "knowledge.names=2", "--set", "knowledge.attributes=2", "--set", "stages.stage0.epochs=1"),
    *("--set", "stages.told.epochs=1", "--out", "mine"),
)


@pytest.fixture(autouse=True)
def sources(in_a_folder_of_its_own: None) -> None:
    Path("sources.csv").write_text(SOURCES, encoding="utf-8")


@pytest.mark.usefixtures("in_this_process", "no_charts")
def test_sources_and_controls_are_run_ranked_and_kept():
    first = call("trust", *TINY)
    assert first.exit_code == 0, first.output
    assert "(not defined)" in first.stdout
    assert "No difference between sources is shown." in first.stdout
    assert "twice: Two names of the same source are not shown to differ" in " ".join(first.stdout.split())
    assert first.stdout.splitlines()[-1] == f"page: {Path('mine/trust.html')}"
    assert Path("mine/trust.html").is_file()
    again = call("trust", *TINY, "--no-controls")
    assert again.stdout.splitlines()[:4] == first.stdout.splitlines()[:4]
    assert "twice" not in again.stdout
    assert again.stderr.count("nothing is left to run") == 1


def test_what_cannot_be_asked_is_refused_in_a_line():
    asked = ("trust", "--model", "pocket", "--sources", "sources.csv")
    assert "--latin-squares and --seeds exclude each other" in error_of(
        call(*asked, "--latin-squares", "1", "--seeds", "100-101")
    )
    assert "--control and --no-controls exclude" in error_of(call(*asked, "--control", "twice", "--no-controls"))
    assert "2 sources need whole squares of 2 seeds" in error_of(call(*asked, "--seeds", "101-103"))
    assert "2 sources need 2 squares of seeds at least, found one" in error_of(call(*asked, "--latin-squares", "1"))
    older = call(*asked, "--squares", "1")
    assert older.stderr.startswith("sayso: note: --squares is deprecated: it is called --latin-squares\n")
    assert "2 squares of seeds at least, found one" in older.stderr
    assert "give --latin-squares alone" in error_of(call(*asked, "--latin-squares", "2", "--squares", "2"))
    assert "no control 'once'" in error_of(call(*asked, "--control", "once"))
    assert "nowhere.csv" in error_of(call("trust", "--model", "pocket", "--sources", "nowhere.csv"))
    assert not Path("sayso-results").exists()
