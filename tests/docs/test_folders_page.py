"""The page of files has every column there is, and none that is not."""

import gzip
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from sayso.core.job_folder import JobFolder
from sayso.core.ledger import Contribution
from sayso.core.predictions import Answered
from sayso.core.records import Manifest, Record
from sayso.query.tables import SCHEMAS
from sayso.report.verdict_data import COLUMNS
from sayso.runs.progress import Position
from sayso.stats.values import QUANTITY

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "folders.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The text below a heading, up to the next."""
    return PAGE.split(f"### {heading}\n", 1)[1].split("\n## ")[0].split("\n### ")[0]


def columns(heading: str) -> list[str]:
    """The first column of the table below a heading."""
    return re.findall(r"^\| `([^`]+)` \|", section(heading), re.MULTILINE)


def names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


@pytest.mark.parametrize(
    ("heading", "there"),
    [
        ("records.jsonl", names(Record)),
        ("ledger.jsonl", names(Contribution)),
        ("predictions-STAGE.jsonl.gz", names(Answered)),
        ("manifest.json", names(Manifest)),
        ("position.json", names(Position)),
        ("claims --csv", list(COLUMNS)),
        ("results --csv", [*QUANTITY, "mean", "low", "high", "seeds"]),
    ],
)
def test_columns_on_the_page_are_those_of_the_code_in_their_order(heading, there):
    if heading == "results --csv":
        assert set(columns(heading)) == set(there)
    else:
        assert columns(heading) == there


def test_every_column_has_a_type_and_a_meaning():
    rows = re.findall(r"^\| `[^`]+` \|(.*)\|$", PAGE.split("## Every file")[1].split("## Read it")[0], re.MULTILINE)
    assert len(rows) > 100
    assert all(len(cells) == 3 and cells[0].strip() and cells[2].strip() for row in rows if (cells := row.split("|")))


def test_what_finishing_and_failing_writes_is_on_the_page(tmp_path):
    folder = JobFolder(tmp_path)
    folder.finish("2026-01-01T00:00:00+00:00", {"tokens": 1, "seconds": 1.0})
    folder.note_failure("why", "run")
    assert list(json.loads(folder.finished_path.read_text())) == columns("finished.json")
    assert list(json.loads(folder.failed_path.read_text())) == columns("failed.json")


def test_columns_of_views_are_on_the_page_of_queries():
    told = set(re.findall(r"`\"?([a-z0-9_.]+)\"?`", (DOCS / "query.md").read_text(encoding="utf-8")))
    assert {name for schema in SCHEMAS.values() for name in schema.names} <= told


@pytest.mark.slow
def test_files_that_a_run_writes_hold_what_the_page_says(tmp_path):
    def sayso(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "sayso", *words], cwd=tmp_path, check=True, capture_output=True)

    short = [f"--set=stages.stage{number}.epochs=1" for number in range(3)]
    sayso("run", "pocket", "--seeds", "100-100", "--out", "tiny", "--keep", "stages", *short)
    wanted = {
        "predictions": "predictions",
        "gradient_alignment": '{"type": "GradientAlignment", "all_pairs": true, "most": 4}',
        "step_effect": '{"type": "StepEffect", "most": 4}',
        "probes": '{"type": "Probes", "folds": 2, "permutations": 2}',
        "steered": '{"type": "Steered"}',
    }
    sayso("measure", "tiny", *(word for measure in wanted.values() for word in ("--add", measure)))
    folder = next((tmp_path / "tiny" / "jobs").iterdir())
    for name in wanted:
        marker = json.loads((folder / f"measured-{name}.json").read_text(encoding="utf-8"))
        assert list(marker) == columns("measured-NAME.json")
        found: set[str] = set()
        for path in folder.glob(f"{name}-*.jsonl.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                found |= {key for line in file for key in json.loads(line)}
        assert found <= set(columns(f"{name}-STAGE.jsonl.gz"))
        assert set(columns(f"{name}-STAGE.jsonl.gz")) - found <= {"left_out", "of", "tokens"}
    written = {re.sub(r"-?[0-9]+-[0-9]+", "", path.name) for path in folder.iterdir()}
    known = {f"{name}-{stage}.jsonl.gz" for name in wanted for stage in ("stage1", "stage2")}
    known |= {f"measured-{name}.{ending}" for name in wanted for ending in ("json", "jsonl")}
    known |= {"finished.json", "ledger.jsonl", "log.txt", "manifest.json", "records.jsonl", "state.pt"}
    assert {name for name in written if not name.startswith(".")} <= known
