"""What one job takes of a machine, so that a scheduler finds it a place, and in which order jobs are begun.

Hours of a job on a card are those of `sayso.runs.estimate`, for as many seeds as it has. A core of a CPU is estimated
as a card of its own: the same sum of parts, with rates that were fitted to what jobs took (`CORE_RATES`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.spec import canonical_json
from sayso.core.sweep import Job
from sayso.learners.specs import HFModel
from sayso.runs.estimate import Estimate, on_gpu
from sayso.runs.gpus import Gpu
from sayso.runs.rates import ASSUMED, Rates
from sayso.runs.workload import Workload, workload


@dataclass(frozen=True)
class Needs:
    """Cores, GPUs, gigabytes of memory (10^9 bytes, beside what GPUs have) and hours of one job."""

    cores: int = 1
    gpus: int = 0
    memory_gb: float = 4.0
    hours: float = 24.0


#: A core: 2 products and sums of 8 numbers a tick at 3 GHz, and its share of the machine's memory bandwidth.
CORE = Gpu("a core", 1000, None, 0.096, 10)
#: What it gives of that.
CORE_RATES = Rates(matrix_share=0.5, bandwidth_share=0.8, launch_seconds=5e-6, disk_bytes=1e9)

#: What is asked for: so many times the hours that are estimated, and so many more, in which a process starts.
SAFETY, HOURS_MORE = 2.0, 0.25
#: Bytes that a process has with torch loaded, and bytes for each weight of a model on its way to a GPU or the disk.
PROCESS_BYTES, BYTES_A_WEIGHT = 1.5e9, 8
#: What of an experiment's training says how much there is to do, beside its stages.
_COUNTED = ("batch_size", "sampling", "max_length")

AnyJob = TypeVar("AnyJob")


class Needed:
    """Says what jobs of one experiment need: on a card, or where there is none on a core.

    Documents are counted once for all cells that read the same, and a model once for all jobs of a cell.
    """

    def __init__(self, card: Gpu | None = None, rates: Rates = ASSUMED) -> None:
        self._card, self._rates = card, rates
        self._work: dict[str, Workload] = {}
        self._found: dict[tuple[str, int], Needs] = {}

    def __call__(self, job: Job) -> Needs:
        """What a job needs; hours and memory of `Needs` itself where they cannot be estimated."""
        key = (job.cell.name, len(job.seeds))
        if key not in self._found:
            self._found[key] = self._needs(job.cell.experiment, len(job.seeds))
        return self._found[key]

    def _needs(self, experiment: Experiment, seeds: int) -> Needs:
        devices = experiment.model.processes()
        gpus = 0 if self._card is None else devices
        try:
            found = self._estimate(experiment, seeds)
        except Exception:  # types of a user's own may raise anything; if something is wrong, the job itself says it
            return Needs(cores=devices, gpus=gpus)
        if self._card is None:
            taken = devices * PROCESS_BYTES + seeds * found.memory.total
        else:
            taken = devices * (PROCESS_BYTES + BYTES_A_WEIGHT * seeds * found.parameters)
        hours = seeds * found.hours
        return Needs(devices, gpus, _power_of_two(taken / 1e9), SAFETY * hours + HOURS_MORE)

    def _estimate(self, experiment: Experiment, seeds: int) -> Estimate:
        """What one of so many seeds takes that are trained side by side."""
        key = _what_is_read(experiment)
        if key not in self._work:
            self._work[key] = workload(experiment)
        beside = experiment.model_copy(update={"seeds": Seeds(first=experiment.seeds.first, count=seeds)})
        if self._card is None:
            return on_gpu(beside, self._work[key], CORE, CORE_RATES)
        return on_gpu(beside, self._work[key], self._card, self._rates)


def needs_of(job: Job, card: Gpu | None = None, rates: Rates = ASSUMED) -> Needs:
    """What a job needs on a card, or where that is None on a core; of many jobs `Needed` counts what they share once.

    Where nothing can be estimated, hours and memory are those of `Needs` itself.
    """
    return Needed(card, rates)(job)


def longest_first(
    jobs: Iterable[AnyJob], needs: Callable[[AnyJob], Needs], begun: Callable[[AnyJob], bool]
) -> list[AnyJob]:
    """Put jobs in the order in which they are to be begun: those begun already, then those that take longest.

    Jobs that take as long as others stay in the order they had. So the last ones to end are short ones, and machines
    that take job after job end at nearly the same time.
    """
    return sorted(jobs, key=lambda job: (not begun(job), -needs(job).hours))


def _what_is_read(experiment: Experiment) -> str:
    """What two experiments share that have the same documents, read as often."""
    data = experiment.model_dump(mode="json", exclude={"model": True, "summary": True, "name": True, "keep": True})
    data["train"] = {name: data["train"][name] for name in _COUNTED}
    model = experiment.model
    data["model"] = [type(model).__name__, model.name if isinstance(model, HFModel) else ""]
    return canonical_json(data)


def _power_of_two(gigabytes: float) -> float:
    """Round up, so that jobs that take about the same ask for the same."""
    return float(2 ** math.ceil(math.log2(gigabytes)))
