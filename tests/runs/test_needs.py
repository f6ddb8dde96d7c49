import itertools
import random
import time

import pytest

from sayso.core.experiment import Experiment
from sayso.core.sweep import Job, cells, plan
from sayso.learners.specs import HFModel
from sayso.runs import needs as needs_module
from sayso.runs.estimate import on_gpu
from sayso.runs.gpus import find_gpu
from sayso.runs.needs import HOURS_MORE, PROCESS_BYTES, SAFETY, Needed, Needs, longest_first, needs_of
from sayso.runs.workload import Workload, workload
from tests.runs.few_questions import FewQuestions

A100 = find_gpu("A100")


def job_of(experiment: Experiment, seeds: int = 1) -> Job:
    return Job(cells(experiment)[0], tuple(range(seeds)))


def estimated(needs: Needs) -> float:
    return (needs.hours - HOURS_MORE) / SAFETY


def test_hours_on_a_card_are_those_that_are_shown_for_each_seed(short):
    alone = short.with_settings({"seeds": {"first": 0, "count": 1}})
    shown = on_gpu(alone, workload(alone), A100).hours
    assert estimated(needs_of(job_of(short), A100)) == pytest.approx(shown)


def test_a_job_on_a_card_asks_for_it_and_seeds_share_what_is_handed_over(short):
    one, many = (needs_of(job_of(short, seeds), A100) for seeds in (1, 8))
    assert (one.cores, one.gpus) == (1, 1)
    assert estimated(one) < estimated(many) < 8 * estimated(one)


def test_a_model_on_several_cards_asks_for_all_of_them(short):
    together = short.model_copy(update={"model": HFModel(name="EleutherAI/pythia-70m-deduped", devices=4)})
    assert needs_of(job_of(together), A100).gpus == 4
    assert needs_of(job_of(together), A100).cores == 4


def test_without_a_card_it_is_cores_and_memory_for_every_seed(short):
    one, many = (needs_of(job_of(short, seeds)) for seeds in (1, 16))
    assert one.gpus == many.gpus == 0
    assert PROCESS_BYTES / 1e9 <= one.memory_gb <= many.memory_gb
    assert estimated(one) < estimated(many)


def test_twice_the_epochs_take_about_twice_as_long(short):
    long = short.with_settings({f"stages.{stage.name}.epochs": 2 * stage.epochs for stage in short.stages})
    assert 1.4 < estimated(needs_of(job_of(long))) / estimated(needs_of(job_of(short))) < 2.1


def test_what_cannot_be_estimated_has_the_default(short):
    unknown = short.model_copy(update={"model": HFModel(name="nobody/knows-this")})
    assert needs_of(job_of(unknown)) == Needs()
    assert needs_of(job_of(unknown), A100) == Needs(gpus=1)


def test_types_of_a_users_own_that_raise_anything_have_the_default(quick, monkeypatch):
    def trip(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(FewQuestions, "world", trip)
    assert needs_of(job_of(quick)) == Needs()


def test_ten_thousand_jobs_of_thirty_cells_are_counted_once_a_cell_that_reads_something_else(short, monkeypatch):
    sizes, rates = [8, 16, 24, 32, 48], [1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3]
    swept = short.model_copy(update={"axes": {"model.config.hidden_size": sizes, "train.learning_rate": rates}})
    jobs = [Job(cell, (seed,)) for cell in cells(swept) for seed in range(334)]
    needs_of(jobs[0])  # transformers is imported, and a model of the smallest size was made
    counted: list[Experiment] = []

    def count(each: Experiment) -> Workload:
        counted.append(each)
        return workload(each)

    monkeypatch.setattr(needs_module, "workload", count)
    needed, began = Needed(), time.process_time()
    order = longest_first(jobs, needed, lambda _: False)
    assert time.process_time() - began < 5
    assert len(counted) == 1
    models = [job.cell.experiment.model.model_dump() for job in order[:: 334 * 6]]
    assert [model["config"]["hidden_size"] for model in models] == sizes[::-1]


def test_documents_are_counted_anew_where_others_are_read(short, monkeypatch):
    swept = short.model_copy(update={"axes": {"split.aliases_per_entity": [10, 20]}})
    few, many = (needs_of(Job(cell, (1,))) for cell in cells(swept))
    assert estimated(few) < estimated(many)
    needed = Needed()
    assert [needed(Job(cell, (1,))) for cell in cells(swept)] == [few, many]


def test_the_longest_come_first_after_those_that_were_begun_and_equals_as_they_were():
    hours = {"a": 1.0, "b": 3.0, "c": 2.0, "d": 3.0, "e": 0.5}
    order = longest_first("abcde", lambda job: Needs(hours=hours[job]), lambda job: job in "ae")
    assert "".join(order) == "aebdc"


def test_machines_that_take_the_longest_first_are_within_a_third_of_the_best_there_is():
    """Graham's bound, 4/3 - 1/(3m), against every way to share nine jobs out."""
    rng = random.Random(7)
    for _ in range(20):
        lengths = [rng.uniform(1, 10) for _ in range(9)]
        ends = [0.0, 0.0]
        for length in longest_first(lengths, lambda length: Needs(hours=length), lambda _: False):
            ends[ends.index(min(ends))] += length
        best = min(
            max(sum(part), sum(lengths) - sum(part))
            for size in range(10)
            for part in itertools.combinations(lengths, size)
        )
        assert max(ends) <= (4 / 3 - 1 / 6) * best + 1e-9


def test_the_order_of_a_plan_stays_where_all_take_the_same(short):
    jobs = plan(short, tuple(range(6)), 6)
    assert longest_first(jobs, Needed(), lambda _: False) == jobs
