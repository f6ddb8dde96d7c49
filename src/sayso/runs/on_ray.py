"""Jobs on a Ray cluster: a task each, which runs the job's folder on its node (`sayso.runs.ray_task`).

The results folder is the truth, so it must be there on every node, under the same path: a task hands back a name and no
results. What a node was doing that is lost goes on elsewhere from the folder, once the lease has lapsed that the node
had of it. When whoever began a run ends, so do all its tasks; the same command goes on.
"""

from __future__ import annotations

import collections
import contextlib
import math
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.lease import Watch
from sayso.core.lease_file import is_held
from sayso.core.own_types import has_foreign
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.runs.devices import VISIBLE
from sayso.runs.needs import Needed, Needs, longest_first
from sayso.runs.ray_cluster import LOCAL, address_of, connected, misfits, nodes_of, require_nodes, said
from sayso.runs.ray_task import Task, run_job
from sayso.runs.status import epochs_done
from sayso.runs.worker import import_path

OnEvent = Callable[[str, dict[str, object]], None]

#: Seconds between two looks at tasks and folders.
_LOOK_S = 2.0
#: Seconds that tasks have for ending when they are told to.
_STOP_S = 15.0
#: How often in a row a job may lose its node without having come any further.
_LOST = 3
#: Variables that tasks find as they are here, beside sayso's own: where models of the hub are.
_PASSED_ON = ("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE")


@dataclass
class _Tries:
    """Of a job: epochs done when it was submitted last and that were told of, and how often it was lost in a row."""

    began: int = 0
    told: int = 0
    lost: int = 0


@dataclass
class RayCluster:
    """An executor on a Ray cluster: on the one at `address`, or of ``RAY_ADDRESS``, or else one started here.

    Tasks begin longest first, `at_a_time` of them at most, each where there are the cores, GPUs and memory that `needs`
    says. A job that another process has is left to it, and begun if that one ends before the job does.
    """

    store: Store
    address: str | None = None
    needs: Callable[[Job], Needs] = lambda _: Needs()
    at_a_time: int | None = None
    save_models: bool = False
    _run: str = field(default="", init=False)
    _tasks: dict[Any, Job] = field(default_factory=dict, init=False)
    _tries: dict[str, _Tries] = field(default_factory=dict, init=False)
    _elsewhere: list[tuple[Job, Watch]] = field(default_factory=list, init=False)

    def run(self, jobs: Sequence[Job], on_event: OnEvent) -> None:
        """Run all jobs to their end.

        Raises
        ------
        SaysoError
            If the cluster cannot be used, or a job fails. Jobs that are running are finished first.
        KeyboardInterrupt
            After Ctrl-C, once all tasks have ended.
        """
        self._run, address = uuid.uuid4().hex, address_of(self.address)
        with connected(address) as ray:
            try:
                nodes = nodes_of(ray)
                require_nodes(ray, nodes, self.store)
                for message in misfits(map(self.needs, jobs), nodes, more_may_come=address != LOCAL):
                    on_event(jobs[0].id, {"event": "warning", "message": message})
                failures = self._run_all(ray, jobs, on_event)
            except (ray.exceptions.RayError, ConnectionError) as error:
                raise SaysoError(f"Ray at {address}: {said(error)}; the same command goes on") from error
            finally:
                self._stop_all(ray)
        if failures:
            raise SaysoError(failures[0])

    def _run_all(self, ray: Any, jobs: Sequence[Job], on_event: OnEvent) -> list[str]:
        """Submit jobs and see them to their end; what went wrong."""
        failures: list[str] = []
        ordered = longest_first(jobs, Needed(), lambda job: self.store.job(job.id).begun)
        waiting = collections.deque((job, Watch(self.store.job(job.id).path)) for job in ordered)
        while self._tasks or ((waiting or self._elsewhere) and not failures):
            while waiting and not failures and len(self._tasks) < (self.at_a_time or math.inf):
                self._begin(ray, *waiting.popleft(), on_event)
            for task in self._ended(ray):
                job = self._tasks.pop(task)
                if (failure := self._failure(ray, task, job, on_event)) is None:
                    waiting.append((job, Watch(self.store.job(job.id).path)))  # has finished, or is to be begun again
                else:
                    failures.append(failure)
            if failures:
                self._cancel_queued(ray)
            waiting.extend(self._come_back())
            self._tell(on_event)
        return failures

    def _begin(self, ray: Any, job: Job, watch: Watch, on_event: OnEvent) -> None:
        """Submit a job, unless it has finished or another process holds it."""
        folder = self.store.job(job.id)
        if folder.finished:
            on_event(job.id, {"event": "finished"})
        elif folder.path.exists() and not watch.free():
            self._elsewhere.append((job, watch))
            on_event(job.id, {"event": "elsewhere", "by": watch.holder})
        else:
            needs = self.needs(job)
            options = {"num_cpus": needs.cores, "num_gpus": needs.gpus, "memory": round(needs.memory_gb * 1e9)}
            remote = ray.remote(run_job).options(name=f"sayso-{job.id}", max_retries=0, **options)  # `_again` does it
            self._tasks[remote.remote(self._task(job, needs))] = job
            tries = self._tries.setdefault(job.id, _Tries())
            tries.began = tries.told = epochs_done(folder, job.cell.experiment)

    def _task(self, job: Job, needs: Needs) -> Task:
        environment = {name: os.environ[name] for name in os.environ if name.startswith("SAYSO_") or name in _PASSED_ON}
        described = job.cell.experiment.model_dump(mode="json")
        return Task(
            str(self.store.path.resolve()),
            self._run,
            job.cell.name,
            described,
            job.seeds,
            needs.cores if job.cell.experiment.model.max_replicas == 1 else 1,  # as `processes.threads_of`
            self.save_models,
            environment if needs.gpus else {**environment, VISIBLE: ""},
            import_path() if has_foreign(described) else [],
        )

    def _ended(self, ray: Any) -> list[Any]:
        """Tasks that have ended, after a moment."""
        if not self._tasks:
            time.sleep(_LOOK_S if self._elsewhere else 0.0)
            return []
        return list(ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=_LOOK_S)[0])

    def _failure(self, ray: Any, task: Any, job: Job, on_event: OnEvent) -> str | None:
        """Hear what a task says that has ended; what went wrong, unless that is put right by beginning it again."""
        try:
            _, warned = ray.get(task)
        except ray.exceptions.TaskCancelledError as error:
            return said(error)
        except ray.exceptions.RayTaskError as error:
            return said(error) if isinstance(error.cause, SaysoError) else f"job {job.id}: {said(error)}"
        except ray.exceptions.RayError as error:
            return self._again(job, said(error), on_event)
        for message in warned:
            on_event(job.id, {"event": "warning", "message": message})
        failure = self.store.job(job.id).failure()
        return failure[0] if failure is not None and failure[1] == self._run else None  # lost on its way here

    def _again(self, job: Job, reason: str, on_event: OnEvent) -> str | None:
        """Let a job begin again that was lost with its node or process; what to say if that happens over and over."""
        tries, folder = self._tries[job.id], self.store.job(job.id)
        further = folder.finished or epochs_done(folder, job.cell.experiment) > tries.began
        tries.lost = 1 if further else tries.lost + 1
        if tries.lost >= _LOST:
            return (
                f"job {job.id}: lost {_LOST} times without coming further: {reason}; its log is {folder.path}/log.txt"
            )
        on_event(job.id, {"event": "warning", "message": f"lost, and goes on from its last checkpoint: {reason}"})
        return None

    def _come_back(self) -> Iterator[tuple[Job, Watch]]:
        """Jobs that another process has finished, or holds no more."""
        there, self._elsewhere = self._elsewhere, []
        for job, watch in there:
            if self.store.job(job.id).finished or watch.free():
                yield job, watch
            else:
                self._elsewhere.append((job, watch))

    def _tell(self, on_event: OnEvent) -> None:
        """Tell how far jobs have come."""
        for job in self._tasks.values():
            folder, tries = self.store.job(job.id), self._tries[job.id]
            if (done := epochs_done(folder, job.cell.experiment)) > tries.told:
                tries.told = done
                on_event(job.id, {"event": "come_to", "done": done})

    def _cancel_queued(self, ray: Any) -> None:
        """Let no job begin any more."""
        for task, job in list(self._tasks.items()):
            folder = self.store.job(job.id)
            if not folder.path.exists() or is_held(folder.path) is None:
                ray.cancel(task)
                del self._tasks[task]

    def _stop_all(self, ray: Any) -> None:
        """End what still runs, and wait for it."""
        with contextlib.suppress(ray.exceptions.RayError, ConnectionError):  # the cluster is lost, and they with it
            for force in (False, True):
                for task in self._tasks:
                    ray.cancel(task, force=force)
                if self._tasks:
                    left = ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=_STOP_S)[1]
                    self._tasks = {task: self._tasks[task] for task in left}
        self._tasks.clear()
