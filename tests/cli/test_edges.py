"""What may come in from outside, and is nobody's mistake in sayso: one line each, and no traceback."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.results import Results
from tests.cli.calling import SAYSO, call, error_of, process
from tests.planted import planted_records, planted_store

#: A file's name that is no UTF-8, as Python has it.
NO_UTF8 = os.fsdecode(b"x\xff")
#: The same in what is printed.
ESCAPED = "x\\udcff"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "TINY", "--seeds", "99999999999999999999-99999999999999999999"], "99999999999999999999 is too large"),
        (["run", "TINY", "--seeds", "1-99999999999"], "99999999999 seeds are too many; 1000000 can be run"),
        (["run", "TINY", "--seeds", "99999999999999999999"], "seeds are too many"),
        (["show", "TINY", "--set", "seeds.count=99999999999"], "seeds are too many"),
        (["show", "TINY", "--set", "seeds.first=9223372036854775807"], "is too large; the largest is 92233720368547"),
        (["show", "TINY", "--set", 'summary="\\ud800"'], "setting summary: '\\ud800' is no text that UTF-8 can write"),
        (["show", "TINY", "--set", 'model.config.x="\\udfff"'], "is no text that UTF-8 can write"),
        (["show", "TINY", "--set", 'sources.new.text=["a","\\ud800"]'], "is no text that UTF-8 can write"),
        (["show", "TINY", "--sweep", 'sources.new.text=["a","\\ud800"]'], "is no text that UTF-8 can write"),
        (["show", "TINY", "--set", f"summary={NO_UTF8}"], f"'{ESCAPED}' is no text that UTF-8 can write"),
        (["show", "TINY", "--set", f"{NO_UTF8}=1"], f"no '{ESCAPED}'"),
        (["show", NO_UTF8], f"no experiment '{ESCAPED}'"),
        (["show", f"{NO_UTF8}.yaml"], f"{ESCAPED}.yaml: not a readable experiment file"),
        (["show", f"{NO_UTF8}:X"], f"cannot import '{ESCAPED}'"),
        (["show", "TINY", "--knowledge", NO_UTF8], f"--knowledge '{ESCAPED}': no such file"),
        (["show", "TINY", "--knowledge", f"{NO_UTF8}.csv"], f"'{ESCAPED}.csv' is no text that UTF-8 can write"),
        (["show", "paper-main", "--knowledge", f"{NO_UTF8}.csv"], f"'{ESCAPED}.csv' is no text"),
        (["show", "paper-main", "--model", NO_UTF8], "setting model.name: input should be a valid string"),
        (["show", "TINY", "--model", NO_UTF8], f"'{ESCAPED}' is no causal"),
        (["sample", "TINY", "--subset", NO_UTF8], f"no subset '{ESCAPED}'"),
        (["status", NO_UTF8], f"{ESCAPED}: not a results folder"),
        (["report", NO_UTF8], f"{ESCAPED}: not a results folder"),
        ([NO_UTF8], f"No such command '{ESCAPED}'"),
    ],
)
def test_what_no_run_can_have_is_one_line(words: list[str], says: str, tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / f"{NO_UTF8}.csv").write_text("name,job,land\nA,b,c\n", encoding="utf-8")
    assert says in error_of(call(*(tiny_file if word == "TINY" else word for word in words)))


def test_a_table_may_be_called_what_it_likes_where_it_is_only_shown(tmp_path: Path) -> None:
    (tmp_path / f"{NO_UTF8}.csv").write_text("name,job,land\nA,b,c\n", encoding="utf-8")
    assert "What is the job of [X]?" in call("data", "show", f"{NO_UTF8}.csv").stdout


def test_a_results_folder_may_be_called_what_it_likes(results: Path, tmp_path: Path) -> None:
    there = results.rename(tmp_path / NO_UTF8)
    assert Results(there).report() == there / "report.html"
    assert (there / "report.html").exists()
    printed = process(["report", NO_UTF8], tmp_path, charts=False)
    assert (printed.returncode, printed.stdout, printed.stderr) == (0, f"{ESCAPED}/report.html\n", "")
    assert process(["status", NO_UTF8], tmp_path).stdout.splitlines()[0] == f"tiny in {ESCAPED}"
    (job,) = (there / "jobs").iterdir()
    (job / "finished.json").write_text("{", encoding="utf-8")
    refused = process(["results", NO_UTF8], tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"{ESCAPED}/jobs/{job.name}/finished.json" in refused.stderr


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        ("results", {"PYTHONIOENCODING": "ascii"}),
        ("claims", {"PYTHONIOENCODING": "ascii:surrogateescape"}),
        ("results", {"PYTHONIOENCODING": "cp1252"}),
        ("claims", {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    ],
)
def test_what_an_encoding_lacks_is_written_in_other_words(
    command: str, environment: dict[str, str], tiny: Experiment, tmp_path: Path
) -> None:
    ends = tiny.with_settings({"stages.stage1.epochs": 1, "stages.stage2.epochs": 1})
    planted_store(Store(tmp_path / "results"), ends, planted_records(ends, range(100, 104)))
    done = subprocess.run(
        [*SAYSO, command, "results"], cwd=tmp_path, capture_output=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0
    assert all(line.startswith(b"sayso: note: results: changed since") for line in done.stderr.splitlines())
    encoding = "cp1252" if environment.get("PYTHONIOENCODING") == "cp1252" else "ascii"
    text = done.stdout.decode(encoding)
    assert ("\N{PLUS-MINUS SIGN}" if encoding == "cp1252" else "+-") in text
    assert "\\u" not in text


def test_json_stays_json_whatever_the_encoding(tiny_file: Path, tmp_path: Path) -> None:
    summary = "\N{PLUS-MINUS SIGN} \N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE}"
    words = ["show", str(tiny_file), "--set", f"summary={summary}", "--json"]
    done = process(words, tmp_path, {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["summary"] == summary


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of a shell in which ``sayso`` is the command."""
    command = line.replace("sayso", " ".join(SAYSO))
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("list", 0, ""),
        ("show pocket", 0, ""),
        ("status", 2, "no results below sayso-results"),
        ("run pocket", 2, "sayso-results/pocket: cannot write here: No such file or directory"),
        ("run mine:EXPERIMENT", 2, "cannot import 'mine'"),
        ("sample pocket-digits -n 1 --png x.png", 2, "x.png: cannot write pictures here"),
    ],
)
def test_in_a_folder_that_has_been_deleted(words: str, code: int, says: str, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = shell(f"cd gone && rmdir ../gone && exec sayso {words}", tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == (1 if says else 0)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("sayso list >&-", 0, ""),
        ("sayso list 2>&-", 0, ""),
        ("sayso list <&-", 0, ""),
        ("sayso show pockett 2>&-", 2, ""),
        ("sayso list > /dev/full", 2, "No space left on device"),
        ("sayso show pocket --json > /dev/full", 2, "No space left on device"),
    ],
)
def test_streams_may_be_closed_or_full(line: str, code: int, says: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert done.stderr.count("\n") == (1 if says else 0)
