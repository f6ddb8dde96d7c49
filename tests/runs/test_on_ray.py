"""Ray: what runs on its nodes, what is said where it cannot be, and a real cluster of two nodes, one of which dies.

pytest -m slow tests/runs/test_on_ray.py      also errors, Ctrl-C, a run that is killed, a process that dies over and
                                              over, and a job that another process has
"""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_socket import enable_socket

from sayso.core.errors import SaysoError
from sayso.core.files import file_sha256
from sayso.core.job_folder import JobFolder
from sayso.core.lease import take
from sayso.core.lease_file import is_held
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from sayso.learners.specs import HFModel
from sayso.runs import machine, on_ray, processes, ray_cluster
from sayso.runs.execute import execute
from sayso.runs.machine import Machine
from sayso.runs.manifest import versions
from sayso.runs.needs import Needs
from sayso.runs.on_ray import RayCluster
from sayso.runs.places import OnRay, place
from sayso.runs.ray_cluster import LOCAL, Node, _token, misfits, quiet_ray
from sayso.runs.ray_task import Task, look_around, run_job
from tests.core.written import error, make_store

Told = list[tuple[str, dict[str, object]]]
#: Seconds within which whatever is waited for must have come.
WAIT_S = 120.0
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no Ray here: pip install 'sayso[ray]'")


@pytest.fixture
def store(quick, tmp_path) -> Store:
    result = Store(tmp_path / "results")
    make_store(result, quick)
    return result


@pytest.fixture
def sockets(no_network: None) -> None:
    """Nodes on this machine speak over sockets."""
    enable_socket()


def jobs_of(experiment, *seeds: int) -> list[Job]:
    return [Job(cells(experiment)[0], (seed,)) for seed in seeds]


def same_as_here(store: Store, job: Job) -> None:
    """The records of a job are those of this process."""
    here = JobFolder(store.path.parent / "here" / job.id)
    execute(job, here, lambda event: None)
    assert store.job(job.id).finished
    assert store.job(job.id).records_path.read_bytes() == here.records_path.read_bytes()


# Without a cluster


@pytest.mark.parametrize("name", ["ray", "ray=10.0.0.1:6379", "ray=auto", "ray://10.0.0.1:10001", "ray=ray://h:1"])
def test_places_of_ray(name):
    found = place(name)
    assert isinstance(found, OnRay)
    assert (found.address or "") in name
    assert (found.address is None) == (name == "ray")


@pytest.mark.parametrize("name", ["rai", "ray=", "ray:", "http://h:1"])
def test_what_is_no_place_is_an_error_that_says_what_is(name):
    assert "it is here, slurm, ray, ray=ADDRESS or ray://HOST:PORT" in error(place, name)


def test_seeds_go_to_as_many_jobs_as_there_are_gpus_or_cores(quick, monkeypatch):
    """Of two cells each gets half of what there is."""
    sweep = quick.vary("sweep", train__batch_size=[16, 32])
    (cell, _), seeds = cells(sweep), range(12)
    where = OnRay()
    nodes = (Node("a", "a", 4, 0, 1e10), Node("b", "b", 8, 0, 1e10))
    monkeypatch.setattr(OnRay, "nodes", nodes)
    assert [len(each) for each in where.deal(sweep, None)(cell, seeds)] == [2] * 6
    assert [len(each) for each in where.deal(sweep, 4)(cell, seeds)] == [6] * 2
    assert where.needs(Job(cell, (1,))) == Needs(memory_gb=1.0)
    monkeypatch.setattr(OnRay, "nodes", (*nodes, Node("c", "c", 8, 4, 1e11)))
    assert [len(each) for each in where.deal(sweep, None)(cell, seeds)] == [6] * 2
    assert where.needs(Job(cell, (1,))).gpus == 1
    together = cell.experiment.model_copy(update={"model": HFModel(name="m", devices=2)})
    monkeypatch.setattr(processes, "memory_of", lambda model, on_gpu: 9e9 if on_gpu else None)
    assert where.needs(Job(type(cell)("main", together), (1,))) == Needs(gpus=2, memory_gb=9.0)


def test_a_cluster_started_here_has_what_this_machine_has(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(machine, "this_machine", lambda: Machine(6, 5e9))
    assert [(node.cores, node.gpus, node.memory) for node in OnRay().nodes] == [(6, 0, 5e9)]


def test_what_no_node_has_is_said_or_an_error_where_none_can_join():
    nodes = (Node("a", "a", 4, 0, 8e9), Node("b", "b", 2, 1, 8e9))
    fits, wide = Needs(4), Needs(3, 1)
    assert misfits([fits, Needs(2, 1)], nodes, more_may_come=False) == []
    (said,) = misfits([wide, fits, wide], nodes, more_may_come=True)
    assert said == (
        "no node has 3 cores, 1 GPUs and 4 GB of memory (the largest has 2 cores, 1 GPUs and 8 GB): it is waited for"
    )
    with pytest.raises(SaysoError, match="a job needs 1 cores, 0 GPUs and 9 GB of memory; this machine has 2 cores"):
        misfits([Needs(memory_gb=9.0)], nodes, more_may_come=False)


def test_without_ray_one_line_says_how_to_get_it(store, quick, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    said = error(RayCluster(store).run, jobs_of(quick, 1), lambda *_: None)
    assert said == "--on ray needs Ray: pip install 'sayso[ray]'"


def test_a_node_that_does_not_see_the_folder_or_has_other_versions_says_so(store, tmp_path):
    sha256 = file_sha256(store.experiment_path)
    look_around(str(store.path), sha256, versions())
    assert "not there on node" in error(look_around, str(tmp_path / "none"), sha256, versions())
    assert "another one on node" in error(look_around, str(store.path), "0" * 64, versions())
    assert "torch is" in error(look_around, str(store.path), sha256, {**versions(), "torch": "0.0.0"})


def task(store: Store, job: Job, **settings: Any) -> Task:
    made = RayCluster(store)._task(job, Needs())
    return Task(**{**vars(made), "run": "this", **settings})


def test_a_task_runs_a_job_and_hands_back_its_name(store, quick, capsys):
    (job,) = jobs_of(quick, 1)
    assert run_job(task(store, job)) == (job.id, ())
    same_as_here(store, job)
    assert capsys.readouterr().out.count(f"{job.id} event=epoch") == 6


def test_a_task_whose_job_fails_raises_what_was_wrong(store, quick):
    broken = quick.with_settings({"knowledge.entities": 5000})
    (job,) = jobs_of(broken, 1)
    assert "knowledge" in error(run_job, task(store, job))


def test_tasks_see_settings_of_sayso_and_no_gpus_unless_they_need_some(store, quick, monkeypatch):
    monkeypatch.setenv("SAYSO_LEASE_SECONDS", "7")
    monkeypatch.setenv("HF_HOME", "/shared")
    monkeypatch.setenv("HF_TOKEN", "secret")
    (job,) = jobs_of(quick, 1)
    without, one = (RayCluster(store)._task(job, Needs(4, gpus)) for gpus in (0, 1))
    assert without.environment["SAYSO_LEASE_SECONDS"] == "7"
    assert without.environment["HF_HOME"] == "/shared"
    assert "HF_TOKEN" not in without.environment
    assert (without.environment["CUDA_VISIBLE_DEVICES"], one.environment.get("CUDA_VISIBLE_DEVICES")) == ("", None)
    assert one.threads == 1  # a small model gives the same numbers whatever the machine


@needs_ray
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "Ray at 127.0.0.1:1: nothing answers"),
        ("ray://127.0.0.1:1", "Ray at ray://127.0.0.1:1: nothing answers"),
        ("somewhere", "Ray at somewhere: not an address"),
        ("host:", "Ray at host:: not an address"),
    ],
)
def test_an_address_where_no_cluster_is_is_an_error_at_once(store, quick, sockets, address, said):
    begin = time.monotonic()
    assert said in error(RayCluster(store, address).run, jobs_of(quick, 1), lambda *_: None)
    assert time.monotonic() - begin < ray_cluster._ANSWER_S + 10


# A real one


class TwoNodes:
    """A cluster of two nodes of a core each; the second can be killed, and comes again."""

    def __init__(self) -> None:
        quiet_ray()
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "include_dashboard": False, "memory": 4 * 10**9}
        self.cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.address = self.cluster.address
        self.second = self.add()

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=1, memory=4 * 10**9)

    def lose(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    pytest.importorskip("ray", reason="no Ray here: pip install 'sayso[ray]'")
    enable_socket()
    found = TwoNodes()
    yield found
    found.cluster.shutdown()


def on(nodes: TwoNodes, store: Store) -> RayCluster:
    return RayCluster(store, nodes.address, lambda _: Needs(memory_gb=1.0))


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves files to the collector


def test_jobs_of_a_node_that_dies_go_on_elsewhere_to_the_same_records(nodes, sockets, store, quick, monkeypatch, capfd):
    monkeypatch.setattr(on_ray, "_LOOK_S", 0.2)
    jobs = jobs_of(quick.with_settings({"stages.stage1.epochs": 20}), 1, 2)
    told: Told = []
    come: set[str] = set()

    def hear(job_id: str, event: dict[str, object]) -> None:
        told.append((job_id, event))
        if event["event"] == "come_to":
            come.add(job_id)
            if len(come) == 2 and nodes.second is not None:
                nodes.lose()
                nodes.second = None

    capfd.readouterr()
    on(nodes, store).run(jobs, hear)
    assert capfd.readouterr().out == ""  # where results are printed
    warnings = [event["message"] for _, event in told if event["event"] == "warning"]
    assert any("goes on from its last checkpoint" in str(message) for message in warnings)
    assert [job_id for job_id, event in told if event["event"] == "finished"] != []
    nodes.second = nodes.add()
    for job in jobs:
        same_as_here(store, job)


@pytest.mark.slow
def test_an_error_is_raised_here_what_runs_is_finished_and_nothing_else_is_begun(nodes, sockets, store, quick):
    (bad,) = jobs_of(quick.with_settings({"knowledge.entities": 5000}), 1)
    others = jobs_of(quick, 1, 2, 3, 4)
    said = error(on(nodes, store).run, [others[0], bad, *others[1:]], lambda *_: None)
    assert "are needed, a pool of 16 makes 256" in said
    assert "\n" not in said
    finished = [store.job(job.id).finished for job in others]
    assert finished[0]
    assert not finished[-1]
    assert all(is_held(store.job(job.id).path) is None for job in others if store.job(job.id).path.exists())


def test_a_folder_that_nodes_see_otherwise_and_another_version_of_ray_are_errors(
    nodes, sockets, store, quick, monkeypatch
):
    import ray

    with monkeypatch.context() as patched:
        patched.setattr(ray_cluster, "file_sha256", lambda path: "0" * 64)
        assert "another one on node" in error(on(nodes, store).run, jobs_of(quick, 1), lambda *_: None)
    with monkeypatch.context() as patched:
        patched.setattr(ray, "__version__", "1.0.0")
        said = error(on(nodes, store).run, jobs_of(quick, 1), lambda *_: None)
    assert "ersion mismatch" in said
    assert "Ray: 1.0.0" in said
    assert said.endswith("begin in the very environment of its nodes")
    assert not ray.is_initialized()


@pytest.mark.slow
def test_a_job_that_another_process_has_is_left_to_it(nodes, sockets, store, quick):
    (job,) = jobs_of(quick, 1)
    store.job(job.id).path.mkdir(parents=True)
    lease = take(store.job(job.id).path)
    told: Told = []

    def hear(job_id: str, event: dict[str, object]) -> None:
        told.append((job_id, event))
        if event["event"] == "elsewhere":
            lease.give_back()

    on(nodes, store).run([job], hear)
    assert f"process {os.getpid()} on" in str(told[0][1]["by"])
    assert told[-1] == (job.id, {"event": "finished"})


def dies(task: Task) -> None:
    """As a task whose process is killed."""
    os._exit(1)


@pytest.mark.slow
def test_a_job_whose_process_is_lost_over_and_over_is_an_error(nodes, sockets, store, quick, monkeypatch):
    monkeypatch.setattr(on_ray, "run_job", dies)
    (job,) = jobs_of(quick, 1)
    told: Told = []
    said = error(on(nodes, store).run, [job], lambda *one: told.append(one))
    assert f"job {job.id}: lost 3 times without coming further" in said
    assert len(told) == 2


@pytest.mark.slow
def test_an_interrupt_stops_all_tasks_and_the_same_call_goes_on(nodes, sockets, store, quick):
    jobs = jobs_of(quick.with_settings({"stages.stage1.epochs": 400}), 1, 2, 3)
    come: set[str] = set()

    def interrupt(job_id: str, event: dict[str, object]) -> None:
        if event["event"] == "come_to":
            come.add(job_id)
            if len(come) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on(nodes, store).run(jobs, interrupt)
    assert all(is_held(store.job(job_id).path) is None for job_id in come)
    again = jobs_of(quick, 1)
    on(nodes, store).run(again, lambda *_: None)
    same_as_here(store, again[0])


RUN = """
import sys; from pathlib import Path
from sayso.core.store import Store; from sayso.core.sweep import Job, cells; from sayso.runs.needs import Needs
from sayso.runs.on_ray import RayCluster
store = Store(Path(sys.argv[1])); (cell,) = cells(store.experiment())
RayCluster(store, sys.argv[2], lambda _: Needs(memory_gb=1.0)).run([Job(cell, (1,))], lambda *_: None)
"""


@pytest.mark.slow
def test_tasks_end_with_a_run_that_is_killed(nodes, sockets, short, tmp_path):
    long = short.with_settings({"stages.stage0.epochs": 100_000})
    store = Store(tmp_path / "results")
    make_store(store, long)
    (job,) = jobs_of(long, 1)
    folder = store.job(job.id)
    with subprocess.Popen([sys.executable, "-c", RUN, str(store.path), nodes.address]) as process:
        until(lambda: folder.position_path.exists())
        process.kill()
    until(lambda: is_held(folder.path) is None)
    assert not folder.finished


def until(true: Callable[[], object]) -> None:
    """Wait for something."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_token_that_is_here_is_shown_to_a_cluster_unless_told_otherwise(monkeypatch, tmp_path):
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _token("10.0.0.5:6379") == {}
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("x")
    assert _token("10.0.0.5:6379") == {"RAY_AUTH_MODE": "token"}
    assert _token(LOCAL) == {}
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert _token("10.0.0.5:6379") == {}
