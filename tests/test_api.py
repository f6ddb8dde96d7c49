import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sayso
from sayso import Experiment, SaysoError, Seeds, TrainSpec, api
from sayso.core import store as store_module
from sayso.core.job_folder import JobFolder
from sayso.core.lease import held
from sayso.core.lease_file import is_held
from sayso.core.owner import this_process
from sayso.core.records import COLUMNS
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.data.pocket import PocketWorld
from sayso.learners.stacked.learner import StackedLearner
from sayso.measures.f1 import F1
from sayso.results import RESULTS, default_results
from sayso.runs import local, machine
from sayso.runs.execute import execute
from tests.runs.fake_devices import gpus


def error(function: Callable[..., object], *arguments: object, **options: object) -> str:
    with pytest.raises(SaysoError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def ran(monkeypatch, one_thread) -> list[tuple[int, ...]]:
    """Seeds of the jobs that were run; they run in this process, as test_local shows with the same results."""
    seeds: list[tuple[int, ...]] = []

    class Here:
        def __init__(self, store: Store, processes: int, threads: int, gpus: Sequence[str], save_models: bool) -> None:
            self.store = store

        def run(self, jobs: Sequence[Job], on_event: Callable[..., None]) -> None:
            for job in jobs:
                seeds.append(job.seeds)
                execute(job, self.store.job(job.id), lambda event, job=job: on_event(job.id, event))  # type: ignore[misc]

    monkeypatch.setattr(local, "LocalProcesses", Here)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    return seeds


@pytest.fixture(scope="session")
def brief(tiny: Experiment) -> Experiment:
    """One epoch a stage, measured at its end."""
    epochs = {"stages.stage1.epochs": 1, "stages.stage2.epochs": 1, "train.batch_size": 64}
    return tiny.with_settings({**epochs, "measures.0.when": "stage", "measures.1.when": "stage"})


# --- finding experiments


def test_every_experiment_of_the_catalogue_says_what_it_is_and_survives_a_file(tmp_path):
    found = sayso.experiments()
    assert "pocket" in found
    for name, experiment in found.items():
        assert sayso.load(name) is experiment
        assert experiment.name == name
        assert experiment.summary
        path = tmp_path / f"{name}.json"
        path.write_text(experiment.model_dump_json(), encoding="utf-8")
        assert sayso.load(path) == experiment


def test_no_two_experiments_of_the_catalogue_are_the_same():
    digests = [(experiment.digest(), *map(str, experiment.measures)) for experiment in sayso.experiments().values()]
    assert len(set(digests)) == len(digests)


def test_an_experiment_is_found_by_module_and_name():
    assert sayso.load("sayso.paper.pocket_settings:POCKET").digest() == sayso.load("pocket").digest()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pockett", "no experiment 'pockett'; did you mean 'pocket'? (see 'sayso list')"),
        ("no-such-file.yaml", "no-such-file.yaml: not a readable experiment file"),
        ("math:pi", "'math:pi' is a float, not an Experiment"),
        ("no_such_module:X", "cannot import 'no_such_module'"),
    ],
)
def test_what_is_no_experiment_is_an_error_of_one_line(name, message):
    assert message in error(sayso.load, name)


# --- running


def test_a_run_gives_records_and_the_same_run_again_does_nothing(brief, tmp_path, ran):
    plans: list[tuple[int, int]] = []
    events: list[str] = []
    results = sayso.run(
        brief,
        out=tmp_path / "out",
        seeds="3-5",
        on_plan=lambda todo, done: plans.append((len(todo), len(done))),
        on_event=lambda job_id, event: events.append(str(event["event"])),
    )
    assert sorted(seed for seeds in ran for seed in seeds) == [3, 4, 5]
    assert events.count("finished") == 2
    frame = results.records()
    assert list(frame.columns) == list(COLUMNS)
    assert sorted(frame["seed"].unique()) == [3, 4, 5]
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.json*")}
    sayso.run(brief, out=tmp_path / "out", seeds="3-5", on_plan=lambda todo, done: plans.append((len(todo), len(done))))
    assert len(ran) == 2
    assert plans == [(2, 0), (0, 2)]
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.json*")} == before


def test_a_process_a_gpu_is_told_which_and_nothing_is_looked_for_where_nothing_is_left(
    brief, tmp_path, ran, monkeypatch
):
    seen: dict[str, object] = {}

    class Told:
        def __init__(self, store: Store, **options: object) -> None:
            seen.update(options)

        def run(self, jobs: Sequence[Job], on_event: Callable[..., None]) -> None:
            seen["seeds"] = [job.seeds for job in jobs]

    sayso.run(brief, out=tmp_path / "here", seeds="3-4")
    monkeypatch.setattr(local, "LocalProcesses", Told)
    monkeypatch.setattr(machine, "gpus_here", lambda: gpus(2, "GPU-8f", "GPU-77"))
    sayso.run(brief, out=tmp_path / "there", seeds="3-4")
    handed_out = {"processes": 2, "threads": 1, "gpus": ("GPU-8f", "GPU-77")}
    assert seen == {**handed_out, "seeds": [(3,), (4,)], "save_models": False}
    seen.clear()
    sayso.measure(tmp_path / "here", [F1(when="stage")])
    assert seen == {**handed_out, "seeds": [(3,), (4,)], "measures": (F1(when="stage"),), "train_again": False}

    def fail() -> None:
        raise AssertionError("there is nothing to run")

    monkeypatch.setattr(machine, "this_machine", fail)
    sayso.run(brief, out=tmp_path / "here", seeds="3-4")


def test_other_seeds_are_added_and_none_is_run_twice(brief, tmp_path, ran):
    for seeds, jobs in (("3-4", 1), ("3-3", 1), ("4-5", 2), ("3-6", 4), (Seeds(first=3, count=2), None)):
        sayso.run(brief, out=tmp_path, seeds=seeds, jobs=jobs)
    assert ran == [(3, 4), (5,), (6,)]
    records = Store(tmp_path).records()
    assert sorted({record.seed for record in records}) == [3, 4, 5, 6]
    assert len({(r.seed, r.stage, r.epoch, r.measure, r.eval_set, r.subset) for r in records}) == len(records)


def test_an_interrupted_job_goes_on_as_it_was_whatever_the_number_of_processes(brief, tmp_path, ran, monkeypatch):
    real = JobFolder.finish

    def interrupt(self: JobFolder, *_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(JobFolder, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sayso.run(brief, out=tmp_path, seeds="3-4", jobs=1)
    monkeypatch.setattr(JobFolder, "finish", real)
    sayso.run(brief, out=tmp_path, seeds="3-4", jobs=2)
    assert ran == [(3, 4), (3, 4)]
    assert len(Store(tmp_path).jobs()) == 1


def test_a_run_on_changed_data_is_refused_before_anything_is_trained_or_shown(brief, tmp_path, ran, monkeypatch):
    results = sayso.run(brief, out=tmp_path, seeds="3-3")
    before = results.records()
    monkeypatch.setattr(PocketWorld, "sha256", lambda self: "f" * 64)
    for seeds in ("3-3", "3-4"):
        message = error(sayso.run, brief, out=tmp_path, seeds=seeds)
        assert "seeds 3 rest on other data" in message
        assert "--out" in message
    assert ran == [(3,)]
    assert results.notices()[0].startswith("changed since: these results are of other data")
    assert results.records().equals(before)


def test_a_report_on_changed_data_shows_no_documents_of_today(brief, tmp_path, ran, monkeypatch):
    monkeypatch.setattr("sayso.report.page.figures", lambda *_: [])  # they take seconds to draw
    results = sayso.run(brief, out=tmp_path, seeds="3-3")
    assert "Note:" not in results.report().read_text(encoding="utf-8").partition("</header>")[0]
    monkeypatch.setattr(PocketWorld, "sha256", lambda self: "f" * 64)
    page = results.report().read_text(encoding="utf-8")
    assert "changed since: these results are of other data" in page
    assert "no documents are shown: " in page


def test_a_measure_that_finished_seeds_lack_is_told_of_with_the_command_that_adds_it(brief, tmp_path, ran):
    sayso.run(brief, out=tmp_path, seeds="3-4", jobs=1)
    events: list[dict[str, object]] = []
    more = brief.model_copy(update={"measures": (*brief.measures, F1())})
    sayso.run(more, out=tmp_path, seeds="3-4", on_event=lambda _, event: events.append(event))
    assert ran == [(3, 4)]
    (event,) = events
    assert event["event"] == "warning"
    assert f"trained without f1, which 'sayso measure {tmp_path} --add f1' adds" in str(event["message"])


def test_the_folder_is_made_while_no_other_run_can_make_it(brief, tmp_path, ran, monkeypatch):
    alone: list[bool] = []
    real = Store._create

    def look(self: Store, experiment: Experiment) -> None:
        alone.append(is_held(self.path) is not None)
        real(self, experiment)

    monkeypatch.setattr(Store, "_create", look)
    sayso.run(brief, out=tmp_path, seeds=1)
    assert alone == [True]


def test_a_number_of_seeds_begins_at_the_experiments_own(brief, tmp_path, ran):
    sayso.run(brief.with_settings({"seeds.first": 7}), out=tmp_path, seeds=1)
    assert ran == [(7,)]


def test_results_go_below_the_current_folder_and_are_found_there(brief, tmp_path, ran, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no results below sayso-results" in error(default_results)
    results = sayso.run(brief, seeds=1)
    assert results.path == Path("sayso-results/tiny")
    assert default_results() == results.path
    assert results.experiment.digest() == brief.digest()


def test_a_sweep_runs_every_cell(brief, tmp_path, ran):
    sweep = brief.vary("sweep", train__batch_size=[64, 32])
    records = Store(sayso.run(sweep, out=tmp_path, seeds=1, jobs=1).path).records()
    assert len(ran) == 2
    assert list(dict.fromkeys(record.cell for record in records)) == ["train.batch_size=64", "train.batch_size=32"]


@pytest.mark.parametrize("jobs", [0, -1])
def test_there_is_no_run_without_processes(brief, tmp_path, jobs):
    assert "at least 1" in error(sayso.run, brief, out=tmp_path, jobs=jobs)


@pytest.mark.parametrize("seeds", ["0-", "x", 0, -3])
def test_bad_seeds_are_an_error_before_anything_is_written(brief, tmp_path, seeds):
    assert "seeds" in error(sayso.run, brief, out=tmp_path / "out", seeds=seeds)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_which_another_run_is_planned_is_waited_for_and_refused_in_the_end(
    brief, tmp_path, ran, monkeypatch
):
    monkeypatch.setattr(store_module, "_WAIT_S", 0.1)
    sayso.run(brief, out=tmp_path, seeds=1)
    with held(tmp_path):
        said = error(sayso.run, brief, out=tmp_path, seeds=2)
    assert f"process {os.getpid()} on" in said
    assert "is writing here; wait for it or stop it" in said
    assert len(ran) == 1
    sayso.run(brief, out=tmp_path, seeds=2)
    assert len(ran) == 2


def test_a_run_beside_another_takes_its_jobs_as_they_are(brief, tmp_path, ran):
    """Two machines with other numbers of processes, asked for other seeds, must not cut one seed into two jobs."""
    store, (cell,) = Store(tmp_path), cells(brief)
    there = brief.model_copy(update={"seeds": Seeds.parse("1-4")})
    with store.held(there, lambda others: [Job(cell, (1, 2)), Job(cell, (3, 4))]) as jobs:
        sayso.run(brief, out=tmp_path, seeds="2-5", jobs=1)
        assert [job.seeds for job in jobs] == [(1, 2), (3, 4)]
        assert sorted(ran) == [(1, 2), (3, 4), (5,)]
        assert [path.name for path in store.path.iterdir() if path.name == "runs"] == ["runs"]
    assert not (tmp_path / "runs").exists()


def test_what_a_run_meant_that_was_killed_counts_no_more(brief, tmp_path, ran):
    with subprocess.Popen(["true"]) as ended:
        pass
    gone = dataclasses.replace(this_process(), process=ended.pid)
    folder = tmp_path / "runs" / "killed"
    folder.mkdir(parents=True)
    (folder / ".lease-1").write_text(json.dumps({**gone.as_json(), "lapse": 120.0}), encoding="utf-8")
    (folder / "deal.json").write_text('[{"cell": "main", "seeds": [1, 2, 3]}]', encoding="utf-8")
    sayso.run(brief, out=tmp_path, seeds="1-2", jobs=1)
    assert ran == [(1, 2)]
    assert not folder.exists()


def test_a_refused_run_leaves_what_another_is_about_to_begin(brief, tmp_path, ran):
    store = Store(tmp_path)
    with store.held(brief.model_copy(update={"seeds": Seeds.parse("1-4")})):
        other = brief.with_settings({"train.learning_rate": 0.5})
        assert "holds tiny with other settings" in error(sayso.run, other, out=tmp_path, seeds=1)
        assert store.plans() == [(1, 2, 3, 4)]


def test_a_folder_of_another_experiment_is_refused_and_kept(brief, tmp_path, ran):
    sayso.run(brief, out=tmp_path, seeds=1)
    before = _files(tmp_path)
    other = brief.with_settings({"train.learning_rate": 0.5})
    assert "train.learning_rate is 0.003 there, 0.5 here" in error(sayso.run, other, out=tmp_path, seeds=1)
    assert _files(tmp_path) == before


def _files(folder: Path) -> dict[Path, bytes]:
    """All files but those that say who wrote last."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lease")]
    return {path: path.read_bytes() for path in files}


def test_a_damaged_file_is_found_before_anything_is_run(brief, tmp_path, ran):
    sayso.run(brief, out=tmp_path, seeds="3-3")
    (path,) = tmp_path.glob("jobs/*/records.jsonl")
    path.write_bytes(path.read_bytes()[:-9])
    assert "cut off" in error(sayso.run, brief, out=tmp_path, seeds="3-4")
    assert ran == [(3,)]


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(brief, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "cannot write here" in error(sayso.run, brief, out=tmp_path / "file" / "out")


def test_models_of_a_job_that_finished_without_keeping_them_are_an_error(brief, tmp_path, ran):
    sayso.run(brief, out=tmp_path, seeds="3-3")
    (job,) = Store(tmp_path).jobs()
    said = error(sayso.run, brief, out=tmp_path, seeds="3-4", save_models=True)
    assert f"{job.path}: seed 3 has finished stage0, but its model was not kept" in said
    assert ran == [(3,)]
    for stage in ("stage0", "stage1", "stage2"):
        job.model_path(3, stage).mkdir(parents=True)
    sayso.run(brief, out=tmp_path, seeds="3-3", save_models=True)
    assert ran == [(3,)]


def refuse(*_: object, **__: object) -> None:
    raise SaysoError("too long")


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_run_that_is_refused_before_its_first_epoch_leaves_nothing(brief, tmp_path, ran, monkeypatch):
    too_many = brief.with_settings({"knowledge.facts": "notables", "knowledge.entities": 10_000})
    assert "knowledge.entities" in error(sayso.run, too_many, out=tmp_path / "out", seeds=1)
    assert files(tmp_path) == []
    with monkeypatch.context() as patch:
        patch.setattr(StackedLearner, "fit", refuse)
        assert error(sayso.run, brief, out=tmp_path / "out", seeds=1) == "too long"
    assert files(tmp_path) == []
    sayso.run(brief, out=tmp_path / "out", seeds=1)  # the corrected experiment can have the folder


def test_a_refused_job_takes_nothing_else_along(brief, tmp_path, ran, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(StackedLearner, "fit", refuse)
    assert error(sayso.run, brief, out=tmp_path, seeds=1) == "too long"
    assert files(tmp_path) == ["notes.txt"]


def test_a_refused_job_leaves_those_that_finished(brief, tmp_path, ran, monkeypatch):
    whole = StackedLearner.fit

    def fit(learner: StackedLearner, documents: Any, train: TrainSpec, **options: Any) -> None:
        (refuse if train.batch_size == 32 else whole)(learner, documents, train, **options)

    monkeypatch.setattr(StackedLearner, "fit", fit)
    assert error(sayso.run, brief.with_axes({"train.batch_size": [64, 32]}), out=tmp_path, seeds=1) == "too long"
    (left,) = Store(tmp_path).jobs()
    assert left.finished
    assert len(list(tmp_path.glob("jobs/*"))) == 1


def test_an_experiment_that_differs_from_its_namesake_goes_to_a_folder_of_its_own():
    plain = sayso.load("pocket")
    changed = plain.with_settings({"train.batch_size": 32})
    assert api.results_folder(plain) == RESULTS / "pocket"
    assert api.results_folder(changed) == RESULTS / f"pocket-{changed.digest()[:8]}"
    mine = changed.with_settings({"name": "mine"})
    assert api.results_folder(mine) == RESULTS / "mine"
    assert api.results_folder(mine, loaded=plain) == RESULTS / f"mine-{mine.digest()[:8]}"


def test_a_notebook_shows_progress_unless_told_otherwise_or_somebody_listens(ran, brief, tmp_path, monkeypatch):
    shown: list[str] = []
    marimo = SimpleNamespace(running_in_notebook=lambda: True, Html=str, output=SimpleNamespace(replace=shown.append))
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    sayso.run(brief, out=tmp_path / "a", seeds="100-100", progress=False)
    heard: list[str] = []

    def listen(job: str, event: dict[str, object]) -> None:
        heard.append(str(event["event"]))

    sayso.run(brief, out=tmp_path / "a", seeds="101-101", on_event=listen)
    assert shown == []
    results = sayso.run(brief, out=tmp_path / "a", seeds="102-102")
    assert "to run: seed 102" in shown[0]
    assert "3 of 3 epochs" in shown[-1]
    sayso.measure(results.path, results.experiment.measures)
    assert "measured before: seeds 100-102" in shown[-1]
    heard.clear()
    sayso.run(
        brief,
        out=tmp_path / "a",
        seeds="103-103",
        progress=True,
        on_event=lambda job, event: heard.append(str(event["event"])),
    )
    assert "finished" in heard
    assert "to run: seed 103" in "".join(shown)
    assert "stage1, questions" in results._repr_html_()
    assert results._repr_html_().count("<td>D5cons</td>") == 1
    assert "<td>" in results.claims()._repr_html_()
    assert results.figure("learning-curves")._repr_svg_().startswith("<svg")
    assert "did you mean 'learning-curves'?" in error(results.figure, "learning-curve")
    assert "no job has finished" in sayso.Results(tmp_path / "none")._repr_html_()
