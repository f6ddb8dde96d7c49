"""Facts against a model's tokenizer, before anything is trained."""

from pathlib import Path

import pytest
from transformers import T5Config

import sayso
from sayso.core.errors import SaysoError
from sayso.data.tables.table import Table
from sayso.learners.specs import HFModel
from sayso.runs.spelling import check_spelling
from tests.cli.calling import call
from tests.tiny_models import save_tiny
from tests.tokenizer_kinds import KINDS


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    file = tmp_path / "facts.csv"
    rows = [f"salt {number},{'H₂O' if number % 2 else 'CO2'},use {number}" for number in range(30)]
    file.write_text("\n".join(["name,formula,use", *rows]), encoding="utf-8")
    return file


@pytest.fixture
def without_bytes(tmp_path: Path) -> Path:
    """A folder with T5's kind of tokenizer and configuration; that is all a check needs."""
    folder = tmp_path / "t5"
    folder.mkdir()
    KINDS["unigram"](folder)
    T5Config(decoder_start_token_id=0).save_pretrained(folder)
    return folder


def test_what_cannot_be_spelled_is_an_error_of_the_check(facts, without_bytes):
    result = call("data", "check", facts, "--experiment", "paper-t5", "--model", without_bytes)
    assert result.exit_code == 1
    assert "longest answer" in result.stdout
    said = " ".join(result.stdout.split())
    assert "'H₂O' comes back as 'H2O'" in said
    assert call("data", "check", facts, "--experiment", "paper-t5").exit_code == 0


def test_answers_beyond_the_limit_are_counted_and_the_advice_works(facts, tmp_path):
    model = HFModel(name=save_tiny(tmp_path / "model"))
    table, experiment = Table(file=str(facts)), sayso.load("paper-main")
    limited = experiment.with_settings({"model.max_new_tokens": 2})
    found = [item for item in check_spelling(table, limited, model) if item.severity == "warning"]
    assert len(found) == 1
    assert "answers have more tokens than the 2 that an answer may have" in found[0].line
    path, _, value = found[0].line.partition("--set ")[2].split(" ")[0].partition("=")
    free = limited.with_settings({path: None if value == "null" else value})
    assert [item.severity for item in check_spelling(table, free, model)] == ["note"]


def test_a_model_that_is_not_there_is_one_line(facts, tmp_path):
    with pytest.raises(SaysoError, match="no such folder"):
        list(check_spelling(Table(file=str(facts)), sayso.load("paper-main"), HFModel(name=str(tmp_path / "nowhere"))))
