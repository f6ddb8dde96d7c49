"""Run jobs on this machine: as many processes at a time as asked, each with one job at a time."""

from __future__ import annotations

import collections
import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.lease import Watch
from sayso.core.measure import Measure
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.learners.several import torchrun
from sayso.runs.devices import VISIBLE
from sayso.runs.gpus import GPUS
from sayso.runs.needs import Needed, Needs, longest_first
from sayso.runs.worker import LOG, STOP, job_to_json
from sayso.runs.worker_process import begin, end, end_ready, event_of, may_share, raised_in, threads_in

OnEvent = Callable[[str, dict[str, object]], None]

#: Seconds between two looks at jobs that other processes hold.
_LOOK_S = 1.0


@dataclass
class LocalProcesses:
    """An executor with a pool of processes on this machine.

    Processes end when this one does. What one says while it is at a job goes to ``log.txt`` in the job's folder. On
    CPUs a process that has done a job of small models does another one (starting takes longer than some jobs), with
    the same records as one that has just begun; any other job, and any with types of a user's own, has a process to
    itself. Where there are more jobs than run at a time, those that were begun come first, then the longest.
    `processes` is how many run at a time, `threads` how many threads each has. `gpus`: what
    ``CUDA_VISIBLE_DEVICES`` calls them; each job sees the one that fewest others have, or as many as train its model
    together, and gives them back when it ends.
    A job that another process holds is left to that one, and begun here only if that one ends before the job does.
    Where `measures` are named, jobs that have finished are measured instead of run (`sayso.runs.measure`).

    With a `run_name` this is one of several that go through the same jobs: one that failed in that run
    already is not tried again, one that fails ends no others, and jobs that others hold are not waited for, if those
    live.
    """

    store: Store
    processes: int = 1
    threads: int = 1
    gpus: Sequence[str] = ()
    save_models: bool = False
    measures: Sequence[Measure] = ()
    train_again: bool = False
    run_name: str = ""
    _holds: dict[str, list[str]] = field(default_factory=dict, init=False)
    _jobs: dict[str, Job] = field(default_factory=dict, init=False)
    _elsewhere: list[tuple[Job, Watch]] = field(default_factory=list, init=False)
    _stopping: bool = field(default=False, init=False)
    _look_next: float = field(default=0.0, init=False)
    _running: dict[str, subprocess.Popen[str]] = field(default_factory=dict, init=False)
    _ready: list[subprocess.Popen[str]] = field(default_factory=list, init=False)
    _events: queue.SimpleQueue[tuple[str, dict[str, object]]] = field(default_factory=queue.SimpleQueue, init=False)

    def run(self, jobs: Sequence[Job], on_event: OnEvent) -> None:
        """Run all jobs to their end.

        Raises
        ------
        SaysoError
            If a job fails: the message is the job's own, or names its log. Jobs already running are finished first, and
            where this is one of several runs all others.
        KeyboardInterrupt
            After Ctrl-C, once all processes have ended.
        """
        if len(jobs) > self.processes:
            jobs = longest_first(jobs, self._needs(jobs), lambda job: self.store.job(job.id).begun)
        waiting = collections.deque((job, Watch(self.store.job(job.id).path)) for job in jobs)
        failures: list[str] = []
        try:
            while ((waiting or self._elsewhere) and self._goes_on(failures)) or self._running:
                while waiting and self._goes_on(failures) and len(self._running) < self.processes:
                    self._begin(*waiting.popleft(), on_event)
                waiting.extendleft(self._come_back(on_event))  # begun already, so they come first
                if not (self._running or self._elsewhere):
                    continue  # what was left had been finished elsewhere
                try:
                    job_id, event = self._events.get(timeout=_LOOK_S)  # Ray stops this only between two of its calls
                except queue.Empty:
                    continue
                if event["event"] == "ready":
                    self._ready.append(self._running.pop(job_id))
                elif event["event"] == "exit":
                    failures += self._failed(job_id, self._ended(job_id, event))
                elif event["event"] == "error":
                    failures += self._failed(job_id, str(event["message"]))
                elif event["event"] == "held":
                    job = self._jobs[job_id]
                    waiting.append((job, Watch(self.store.job(job_id).path)))
                else:
                    on_event(job_id, event)
        finally:
            self._stop_all()
        if failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 and self.run_name else ""
            raise SaysoError(failures[0] + more)

    def stop(self, wait_s: float) -> None:
        """Let no job begin any more, and those that run end after the epoch they are in; wait so long for them."""
        self._stopping, running = True, list(self._running.values())
        for process in running:
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.write(f"{STOP}\n")
                process.stdin.flush()
        until = time.monotonic() + wait_s
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))

    def _goes_on(self, failures: Sequence[str]) -> bool:
        """Whether jobs are begun still."""
        return not self._stopping and (not failures or bool(self.run_name))

    def _failed(self, job_id: str, message: str | None) -> list[str]:
        """Note in its folder that a job failed."""
        if message is None:
            return []
        self.store.job(job_id).note_failure(message, self.run_name)
        return [message]

    def _begin(self, job: Job, watch: Watch, on_event: OnEvent) -> None:
        """Start a job, unless another process has finished it or holds it."""
        folder = self.store.job(job.id)
        if folder.finished and not self.measures:
            on_event(job.id, {"event": "finished"})
        elif self.run_name and (failure := folder.failure()) is not None and failure[1] == self.run_name:
            on_event(job.id, {"event": "warning", "message": f"not tried again: {failure[0]}"})
        elif folder.path.exists() and not watch.free():
            self._elsewhere.append((job, watch))
            on_event(job.id, {"event": "elsewhere", "by": watch.holder})
        else:
            self._start(job, None if watch.seen is None else watch.seen.mark)

    def _come_back(self, on_event: OnEvent) -> Iterator[tuple[Job, Watch]]:
        """Jobs that another process held and holds no more, as it has ended; of those it has finished this tells."""
        if time.monotonic() < self._look_next:
            return
        self._look_next = time.monotonic() + _LOOK_S
        there, self._elsewhere = self._elsewhere, []
        for job, watch in there:
            if self.store.job(job.id).finished and not self.measures:
                on_event(job.id, {"event": "finished"})
            elif watch.free():
                yield job, watch
            elif not (watch.lives and self.run_name):
                self._elsewhere.append((job, watch))

    def _start(self, job: Job, lapsed: tuple[int, int] | None) -> None:
        folder = self.store.job(job.id)
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.failed_path.unlink(missing_ok=True)
            log = (folder.path / LOG).open("a", encoding="utf-8")
        except OSError as error:
            raise SaysoError(f"{folder.path}: cannot write here: {error.strerror}") from error
        stay = not self.gpus and may_share(job, self.measures)
        with log:
            process = (self._one_that_is_ready() if stay else None) or self._new(job, folder, log)
        assert process.stdin is not None
        self._running[job.id], self._jobs[job.id] = process, job
        with contextlib.suppress(BrokenPipeError):  # it has ended already, which is told of like any other end
            request = job_to_json(
                job,
                folder,
                save_models=self.save_models,
                measures=self.measures,
                train_again=self.train_again,
                threads=self.threads,
                lapsed=lapsed,
                stay=stay,
            )
            process.stdin.write(request + "\n")
            process.stdin.flush()
        threading.Thread(target=self._listen, args=(job.id, process), daemon=True).start()

    def _new(self, job: Job, folder: JobFolder, log: TextIO) -> subprocess.Popen[str]:
        """Start a process; one that waits for a job it cannot have makes room."""
        if self._ready:
            end_ready(self._ready.pop())
        return begin(log, folder.path, {**threads_in(self.threads), **self._hand_out(job)})

    def _one_that_is_ready(self) -> subprocess.Popen[str] | None:
        """A process that has done its job and waits for another."""
        while self._ready:
            process = self._ready.pop()
            if process.poll() is None:
                return process
            end_ready(process)
        return None

    def _needs(self, jobs: Sequence[Job]) -> Callable[[Job], Needs]:
        """What jobs need, as far as their order depends on it."""
        if len({job.cell.name for job in jobs}) == 1:
            return lambda job: Needs(hours=len(job.seeds))
        return Needed(next(iter(GPUS.values())) if self.gpus else None)  # on which card does not change the order much

    def _hand_out(self, job: Job) -> dict[str, str]:
        """Give a job the first of the GPUs that fewest have, as many as train it; what it finds in its environment.

        Processes that torchrun has started find their own among all of them.
        """
        if not self.gpus or torchrun.started():
            return {}
        held = [gpu for each in self._holds.values() for gpu in each]
        self._holds[job.id] = sorted(self.gpus, key=held.count)[: job.cell.experiment.model.processes()]
        return {VISIBLE: ",".join(self._holds[job.id])}

    def _listen(self, job_id: str, process: subprocess.Popen[str]) -> None:
        """Pass on what a worker says until it is ready for another job, or ends."""
        assert process.stdout is not None
        said_error = False
        for line in process.stdout:
            event = event_of(line)
            if event is None:
                continue
            said_error = said_error or event["event"] in ("error", "held", "stopped")
            self._events.put((job_id, event))
            if event["event"] == "ready":
                return
        process.stdout.close()
        self._events.put((job_id, {"event": "exit", "code": process.wait(), "explained": said_error}))

    def _ended(self, job_id: str, event: dict[str, object]) -> str | None:
        """Forget a process that has ended; say what was wrong if it did not say so itself."""
        process = self._running.pop(job_id)
        self._holds.pop(job_id, None)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        if event["code"] == 0 or event["explained"]:
            return None
        log = self.store.job(job_id).path / LOG
        raised = f" ({error})" if (error := raised_in(log)) is not None else ""
        ended = f"job {job_id} ended with code {event['code']}{raised}"
        return f"{ended}; its log is {log}; run again to go on from its last epoch"

    def _stop_all(self) -> None:
        """End what still runs: closing a worker's standard input stops it."""
        for process in self._running.values():
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
        for process in self._running.values():
            end(process)
        for process in self._ready:
            end_ready(process)
        self._running.clear()
        self._ready.clear()
        self._holds.clear()
