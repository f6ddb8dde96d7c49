"""Measuring what has finished: the same records as in training, and nothing is trained unless asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import Origin, Today, notices
from sayso.core.job_folder import JobFolder
from sayso.core.measure import Measure
from sayso.core.records import Record
from sayso.core.sweep import Job, cells
from sayso.learners.specs import HFModel
from sayso.learners.stacked.learner import StackedLearner
from sayso.measures.belief import Belief
from sayso.measures.document_loss import DocumentLoss
from sayso.measures.exact_match import ExactMatch
from sayso.measures.f1 import F1
from sayso.measures.losses import MeanLoss
from sayso.measures.predictions import Predictions
from sayso.measures.probing.probes import Probes
from sayso.measures.probing.steered import Steered
from sayso.runs import execute as execute_module
from sayso.runs import measure as module
from sayso.runs.execute import execute
from sayso.runs.measure import measure_job
from sayso.runs.needed import lacking_measures, needed, to_take, what_it_takes
from tests.tiny_models import save_tiny

PROBING = (Probes(tasks=("tag",), folds=2, permutations=2), Steered(strengths=(1.0,)))
ALL = (ExactMatch(), MeanLoss(), F1(), Predictions(eval_sets=("validation",)), DocumentLoss(), Belief(), *PROBING)


def with_measures(experiment: Experiment, measures: Iterable[Measure], **settings: Any) -> Job:
    chosen = experiment.model_copy(update={"measures": tuple(measures)}).with_settings(settings)
    return Job(cells(chosen)[0], (1, 2)[: chosen.model.max_replicas])


def trained(job: Job, path) -> JobFolder:
    folder = JobFolder(path)
    execute(job, folder, lambda _: None)
    return folder


def measured(job: Job, folder: JobFolder, *measures: Measure, **options: Any) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    measure_job(job, folder, measures, events.append, **options)
    return events


def in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda r: (r.seed, r.stage, r.stage2_seed, r.epoch, r.measure, r.eval_set, r.subset))


def test_what_a_killed_process_left_is_gone_after_the_next(short, tmp_path):
    job = with_measures(short, (MeanLoss(),), keep="stages")
    folder = trained(job, tmp_path / "job")
    (folder.path / ".again-killed").mkdir()
    (folder.path / ".again-killed" / "state-0-1.pt").write_bytes(b"half")
    measured(job, folder, F1())
    assert not list(folder.path.glob(".again-*"))


@pytest.fixture(scope="session")
def nested(quick):
    return quick.with_settings({"stage2_seeds": 2, "stages.stage2.from_epoch": 1})


@pytest.fixture(scope="session")
def everything(nested, tmp_path_factory):
    """A job that took all measures in training."""
    return trained(with_measures(nested, ALL), tmp_path_factory.mktemp("everything") / "job")


def test_measures_taken_later_give_the_records_and_details_of_training_and_nothing_is_trained(
    nested, everything, tmp_path, monkeypatch
):
    job = with_measures(nested, ALL[:2], keep="stages")
    folder = trained(job, tmp_path / "job")
    before = folder.records_path.read_bytes()
    monkeypatch.setattr(StackedLearner, "fit", None)
    events = measured(job, folder, *ALL[2:])
    kinds = [event["event"] for event in events]
    assert [kind for kind in kinds if kind != "measuring"] == ["building", *["measured"] * 4, "finished"]
    assert {event["measure"] for event in events if event["event"] == "measuring"} == {each.name for each in ALL[2:]}
    assert in_order(folder.records()) == in_order(everything.records())
    assert folder.records_path.read_bytes() == before
    kept = [path for name in ("predictions", "probes", "steered") for path in everything.path.glob(f"{name}-*")]
    assert len(kept) > 3
    for path in kept:
        assert (folder.path / path.name).read_bytes() == path.read_bytes()
    assert measured(job, folder, *ALL[2:]) == [{"event": "finished"}]


@pytest.mark.parametrize("keep", ["none", "stages"])
def test_states_that_were_not_kept_are_named_and_trained_again_only_if_told(nested, everything, tmp_path, keep):
    job = with_measures(nested, ALL[:1], keep=keep)
    folder = trained(job, tmp_path / "job")
    found = needed(folder, job.cell.experiment, [MeanLoss()])
    assert found.again == ({0: 2, 1: 2, 2: 2, 3: 2} if keep == "none" else {1: 1, 2: 1, 3: 1})
    assert f"{sum(found.again.values())} of 8 epochs" in what_it_takes(folder, job.cell.experiment, found)
    with pytest.raises(SaysoError, match="stage1 up to epoch") as caught:
        measured(job, folder, MeanLoss())
    assert "\n" not in str(caught.value)
    assert folder.measured() == {}
    measured(job, folder, MeanLoss(), train_again=True)
    expected = [record for record in everything.records() if record.measure in ("exact_match", "loss")]
    assert in_order(folder.records()) == in_order(expected)
    assert not list(folder.path.glob(".again-*"))


def test_training_again_that_gives_other_weights_keeps_nothing(nested, tmp_path, monkeypatch):
    job = with_measures(nested, ALL[:2], keep="none")
    folder = trained(job, tmp_path / "job")
    real = execute_module.fit_leg

    def differently(experiment, learner, corpora, leg, *rest):
        settings = {"train.learning_rate": 0.1} if leg.stage.name == "stage2" else {}
        real(experiment.with_settings(settings), learner, corpora, leg, *rest)

    monkeypatch.setattr(module, "fit_leg", differently)
    before = sorted(folder.path.glob("[!.]*"))
    with pytest.raises(SaysoError, match="training stage2 again gave other weights than before"):
        measured(job, folder, F1(), Predictions(eval_sets=("validation",)), train_again=True)
    assert folder.measured() == {}
    assert sorted(folder.path.glob("[!.]*")) == before


def test_a_measure_of_the_same_name_with_other_settings_does_not_mix(nested, everything):
    job = with_measures(nested, ALL)
    with pytest.raises(SaysoError, match="has records of loss with other settings already"):
        to_take(everything, job.cell.experiment, [MeanLoss(when="stage")])
    assert to_take(everything, job.cell.experiment, [MeanLoss()]) == []


def test_measuring_leaves_the_manifest_and_says_for_itself_what_was_different(nested, tmp_path, monkeypatch):
    job = with_measures(nested, ALL[:1], keep="stages")
    folder = trained(job, tmp_path / "job")
    before = folder.manifest_path.read_bytes()
    measured(job, folder, F1())
    assert notices([folder], Today(own_only=True)) == []
    monkeypatch.setattr("sayso.runs.manifest._git_commit", lambda: "another")
    measured(job, folder, Predictions())
    assert folder.manifest_path.read_bytes() == before
    (line,) = notices([folder], Today(own_only=True))
    assert line.startswith("predictions of job job was measured ")
    assert "sayso's code at another (before at " in line


def test_measures_that_a_job_was_trained_without_are_known(nested, everything, tmp_path):
    job = with_measures(nested, ALL[:1], keep="stages")
    folder = trained(job, tmp_path / "job")
    more = with_measures(nested, ALL[:3]).cell.experiment
    assert more.digest() == job.cell.experiment.digest()
    assert [measure.name for measure in lacking_measures(folder, more)] == ["loss", "f1"]
    measured(job, folder, F1())
    assert [measure.name for measure in lacking_measures(folder, more)] == ["loss"]
    assert lacking_measures(everything, more) == []


def test_measuring_on_other_data_is_refused(nested, tmp_path, monkeypatch):
    job = with_measures(nested, ALL[:1], keep="stages")
    folder = trained(job, tmp_path / "job")
    monkeypatch.setattr("sayso.core.identity.Today.origin", lambda *_: Origin("f" * 64, None))
    with pytest.raises(SaysoError, match="begun with other data"):
        measured(job, folder, F1())
    assert folder.measured() == {}


def test_kept_states_of_a_model_of_transformers_are_measured_the_same(tmp_path, tiny):
    facts = tmp_path / "lands.csv"
    rows = [
        f"Land{letter}{other},Town{letter}{other},{number}"
        for number, (letter, other) in enumerate([(one, two) for one in "ABCDE" for two in "uvwxy"], start=10)
    ]
    facts.write_text("name,capital,rank\n" + "\n".join(rows) + "\n", encoding="utf-8")
    from sayso.api import load

    model = save_tiny(tmp_path / "model", "gpt_neox")
    experiment = load("paper-main").with_settings(
        {
            **{
                "knowledge": {"type": "sayso.data.tables.table:Table", "file": str(facts)},
                "split.trained_questions": 1,
            },
            **{"stages.stage1.epochs": 1, "stages.stage2.epochs": 1, "stage2_seeds": 1, "train.batch_size": 32},
        }
    )
    experiment = experiment.model_copy(update={"model": HFModel(name=model, max_new_tokens=2)})
    whole = trained(with_measures(experiment, ALL), tmp_path / "whole")
    job = with_measures(experiment, ALL[:2], keep="stages")
    folder = trained(job, tmp_path / "job")
    measured(job, folder, *ALL[2:])
    assert in_order(folder.records()) == in_order(whole.records())
