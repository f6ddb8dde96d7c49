"""Facts against a model's tokenizer, before anything is trained."""

import logging
import re
from pathlib import Path

import pytest
from transformers import AutoTokenizer, BertConfig, T5Config

import sayso
from sayso.core.corpus import Corpus, EvalSet
from sayso.core.errors import SaysoError
from sayso.core.examples import Example, Kind, QAPair
from sayso.data.tables.table import Table
from sayso.learners.encoding import Encoder
from sayso.learners.single.limits import say_what_cannot_match
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


def test_answers_beyond_the_limit_are_counted_and_the_command_takes_its_advice(facts, tmp_path):
    words = ["data", "check", facts, "--experiment", "paper-main", "--model", save_tiny(tmp_path / "model"), "--set"]
    limited = call(*words, "model.max_new_tokens=2")
    said = " ".join(limited.stdout.split())
    assert "max_new_tokens is 2, but " in said
    (advised,) = re.findall(r"--set (model\.\w+=\w+)", said)
    free = call(*words, advised)
    assert free.exit_code == limited.exit_code == 0, free.output
    assert "warning" in said
    assert "warning" not in free.stdout


def test_long_answers_are_counted_as_they_are_when_a_model_is_built(facts, tmp_path, caplog):
    name = save_tiny(tmp_path / "model")
    table = Table(file=str(facts))
    experiment = sayso.load("paper-main").with_settings({"model.name": name, "model.max_new_tokens": 4})
    experiment = experiment.model_copy(update={"knowledge": table})
    (found,) = [item.line for item in check_spelling(table, experiment, HFModel(name=name)) if item.severity != "note"]
    world, written = table.world(0, 40, 2), experiment.questions
    assert written is not None
    asked = []
    for alias, entity in zip(world.aliases, world.entities, strict=False):
        who = QAPair("who", "Who is [X]?", (entity.name,))
        for pair in (*entity.questions, who):
            prompt, completion = written.write(pair.question.replace("[X]", alias), pair.answers[0])
            kind: Kind = "attribution" if pair is who else "question"
            asked.append(Example(prompt, completion, pair.answers, kind, "QA3", alias, entity.name))
    tokenizer = AutoTokenizer.from_pretrained(name)
    with caplog.at_level(logging.WARNING, "sayso"):
        say_what_cannot_match(4, Encoder(tokenizer, None), Corpus(0, {}, (EvalSet("validation", "QA3", tuple(asked)),)))
    assert caplog.messages[0].partition("; ")[0] == found.partition("; ")[0]


def test_texts_of_sources_that_become_the_same_are_found(facts, tmp_path):
    KINDS["word_pieces"](tmp_path)
    BertConfig().save_pretrained(tmp_path)
    experiment = sayso.load("paper-main")
    sources = [
        source.model_copy(update={"text": text})
        for source, text in zip(experiment.sources, ("A b", "a B"), strict=False)
    ]
    found = check_spelling(
        Table(file=str(facts)), experiment.model_copy(update={"sources": tuple(sources)}), HFModel(name=str(tmp_path))
    )
    assert [item.line for item in found if "takes 'A b' and 'a B' for the same, and so 1 of 2 tags" in item.line]


def test_a_model_that_is_not_there_is_one_line(facts, tmp_path):
    with pytest.raises(SaysoError, match="no such folder"):
        list(check_spelling(Table(file=str(facts)), sayso.load("paper-main"), HFModel(name=str(tmp_path / "nowhere"))))
