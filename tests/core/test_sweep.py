import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.core.sweep import Job, cell_names, cells, plan, stacks
from tests.conftest import make_tiny

TINY = make_tiny()
SWEEP = TINY.vary("sweep", train__batch_size=[64, 8, 16], definition__order=["TAE", "EAT"])
MOST = TINY.model.max_replicas


def test_an_experiment_without_axes_is_one_cell(tiny):
    (cell,) = cells(tiny)
    assert (cell.name, cell.experiment) == ("main", tiny)


def test_axes_make_all_combinations_the_last_varying_fastest():
    found = [
        (c.name, c.experiment.train.batch_size, c.experiment.definition.model_dump()["order"]) for c in cells(SWEEP)
    ]
    assert found == [
        (f"train.batch_size={size},definition.order={order}", size, order)
        for size in (64, 8, 16)
        for order in ("TAE", "EAT")
    ]
    assert all(cell.experiment.axes == {} for cell in cells(SWEEP))


def test_cells_of_a_list_valued_setting_hold_the_lists(tiny):
    sweep = tiny.with_axes({"stages.stage1.documents": [["X1"], ["X1", "X2"]]})
    assert [cell.experiment.stages[1].documents for cell in cells(sweep)] == [("X1",), ("X1", "X2")]


def test_two_cells_that_are_the_same_experiment_are_refused(tiny):
    with pytest.raises(SaysoError, match="same experiment"):
        cells(tiny.with_axes({"train.learning_rate": [1, 1.0]}))
    with pytest.raises(SaysoError, match="same experiment"):
        cells(tiny.with_axes({"seeds.count": [1, 2]}))


def test_combinations_that_do_not_fit_together_are_refused(tiny):
    sweep = tiny.with_axes({"subsets.D5cons.fraction": [0.08], "subsets.D6cons.fraction": [0.08]})
    broken = sweep.model_copy(update={"axes": {**sweep.axes, "subsets.D5cons.fraction": (0.5,)}})
    with pytest.raises(SaysoError, match="fractions must sum to 1"):
        cells(broken)


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=80), st.integers(1, 20), st.integers(1, 20))
def test_stacks_deal_every_seed_once_and_never_too_many(seeds, processes, most):
    dealt = stacks(seeds, processes, most)
    assert [seed for stack in dealt for seed in stack] == seeds
    sizes = [len(stack) for stack in dealt]
    assert all(1 <= size <= most for size in sizes)
    assert len(dealt) == max(min(processes, len(seeds)), -(-len(seeds) // most))
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


#: Jobs of a few seeds each, which may overlap and reach beyond the seeds asked for.
SOME_JOBS = st.lists(st.lists(st.integers(0, 40), unique=True, min_size=1, max_size=MOST).map(tuple), max_size=4)


@given(st.data(), st.integers(1, 40), st.integers(1, 6))
def test_a_plan_gives_every_cell_every_seed_once(data, count, processes):
    seeds = list(range(count))
    dealt = [stack for stack in stacks(range(40), 5, MOST) if data.draw(st.booleans())]
    finished = {"main": dealt}
    begun = {"main": data.draw(SOME_JOBS)}
    jobs = plan(TINY, seeds, processes, begun, finished)
    planned = [seed for job in jobs for seed in job.seeds]
    assert len(planned) == len(set(planned))
    assert set(seeds) <= set(planned)
    assert all(len(job.seeds) <= MOST for job in jobs)
    for job in jobs:
        assert set(job.seeds) <= set(seeds) or job.seeds in dealt


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 6))
def test_jobs_begun_are_kept_whatever_the_number_of_processes(count, before, now):
    seeds = list(range(count))
    first = plan(SWEEP, seeds, before)
    begun: dict[str, list[tuple[int, ...]]] = {}
    for job in first:
        begun.setdefault(job.cell.name, []).append(job.seeds)
    assert {job.id for job in plan(SWEEP, seeds, now, begun)} == {job.id for job in first}


def test_more_seeds_leave_jobs_begun_as_they_are(tiny):
    jobs = plan(tiny, range(8), 2, {"main": [(0, 1, 2)]})
    assert [job.seeds for job in jobs] == [(0, 1, 2), (3, 4), (5, 6, 7)]


def test_a_job_begun_with_seeds_that_are_not_asked_for_is_left_alone(tiny):
    assert [job.seeds for job in plan(tiny, range(2), 1, {"main": [(0, 1, 2)]})] == [(0, 1)]


def test_what_is_finished_is_never_run_again(tiny):
    finished = {"main": [(0, 1, 2, 3)]}
    assert [job.seeds for job in plan(tiny, range(2), 2, {}, finished)] == [(0, 1, 2, 3)]
    assert [job.seeds for job in plan(tiny, range(2, 7), 1, {}, finished)] == [(0, 1, 2, 3), (4, 5, 6)]
    assert [job.seeds for job in plan(tiny, range(2, 7), 1, {"main": [(2, 3, 4)]}, finished)][1:] == [(4, 5, 6)]


def test_ids_of_jobs_name_the_cell_and_its_seeds():
    jobs = [Job(cell, seeds) for cell in cells(SWEEP) for seeds in ((0,), (1,), (0, 1), (1, 0))]
    assert len({job.id for job in jobs}) == len(jobs)
    assert all(len(job.id) == 16 for job in jobs)
    renamed = cells(SWEEP.with_settings({"name": "other"}))[0]
    assert Job(renamed, (0,)).id == Job(cells(SWEEP)[0], (0,)).id


def test_cells_of_objects_are_called_by_what_tells_them_apart():
    stage = {"name": "stage1", "documents": ["X1"]}
    joint = [
        {**stage, "epochs": 3, "overrides": {"batch_size": 8}},
        {**stage, "epochs": 3, "overrides": {"batch_size": 64}},
        {**stage, "epochs": 5, "overrides": {}},
    ]
    assert [cell.name for cell in cells(TINY.with_axes({"stages.stage1": joint}))] == [
        "stages.stage1=epochs:3;overrides.batch_size:8",
        "stages.stage1=epochs:3;overrides.batch_size:64",
        "stages.stage1=epochs:5",
    ]


def test_cells_of_long_values_are_called_by_their_place():
    texts = [[f"According to source number {number} of very many," for number in range(count)] for count in (3, 4)]
    assert [cell.name for cell in cells(TINY.with_axes({"sources.new.text": texts}))] == [
        "sources.new.text=#1",
        "sources.new.text=#2",
    ]


def test_cells_are_named_without_being_made(tiny):
    sweep = tiny.vary("s", train__batch_size=[64, 256], definition__order=["TAE", "ATE"])
    assert cell_names(sweep) == tuple(cell.name for cell in cells(sweep))
    assert cell_names(tiny) == tuple(cell.name for cell in cells(tiny))
