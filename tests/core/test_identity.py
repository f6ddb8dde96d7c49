"""Results that rest on different data or weights are told apart, today's included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sayso.core.experiment import Experiment
from sayso.core.identity import (
    Origin,
    Today,
    models_read,
    notices,
    require_one_origin,
    require_origin_of_siblings,
    require_unchanged,
)
from sayso.core.job_folder import JobFolder
from sayso.data.pocket import PocketWorld
from sayso.learners.specs import HFModel
from tests.core.written import error, manifest


@pytest.fixture
def folder(tiny: Experiment, tmp_path: Path):
    """Makes folders of jobs that rest on some data and model."""

    def make(name: str, data: str = "", model: str | None = None, **changes: object) -> JobFolder:
        found = replace(
            manifest(name),
            experiment=tiny.model_dump(mode="json"),
            data_sha256=data or tiny.knowledge.sha256(),
            model=model,
            **changes,  # type: ignore[arg-type]
        )
        result = JobFolder(tmp_path / "results" / "jobs" / name)
        result.open(found)
        return result

    return make


def test_what_is_not_known_of_both_does_not_differ():
    assert Origin("a", None).differs(Origin("a", "m")) is None
    assert Origin(None, "m").differs(Origin("b", "m")) is None
    assert "data" in str(Origin("a", "m").differs(Origin("b", "m")))
    assert "weights" in str(Origin("a", "m").differs(Origin("a", "n")))


def test_jobs_on_different_data_or_weights_never_reach_one_table(folder):
    alike = [folder("one", "a" * 64, "m" * 40), folder("two", "a" * 64, "m" * 40), folder("three", "a" * 64)]
    require_one_origin(alike)
    for other in (folder("data", "b" * 64, "m" * 40), folder("weights", "a" * 64, "n" * 40)):
        message = error(require_one_origin, [*alike, other])
        assert f"jobs one and {other.path.name} rest on different {other.path.name}" in message
        assert "results:" in message


@pytest.mark.parametrize(("data", "model", "what"), [("b" * 64, "m" * 40, "data"), ("a" * 64, "n" * 40, "weights")])
def test_a_job_begins_beside_jobs_of_the_same_data_and_weights_only(folder, data, model, what):
    require_origin_of_siblings(folder("one", "a" * 64, "m" * 40))
    require_origin_of_siblings(folder("two", "a" * 64))
    other = folder("x", data, model)
    assert f"jobs one and x rest on different {what}" in error(require_origin_of_siblings, other)


def test_a_job_that_begins_reads_no_more_of_those_beside_it_than_it_takes(folder):
    folder("a0", "a" * 64, "m" * 40)
    (folder("zz", "a" * 64, "m" * 40).path / "manifest.json").write_text("{")
    require_origin_of_siblings(folder("b0", "a" * 64, "m" * 40))


def test_a_job_on_what_there_is_today_is_unchanged_and_any_other_is_named(folder):
    today = Today(own_only=True)
    require_unchanged([folder("one"), folder("two")], today)
    message = error(require_unchanged, [folder("one"), folder("two", "f" * 64)], today)
    assert "seeds 1, 2 rest on other data (ffffffffffff..., not " in message


def test_a_reader_is_told_of_what_changed_and_of_what_ran_unlike(folder):
    one = folder("one")
    assert notices([one, folder("two")], Today(own_only=True)) == []
    found = notices(
        [
            one,
            folder("old", "f" * 64),
            folder("elsewhere", versions={"python": "4"}, resumed=("later: torch 3.0 (before 2.0)",)),
        ],
        Today(own_only=True),
    )
    assert len(found) == 3
    assert found[0].startswith("changed since: these results are of other data")
    assert found[1] == "job elsewhere went on later: torch 3.0 (before 2.0)"
    assert found[2] == "not all jobs ran alike: python 3 and python 4"


def test_a_reader_is_told_of_models_that_were_read_unlike_where_they_should_be_alike(folder, tiny):
    read = [{"weights": "bfloat16", "max_new_tokens": 9}, {"weights": "float32", "max_new_tokens": 9}]
    one, other = (folder(name, as_read=found) for name, found in zip(("one", "other"), read, strict=True))
    today = Today(own_only=True)
    assert notices([one, folder("before")], today) == []
    assert notices([one, other], today) == ["not all jobs ran alike: weights bfloat16 and weights float32"]
    another = tiny.with_settings({"model.config": {"hidden_size": 8}})
    elsewhere = folder("size", as_read=read[1])
    elsewhere.open(replace(elsewhere.manifest(), experiment=another.model_dump(mode="json")))
    assert notices([one, elsewhere], today) == []  # another model, as in a sweep


def test_how_models_were_read_is_a_line_for_each(folder):
    read = {"weights": "bfloat16", "commit": "f" * 40, "max_new_tokens": 9}
    one, before, other = folder("one", as_read=read), folder("before"), folder("other", as_read=read, cell="size=2")
    assert models_read([before]) == []
    said = f"commit {'f' * 40}, weights bfloat16, max_new_tokens 9"
    assert models_read([one, before, other]) == [f"model: {said}"]
    third = folder("third", as_read={"weights": "float32"}, cell="size=2")
    assert models_read([one, third]) == [f"model of main: {said}", "model of size=2: weights float32"]
    longer = folder("longer", as_read={**read, "max_new_tokens": 12})  # other people were drawn, with longer names
    assert models_read([one, longer]) == [f"model: commit {'f' * 40}, weights bfloat16, max_new_tokens 9 to 12"]
    assert notices([one, longer], Today(own_only=True)) == []


def test_what_cannot_be_looked_at_is_not_said_to_have_changed(folder, monkeypatch):
    def gone(self: PocketWorld) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(PocketWorld, "sha256", gone)
    assert notices([folder("one", "f" * 64)], Today(own_only=True)) == []


def test_data_is_looked_at_once(tiny, monkeypatch):
    looked: list[object] = []

    def look(self: PocketWorld) -> str:
        looked.append(self)
        return "a"

    monkeypatch.setattr(PocketWorld, "sha256", look)
    today = Today(own_only=True)
    assert today.origin(tiny) == today.origin(tiny.with_settings({"train.batch_size": 8})) == Origin("a", None)
    assert len(looked) == 1
    today.origin(tiny.with_settings({"knowledge.entities": 9}))
    assert len(looked) == 2


def test_a_folder_of_a_model_is_its_files_and_nothing_else(tmp_path):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    model = HFModel(name=str(tmp_path))
    before = model.identity()
    assert before is not None
    (tmp_path / "README.md").write_text("about it", encoding="utf-8")
    assert model.identity() == before
    for name in ("model.safetensors", "tokenizer.json", "config.json", "model-2.safetensors"):
        (tmp_path / name).write_text("changed", encoding="utf-8")
        assert model.identity() not in (None, before)
        before = model.identity()


def test_a_model_of_the_hub_that_is_not_here_yet_has_no_identity(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert HFModel(name="some/model-that-is-not-here").identity() is None
    assert HFModel(name="no name/of/the hub").identity() is None
