"""Documents that are too long are told of before a run, with the length that would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.data.build import build_corpus
from sayso.learners.encoding import Encoder
from sayso.paper.table import EXPERIMENTS
from sayso.runs.too_long import too_long
from tests.cli.calling import call, error_of
from tests.tiny_models import save_tiny


@pytest.fixture
def allowing(tmp_path: Path):
    model = save_tiny(tmp_path / "tiny")

    def made(most: int | None, padding: str = "first_eos") -> Experiment:
        settings = {"model.name": model, "train.max_length": most, "train.padding_loss": padding}
        return EXPERIMENTS["laptop"].with_settings(settings)

    return made


@pytest.mark.parametrize("padding", ["first_eos", "none"])
def test_what_it_says_would_do_does_and_one_less_does_not(allowing, padding: str) -> None:
    from transformers import AutoTokenizer

    said = too_long(allowing(8, padding))
    assert said is not None
    assert said.startswith("documents have up to ")
    length = int(said.partition("--set train.max_length=")[2].split()[0])
    assert too_long(allowing(length, padding)) is None
    assert too_long(allowing(length - 1, padding)) is not None
    experiment = allowing(length, padding)
    encoder = Encoder(AutoTokenizer.from_pretrained(experiment.model.name), None)
    corpus = build_corpus(experiment, experiment.seeds.first)
    documents = [each for stage in experiment.stages for each in corpus.documents(stage.documents)]
    encoder.for_training(documents, experiment.train)
    with pytest.raises(SaysoError, match=f"a max_length of {length} would do"):
        encoder.for_training(documents, allowing(length - 1, padding).train)


def test_nothing_is_said_where_there_is_no_limit_or_no_tokenizer(allowing) -> None:
    assert too_long(allowing(None)) is None
    assert too_long(allowing(8).with_settings({"model.name": "no-one/no-such-model"})) is None
    assert too_long(EXPERIMENTS["pocket"]) is None


def test_run_refuses_it_before_anything_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = error_of(call("run", "laptop", "--model", save_tiny(tmp_path / "tiny"), "--set", "train.max_length=9"))
    assert "documents have up to " in said
    assert "would do" in said
    assert not (tmp_path / "sayso-results").exists()


def test_show_says_it(tmp_path: Path) -> None:
    shown = call("show", "laptop", "--model", save_tiny(tmp_path / "tiny"), "--set", "train.max_length=9")
    assert shown.exit_code == 0
    assert shown.stderr.count("sayso: note: a run would fail: documents have up to ") == 1
