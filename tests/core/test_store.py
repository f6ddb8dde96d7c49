import os

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.records import Record
from sayso.core.seeds import Seeds
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from tests.core.written import error, make_store, manifest, record


def test_a_folder_holds_one_experiment(tiny, tmp_path):
    store = Store(tmp_path / "results")
    make_store(store, tiny)
    make_store(store, tiny.with_settings({"name": "other", "seeds.count": 3}))
    assert store.experiment() == tiny
    before = store.experiment_path.read_bytes()
    message = error(make_store, store, tiny.with_settings({"train.learning_rate": 0.5}))
    assert "holds tiny with other settings (train.learning_rate is 0.003 there, 0.5 here)" in message
    assert "--out" in message
    assert store.experiment_path.read_bytes() == before


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("stages.stage1.epochs", 9, "stages.stage1.epochs is 4 there, 9 here"),
        ("stages.stage1.overrides.batch_size", 9, "stages.stage1.overrides.batch_size is absent there, 9 here"),
        ("definition.order", "ATE", 'definition.order is "TAE" there, "ATE" here'),
        ("subsets.QA3.has_qa", False, "subsets.QA3.has_qa is true there, false here"),
    ],
)
def test_the_setting_in_which_two_experiments_differ_is_named(tiny, tmp_path, path, value, said):
    store = Store(tmp_path)
    make_store(store, tiny)
    assert said in error(make_store, store, tiny.with_settings({path: value}))


@pytest.mark.parametrize("below", ["file", "file/results", "file/a/b"])
def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(tiny, tmp_path, below):
    (tmp_path / "file").write_text("", encoding="utf-8")
    message = error(make_store, Store(tmp_path / below), tiny)
    assert "cannot write here" in message
    assert "--out" in message
    assert (tmp_path / "file").read_text(encoding="utf-8") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_error_of_one_line(tiny, tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in error(make_store, Store(tmp_path / "results"), tiny)


def test_another_folder_is_no_results_folder(tmp_path):
    assert "not a results folder" in error(Store(tmp_path).experiment)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "null"])
def test_a_damaged_experiment_is_an_error_that_names_the_file(tmp_path, content):
    store = Store(tmp_path)
    store.experiment_path.write_text(content, encoding="utf-8")
    assert str(store.experiment_path) in error(store.experiment)


def add_job(store: Store, job: Job, records: list[Record], *, finish: bool = True) -> JobFolder:
    folder = store.job(job.id)
    folder.open(manifest(job.id, job.seeds, job.cell.name))
    folder.append(records)
    if finish:
        folder.finish("later")
    return folder


def test_records_come_by_cell_in_the_experiments_order_then_seed_then_as_measured(tiny, tmp_path):
    sweep = tiny.vary("sweep", train__batch_size=[64, 256, 16])
    store = Store(tmp_path)
    make_store(store, sweep)
    names = [cell.name for cell in cells(sweep)]
    assert names != sorted(names)
    expected = [
        record(seed, epoch, cell=name, subset=subset)
        for name in names
        for seed in (2, 3, 10, 11)
        for epoch, subset in ((0, "b"), (0, "a"), (1, "b"))
    ]
    for cell in cells(sweep):
        for seeds in ((10, 3), (2, 11)):
            own = [item for item in expected if item.cell == cell.name and item.seed in seeds]
            by_epoch = sorted(own, key=lambda item: item.epoch)  # as a job writes them: seeds mixed, epoch by epoch
            add_job(store, Job(cell, seeds), by_epoch)
    assert store.records() == expected


def test_only_finished_jobs_are_read(tiny, tmp_path):
    store = Store(tmp_path)
    make_store(store, tiny)
    (cell,) = cells(tiny)
    add_job(store, Job(cell, (1,)), [record(1)])
    add_job(store, Job(cell, (2,)), [record(2)], finish=False)
    (store.jobs_path / "just-a-folder").mkdir()
    assert [item.seed for item in store.records()] == [1]
    assert len(store.jobs()) == 2


def test_an_empty_results_folder_has_no_records(tiny, tmp_path):
    store = Store(tmp_path / "results")
    make_store(store, tiny)
    assert store.records() == []
    assert store.jobs() == []


def planning(store: Store, experiment, seeds: str) -> list[str]:
    """Plans of a folder after a run of these seeds, as first-last."""
    with store.held(experiment.model_copy(update={"seeds": Seeds.parse(seeds)})):
        pass
    return [f"{min(plan)}-{max(plan)}" for plan in store.plans()]


def finish(store: Store, experiment, *seeds: int) -> None:
    (cell,) = cells(experiment)
    add_job(store, Job(cell, seeds), [record(seed) for seed in seeds])


def test_seeds_planned_before_there_are_results_are_one_plan(tiny, tmp_path):
    store = Store(tmp_path)
    assert planning(store, tiny, "100-103") == ["100-103"]
    assert planning(store, tiny, "100-115") == ["100-115"]
    assert planning(store, tiny, "200-207") == ["200-207"]
    (cell,) = cells(tiny)
    add_job(store, Job(cell, (200,)), [record(200)], finish=False)
    assert planning(store, tiny, "100-101") == ["100-101"]


def test_seeds_added_to_results_are_another_plan_and_the_same_or_fewer_are_not(tiny, tmp_path):
    store = Store(tmp_path)
    planning(store, tiny, "100-103")
    finish(store, tiny, 100, 101)
    assert planning(store, tiny, "100-103") == planning(store, tiny, "101-102") == ["100-103"]
    assert planning(store, tiny, "102-107") == ["100-103", "100-107"]
    assert planning(store, tiny, "100-107") == planning(store, tiny, "104-105") == ["100-103", "100-107"]
    assert planning(store, tiny, "300-301") == ["100-103", "100-107", "100-301"]
    assert store.plans()[-1] == (*range(100, 108), 300, 301)


@pytest.mark.parametrize(("finished", "expected"), [([100, 101], "100-115"), ([100, 131], "100-131")])
def test_a_folder_that_kept_no_plans_has_one_of_what_it_was_made_for_or_holds(tiny, tmp_path, finished, expected):
    store = Store(tmp_path)
    planning(store, tiny, "100-115")
    finish(store, tiny, *finished)
    store.plans_path.unlink()
    (plan,) = store.plans()
    assert f"{plan[0]}-{plan[-1]}" == expected
    assert planning(store, tiny, "400-401") == [expected, "100-401"]


def test_a_run_that_was_refused_leaves_plans_as_they_were(tiny, tmp_path):
    store = Store(tmp_path)
    planning(store, tiny, "100-103")
    finish(store, tiny, 100)

    def refused() -> None:
        with store.held(tiny.model_copy(update={"seeds": Seeds.parse("100-199")})):
            assert len(store.plans()) == 2
            raise SaysoError("other data")

    error(refused)
    assert [len(plan) for plan in store.plans()] == [4]


@pytest.mark.parametrize("content", ["", "[]", "{}", "[[]]", '[["a"]]', "[1]"])
def test_damaged_plans_are_an_error_that_names_the_file(tiny, tmp_path, content):
    store = Store(tmp_path)
    planning(store, tiny, "100-103")
    store.plans_path.write_text(content, encoding="utf-8")
    assert str(store.plans_path) in error(store.plans)


def test_what_is_worth_having_makes_no_other_experiment(tiny, tmp_path):
    store = Store(tmp_path)
    make_store(store, tiny)
    other = tiny.with_settings({"smallest_effect": 0.002})
    assert other.digest() == tiny.digest()
    make_store(store, other)
    assert store.experiment().smallest_effect == 0.01
