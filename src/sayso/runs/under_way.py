"""What a run is doing, from the events of its jobs, and how long it will still take.

Nothing is drawn here: this is the state behind the live display of a terminal (`sayso.cli.display`), that of a notebook
(`sayso.runs.in_notebook`), and plain lines (`sayso.runs.in_words`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sayso.core.experiment import Experiment
from sayso.core.legs import legs, total_epochs
from sayso.core.seeds import seed_range
from sayso.core.sweep import Job

#: Subsets whose exact match is shown while training; the stage decides which of them say something.
HEADLINE = ("D1cons_QA1", "QA3", "D2incons_QA2", "D5cons", "D6cons")


@dataclass
class JobProgress:
    """How far one job has come; `stage` is None until its first step.

    `epoch`: how many of this stage are done; `step` of `steps`: of the one under way, 0 where nothing is known of it;
    `tokens`: a second. `measuring`: the measure being taken, empty while training; `share`: of it, done. `since`: when
    it was last heard of.
    `by`: which process has it, where that is another run's.
    `first`: whether no epoch is done in this run. Of large models, `peak`: the share of the matrix peak that training
    reaches (0: not known), `training`: how fast it all was, once finished.
    """

    job: Job
    state: str = "waiting"
    stage: str | None = None
    epoch: int = 0
    epochs: int = 0
    done: int = 0
    loss: float = float("nan")
    exact_match: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    tokens: float = 0.0
    peak: float = 0.0
    training: Mapping[str, float] = field(default_factory=dict)
    epoch_seconds: float = 0.0
    measuring: str = ""
    share: float = 0.0
    since: float = 0.0
    epoch_began: float = 0.0
    by: str = ""
    first: bool = True

    @property
    def label(self) -> str:
        """Its seeds, and its cell where there are several."""
        seeds = seed_range(self.job.seeds)
        return seeds if not self.cell else f"{self.cell}  {seeds}"

    @property
    def said(self) -> str:
        """The same as a line begins with it: ``seed 100``, ``seeds 100-103``."""
        return f"{'seed' if len(self.job.seeds) == 1 else 'seeds'} {self.label}"

    @property
    def cell(self) -> str:
        """Its cell's name, empty if the experiment has no axes."""
        return "" if self.job.cell.name == "main" else self.job.cell.name

    @property
    def total(self) -> int:
        """Epochs of all its legs."""
        return total_epochs(self.job.cell.experiment)

    @property
    def part(self) -> float:
        """The share of the epoch under way that is done."""
        return self.step / self.steps if self.steps else 0.0

    def headline(self) -> list[tuple[str, float]]:
        """Exact match of the subsets this stage is about."""
        if self.stage is None:
            return []
        wanted = _headline_subsets(self.job.cell.experiment, self.stage)
        shown = [(name, self.exact_match[name]) for name in wanted if name in self.exact_match]
        return shown or list(self.exact_match.items())[:3]


class RunProgress:
    """All jobs of a run: told of the plan and of every event, it knows where they stand and how long it will take.

    Time left is counted from the epochs done since this run began: the mean time of an epoch of the same stage, or of
    all epochs so far for a stage no job has come to yet. Before a stage's first epoch is done, its steps so far tell. A
    job's first epoch tells only while nothing else does: its time includes making data and model.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds: dict[str, list[float]] = {}
        self._first: list[float] = []
        self.jobs: dict[str, JobProgress] = {}

    def plan(self, todo: Sequence[Job], done_before: Mapping[str, int]) -> None:
        """Begin: the jobs to run, and how many epochs of each were done before, by job id."""
        self.jobs = {job.id: JobProgress(job, done=done_before.get(job.id, 0)) for job in todo}

    def hear(self, job_id: str, event: Mapping[str, object]) -> JobProgress:
        """Take in an event (see `sayso.runs.execute`) and return the job it changed."""
        job, now = self.jobs[job_id], self._clock()
        match event:
            case {"event": "building"}:
                job.state, job.epoch_began = "building", now
            case {
                "event": "step",
                "stage": str(stage),
                "epoch": int(epoch),
                "epochs": int(epochs),
                "step": int(step),
                "steps": int(steps),
                "seconds": float(seconds),
                "tokens": int(tokens),
            }:
                job.state, job.stage, job.epoch, job.epochs, job.measuring = "training", stage, epoch - 1, epochs, ""
                job.step, job.steps, job.tokens = step, steps, tokens / seconds
                match event:
                    case {"share_of_matrix_peak": float(share)}:
                        job.peak = share
                job.epoch_seconds = seconds * steps / step
            case {
                "event": "measuring",
                "stage": str(stage),
                "epoch": int(epoch),
                "epochs": int(epochs),
                "measure": str(measure),
                "share": float(share),
            }:
                job.state, job.stage, job.epoch, job.epochs, job.measuring = "training", stage, epoch, epochs, measure
                job.step, job.tokens, job.share = job.steps if job.step else 0, 0.0, share
            case {
                "event": "epoch",
                "stage": str(stage),
                "epoch": int(epoch),
                "epochs": int(epochs),
                "done": int(done),
                "loss": float(loss),
                "exact_match": dict(exact_match),
            }:
                counted = self._first if job.first else self._seconds.setdefault(stage, [])
                counted.append(now - job.epoch_began)
                job.first, job.epoch_began, job.step, job.measuring, job.tokens = False, now, 0, "", 0.0
                job.state, job.stage, job.epoch, job.epochs, job.done = "training", stage, epoch, epochs, done
                job.loss = loss
                job.exact_match = exact_match or job.exact_match
            case {"event": "elsewhere", "by": str(by)}:
                job.state, job.by = "elsewhere", by
            case {"event": "come_to", "done": int(done)}:
                job.state, job.done = "training", done
            case {"event": "finished"}:
                job.state, job.done, job.step = "finished", job.total, 0
                match event:
                    case {"training": dict(training)}:
                        job.training = training
        job.since = now
        return job

    @property
    def running(self) -> list[JobProgress]:
        """Jobs that have a process."""
        return [job for job in self.jobs.values() if job.state in ("building", "training")]

    @property
    def epochs(self) -> tuple[int, int]:
        """Epochs done, those of earlier runs included, and all there are."""
        return sum(job.done for job in self.jobs.values()), sum(job.total for job in self.jobs.values())

    def time_left(self) -> float | None:
        """Seconds until the last job will have finished; None until there is something to go by."""
        if not (self._seconds or self._first or any(job.step for job in self.jobs.values())):
            return None
        left = {job_id: self._seconds_left(job) for job_id, job in self.jobs.items()}
        beside = max(1, len(self.running))
        return max(sum(left.values()) / beside, max(left.values()))

    def _seconds_left(self, job: JobProgress) -> float:
        """Time of the epochs one job has still to do, counted from now."""
        by_steps = {other.stage: [other.epoch_seconds] for other in self.jobs.values() if other.step}
        everything = [seconds for some in self._seconds.values() for seconds in some]
        everything = everything or [seconds for some in by_steps.values() for seconds in some] or self._first
        left = 0.0
        for leg in legs(job.job.cell.experiment):
            end = leg.before + leg.stage.epochs
            seconds = self._seconds.get(leg.stage.name) or by_steps.get(leg.stage.name) or everything
            left += (end - max(leg.before, min(job.done, end))) * sum(seconds) / len(seconds)
        return max(0.0, left - self._seconds_over(job))

    def _seconds_over(self, job: JobProgress) -> float:
        """Seconds of the epoch under way that are over: never more than it is expected to take, measuring included."""
        if job.state != "training":
            return 0.0
        known = self._seconds.get(job.stage or "")
        if known and not job.first:
            return min(self._clock() - job.epoch_began, sum(known) / len(known))
        return job.part * job.epoch_seconds + (self._clock() - job.since)


def duration(seconds: float) -> str:
    """Write a time as people say it.

    >>> duration(42.3), duration(100), duration(7300)
    ('42 s', '1 min 40 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _headline_subsets(experiment: Experiment, stage: str) -> list[str]:
    """The headline subsets whose documents a stage trains on."""
    parts = next((item.parts for item in experiment.stages if item.name == stage), ())
    here = {subset.name for subset in experiment.subsets if subset.group in parts}
    return [name for name in HEADLINE if name in here]
