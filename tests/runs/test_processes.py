import dataclasses
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core.experiment import Experiment
from sayso.core.sweep import Cell, cells, plan
from sayso.learners.grids.specs import ConvNeXtV2
from sayso.learners.known_models import KNOWN_MODELS
from sayso.learners.specs import FromScratch, HFModel
from sayso.runs.machine import Machine
from sayso.runs.processes import dealing, measured_on, threads_of, usual_processes
from tests.conftest import make_tiny
from tests.runs.fake_devices import gpus, machine

LARGE = HFModel(name="EleutherAI/pythia-2.8b-deduped")
PARAMETERS = KNOWN_MODELS[LARGE.name].parameters
TINY = make_tiny()
MOST = TINY.model.max_replicas_on_gpu or 0
SWEEP = TINY.vary("sweep", train__batch_size=[8, 16, 32])


def test_there_is_a_process_a_gpu_or_where_there_is_none_a_core(tiny):
    for model in (tiny.model, LARGE, ConvNeXtV2()):
        assert usual_processes(model, machine()) == 8
        assert [usual_processes(model, machine(gpus)) for gpus in (1, 2, 12)] == [1, 2, 12]


def test_processes_that_train_one_model_together_count_as_one(monkeypatch):
    three = LARGE.model_copy(update={"devices": 3})
    assert [usual_processes(three, machine(gpus)) for gpus in (2, 3, 8)] == [1, 1, 2]
    assert usual_processes(three, machine(8, free=1.5 * (8 * PARAMETERS / 1e9 + 1))) == 1
    assert [threads_of(three, processes, machine(8)) for processes in (1, 2)] == [8 // 3, 8 // 6]
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "run")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert usual_processes(three, machine(8)) == 1


@pytest.mark.parametrize(("gpus", "a_parameter"), [(0, 20), (8, 8)])
def test_large_models_are_no_more_than_there_is_memory_for(gpus, a_parameter, tiny):
    """On CPUs the whole training is there, beside GPUs weights on their way."""
    each = a_parameter * PARAMETERS / 1e9 + 1
    for copies, free in ((1, 1.0), (1, 1.5 * each), (3, 3.5 * each), (8, 100 * each)):
        assert usual_processes(LARGE, machine(gpus, free=free)) == copies
    assert usual_processes(tiny.model, machine(gpus, free=1.0)) == 8
    assert usual_processes(HFModel(name="nobody/knows-this"), machine(gpus, free=1.0)) == 8


def test_a_model_that_cannot_be_read_ends_no_run_here(tmp_path):
    for text in ("null", '{"model_type": "llama", "hidden_size": "x"}', "{"):
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        assert usual_processes(HFModel(name=str(tmp_path)), machine(free=100.0)) == 8
    (tmp_path / "cut.gguf").write_bytes(b"GGUF")
    assert usual_processes(HFModel(name=str(tmp_path / "cut.gguf")), machine(free=100.0)) == 8


@pytest.mark.parametrize(("beside", "each"), [(0, 8), (1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_a_large_model_shares_the_cores_with_those_beside_it(tiny, beside, each):
    assert threads_of(LARGE, beside, machine(1)) == threads_of(LARGE, beside, machine()) == each
    assert threads_of(tiny.model, beside, machine()) == 1


@pytest.mark.parametrize(("said", "each"), [(1, 1), (2, 2), (16, 4), (None, 4)])
def test_there_are_no_more_threads_than_the_user_said(said, each):
    assert threads_of(LARGE, 2, machine(threads=said)) == each


def sizes(experiment: Experiment, seeds: int, gpus: int, fits: int | None = 100, jobs: int | None = None) -> list[int]:
    """How many seeds each job has."""
    deal = dealing(experiment, machine(gpus), jobs, lambda *_: fits)
    return [len(job.seeds) for job in plan(experiment, range(seeds), deal)]


def test_on_cpus_every_core_gets_seeds_and_no_job_more_than_fit_a_cpu():
    assert sorted(sizes(TINY, 20, 0)) == [2] * 4 + [3] * 4
    assert sizes(TINY, 3, 0) == [1] * 3
    assert sizes(TINY, 20, 0, jobs=1) == [10, 10]


def test_on_a_gpu_all_seeds_are_one_job_as_far_as_they_fit():
    assert sizes(TINY, 20, 1) == [20]
    assert sizes(TINY, 20, 1, fits=16) == [10, 10]
    assert sizes(TINY, 20, 1, fits=1) == [1] * 20
    assert sizes(TINY, MOST + 1, 1, fits=10**6) == [MOST // 2, MOST // 2 + 1]


def test_a_model_that_says_no_more_has_no_more_than_on_a_cpu():
    class Own(FromScratch):
        max_replicas_on_gpu = None

    own = TINY.model_copy(update={"model": Own(config=TINY.model.config)})  # type: ignore[attr-defined]
    assert MOST > 16 == TINY.model.max_replicas
    assert sizes(own, 20, 1) == [10, 10]
    assert sizes(own, 20, 1, fits=4) == [4] * 5


def test_where_it_cannot_be_measured_a_job_has_no_more_than_on_a_cpu():
    most = TINY.model.max_replicas
    assert sizes(TINY, 20, 1, fits=None) == [10, 10]
    assert max(sizes(TINY, 100, 1, fits=None)) <= most


def test_each_of_several_gpus_gets_its_part():
    assert sizes(TINY, 20, 4) == [5] * 4
    assert sizes(TINY, 3, 4) == [1] * 3
    assert sizes(SWEEP, 20, 3) == [20] * 3  # as many cells as GPUs
    assert sizes(SWEEP, 20, 6) == [10] * 6
    assert sizes(SWEEP, 20, 4) == [10] * 6


def test_models_that_are_trained_alone_are_a_job_each():
    def fail(*_: object) -> int:
        raise AssertionError("there is nothing to measure")

    alone = TINY.model_copy(update={"model": LARGE})
    deal = dealing(alone, machine(2), fits=fail)
    assert [job.seeds for job in plan(alone, range(3), deal)] == [(0,), (1,), (2,)]
    assert [job.seeds for job in plan(TINY, range(2), dealing(TINY, machine(2), fits=fail))] == [(0,), (1,)]


def test_memory_is_measured_once_for_cells_that_take_the_same_and_as_it_is_shared():
    asked: list[tuple[int, int, float]] = []

    def fits(experiment: Experiment, seed: int, share: float) -> int:
        asked.append((experiment.train.batch_size, seed, share))
        return 100

    plan(SWEEP, range(7, 27), dealing(SWEEP, machine(1), None, fits))
    assert [size for size, _, _ in asked] == [8, 16, 32]
    assert {(seed, share) for _, seed, share in asked} == {(7, 1.0)}
    asked.clear()
    alike = TINY.vary("alike", reliability=[0.8, 0.9])
    plan(alike, range(20), dealing(alike, machine(2), 5, fits))
    assert [share for _, _, share in asked] == [1 / 3]


def test_what_was_begun_or_has_finished_stays_as_it_is_and_nothing_is_measured_for_it():
    def fail(*_: object) -> int:
        raise AssertionError("there is nothing to measure")

    deal = dealing(TINY, machine(1), fits=fail)
    begun, finished = {"main": [tuple(range(4, 16))]}, {"main": [(0, 1, 2, 3)]}
    jobs = plan(TINY, range(16), deal, begun, finished)
    assert [job.seeds for job in jobs] == [(0, 1, 2, 3), tuple(range(4, 16))]
    assert {job.id for job in plan(TINY, range(16), 8, begun, finished)} == {job.id for job in jobs}


@given(st.integers(1, 300), st.integers(0, 9), st.integers(1, 400), st.none() | st.integers(1, 20))
def test_every_seed_is_dealt_once_in_parts_that_fit_and_are_of_one_size(seeds, gpus, fits, jobs):
    deal = dealing(TINY, machine(gpus), jobs, lambda *_: fits)
    (cell,) = cells(TINY)
    assert isinstance(cell, Cell)
    dealt = deal(cell, range(seeds))
    assert [seed for part in dealt for seed in part] == list(range(seeds))
    lengths = [len(part) for part in dealt]
    assert max(lengths) - min(lengths) <= 1
    most = min(fits, MOST) if gpus and seeds > (jobs or gpus) else TINY.model.max_replicas
    assert max(lengths) <= most
    assert len(dealt) == max(min(jobs or gpus or 8, seeds), math.ceil(seeds / most))


def test_a_gpu_is_measured_in_a_process_that_sees_it_alone(tmp_path, monkeypatch, caplog):
    """The child says on which GPU it measured; where it cannot, that is said, and nothing is known."""
    path = tmp_path / "fake-python"
    path.write_text('#!/bin/sh\necho "{\\"devices\\": [], \\"fits\\": $CUDA_VISIBLE_DEVICES}"\n', encoding="utf-8")
    path.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(path))
    roomy, full = gpus(2, "3", "7")
    fits = measured_on(Machine(8, None, (roomy, dataclasses.replace(full, free=1))))
    assert fits(TINY, 0, 1.0) == 7
    path.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert fits(TINY, 0, 1.0) is None
    assert "could not be measured: a process that looked ended with code 9" in caplog.text
