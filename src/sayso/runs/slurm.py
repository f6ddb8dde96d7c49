"""Jobs on a SLURM cluster: arrays of tasks, each of which runs jobs of the results folder (`sayso.runs.crew`).

DIR/runs/ID/submitted.json    the arrays that have the jobs of a run
DIR/runs/ID/slurm/            what submitit keeps of them: their scripts, and what tasks print

The results folder is the truth: a task that is preempted, or comes to its time limit, keeps what it has done and is
queued again; what a task did not come to, the same command submits again. Whoever watches needs nothing but the folder
and, to know of what waits, ``squeue``.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.extras import advice
from sayso.core.files import write_atomically
from sayso.core.own_types import has_foreign
from sayso.core.runs_here import SUBMITTED, deal_of
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.runs.crew import Crew, notice_s
from sayso.runs.manifest import now, versions
from sayso.runs.needs import Needs, longest_first
from sayso.runs.slurm_queue import ACTIVE, clear, submissions
from sayso.runs.slurm_settings import SlurmSettings
from sayso.runs.status import epochs_done
from sayso.runs.worker import import_path

OnEvent = Callable[[str, dict[str, object]], None]

#: Seconds between two looks at the queue and at the folder.
_LOOK_S = 5.0
#: Seconds that tasks have for ending once their jobs have finished.
_ENDING_S = 30.0
#: How often a task may come to its time limit.
_AGAIN = 10_000


@dataclass(frozen=True)
class Array:
    """An array of tasks: how many, what each is given, and which jobs they are for."""

    tasks: int
    needs: Needs
    side_by_side: int
    jobs: tuple[Job, ...]

    def options(self, settings: SlurmSettings) -> dict[str, Any]:
        """What submitit is told."""
        each = self.side_by_side
        options: dict[str, Any] = {
            "time": max(1, math.ceil(60 * self.needs.hours)),
            "mem": f"{math.ceil(1000 * self.needs.memory_gb * each)}M",
            "cpus_per_task": self.needs.cores * each,
            "array_parallelism": self.tasks,
            "signal_delay_s": notice_s(self.needs.hours),
        }
        if self.needs.gpus:
            options["gpus_per_node"] = self.needs.gpus * each
        return {**options, "additional_parameters": dict(settings.sbatch)}


def arrays_of(jobs: Iterable[Job], needs: Callable[[Job], Needs], settings: SlurmSettings) -> list[Array]:
    """Put jobs that need the same into one array: no more tasks than jobs for them, all arrays in the given order."""
    by_place: dict[tuple[int, int, float], list[tuple[Needs, Job]]] = {}
    for job in jobs:
        found = needs(job)
        by_place.setdefault((found.cores, found.gpus, found.memory_gb), []).append((found, job))
    arrays = []
    for own in by_place.values():
        longest = max((found for found, _ in own), key=lambda found: found.hours)
        tasks = min(settings.tasks, math.ceil(len(own) / settings.side_by_side))
        arrays.append(Array(tasks, longest, settings.side_by_side, tuple(job for _, job in own)))
    return arrays


@dataclass
class SlurmArrays:
    """An executor on a cluster. It submits what no earlier submission has, and waits until all jobs have finished.

    If it is ended before, what was submitted goes on.
    """

    store: Store
    needs: Callable[[Job], Needs]
    settings: SlurmSettings = field(default_factory=SlurmSettings)
    save_models: bool = False

    def run(self, jobs: Sequence[Job], on_event: OnEvent) -> None:
        """Run all jobs to their end.

        Raises
        ------
        SaysoError
            If there is no SLURM here or it refuses, or jobs are not finished when nothing of them is queued any more.
        """
        there = {seeds for each in clear(self.store) for seeds in deal_of(each.folder)}
        left = [job for job in jobs if not self.store.job(job.id).finished]
        new = [job for job in left if (job.cell.name, job.seeds) not in there]
        if new:
            self.submit(new)
        for each in submissions(self.store):
            message = f"SLURM has {', '.join(each.arrays)}, which goes on if this ends (scancel ends it)"
            on_event(jobs[0].id, {"event": "warning", "message": message})
        self._wait(jobs, on_event)
        until = time.monotonic() + _ENDING_S
        while time.monotonic() < until and any(each.active and each.tasks for each in submissions(self.store)):
            time.sleep(1.0)  # their last jobs have finished, so that they are about to end
        clear(self.store)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Submit jobs, and write down under which numbers."""
        executor_class = _submitit()
        begun = {job.id for job in jobs if self.store.job(job.id).begun}
        for array in arrays_of(longest_first(jobs, self.needs, lambda job: job.id in begun), self.needs, self.settings):
            folder = self.store.runs.new(array.jobs)
            try:
                executor = executor_class(folder / "slurm", max_num_timeout=_AGAIN)
                executor.update_parameters(
                    job_name=f"sayso-{self.store.experiment().name}", **array.options(self.settings)
                )
                own = {job.cell.name: job.cell.experiment for job in array.jobs}
                described = [each.model_dump(mode="json") for each in own.values()]
                crew = Crew(
                    str(self.store.path.resolve()),
                    folder.name,
                    array.side_by_side,
                    array.needs.cores,
                    self.save_models,
                    notice_s(array.needs.hours),
                    versions(),
                    import_path() if has_foreign(described) else [],
                )
                with redirect_stderr(io.StringIO()), executor.batch():  # what sbatch says, the error says
                    submitted = [executor.submit(crew) for _ in range(array.tasks)]
            except Exception as error:  # submitit's own kinds, and what sbatch says
                self.store.runs.remove(folder)
                raise SaysoError(f"SLURM took nothing: {_said(error)} ('sinfo' says what there is)") from error
            ids = sorted({str(each.job_id).partition("_")[0] for each in submitted})
            write_atomically(folder / SUBMITTED, json.dumps({"arrays": ids, "submitted": now()}) + "\n")

    def _wait(self, jobs: Sequence[Job], on_event: OnEvent) -> None:
        """Tell of what is done until all of it is, or nothing of it is queued any more."""
        waiting = {job.id: job for job in jobs}
        told: dict[str, int] = {}
        while waiting:
            active = [each for each in submissions(self.store) if each.active]  # before looking: it may end meanwhile
            for job in list(waiting.values()):
                folder = self.store.job(job.id)
                if folder.finished:
                    on_event(job.id, {"event": "finished"})
                    del waiting[job.id]
                elif (done := epochs_done(folder, job.cell.experiment)) > told.get(job.id, 0):
                    told[job.id] = done
                    on_event(job.id, {"event": "come_to", "done": done})
            if waiting and not active:
                raise SaysoError(self._why(list(waiting.values())))
            if waiting:
                time.sleep(_LOOK_S)

    def _why(self, jobs: Sequence[Job]) -> str:
        """Say what became of jobs that were not finished."""
        count = f"{len(jobs)} jobs are not finished" if len(jobs) > 1 else f"job {jobs[0].id} is not finished"
        for job in jobs:
            if (failure := self.store.job(job.id).failure()) is not None:
                return f"{count}: {failure[0]}"
        for each in submissions(self.store):
            ended = [task for task in each.tasks or () if task.state not in ("COMPLETED", *ACTIVE)]
            if ended:
                last = _last_line(each.folder / "slurm", ended[0].id)
                return f"{count}: task {ended[0].id} is {ended[0].state.lower()}{last}; run again to go on"
        return f"{count}, and nothing of them is queued any more; run again to go on"


def _last_line(logs: Path, task: str) -> str:
    """What a task's log ends with."""
    for path in sorted(logs.glob(f"{task}_*.err")):
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        if said:
            return f" ({said[-1]}; all of it is in {path})"
    return ""


def _submitit() -> Any:
    """Its executor, where it and SLURM are there."""
    try:
        from submitit import SlurmExecutor
    except ModuleNotFoundError:
        raise SaysoError(f"--on slurm needs submitit: {advice('submitit')}") from None
    for command in ("sbatch", "srun", "squeue", "scontrol"):
        if shutil.which(command) is None:
            raise SaysoError(f"--on slurm: no '{command}' here; run this on a login node of the cluster")
    return SlurmExecutor


def _said(error: Exception) -> str:
    """An error in one line: what sbatch printed, where that is part of it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    own = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return "; ".join(own) if own else " ".join(lines) or type(error).__name__
