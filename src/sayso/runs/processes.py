"""How many processes run at a time on a machine, how many threads each has, and which seeds one trains side by side."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.own_types import has_foreign
from sayso.core.protocols import ModelSpec
from sayso.core.spec import canonical_json
from sayso.core.sweep import Cell, Deal, cells, stacks
from sayso.learners.several import torchrun
from sayso.learners.specs import HFModel
from sayso.runs.devices import VISIBLE, ask_child
from sayso.runs.machine import Machine
from sayso.runs.model_sizes import find_model
from sayso.runs.worker import import_path

log = logging.getLogger("sayso")

#: Bytes a process takes for each parameter of a model it trains in float32 (weights, gradients, what an optimizer and a
#: pass keep), and beside them. Of a model on a GPU: weights on their way there, and on their way to a checkpoint.
_BYTES_A_PARAMETER, _BYTES_A_PARAMETER_ON_GPU = 20, 8
_BYTES_BESIDE = 1e9

#: Says how many seeds of an experiment fit side by side on a GPU of which a process has a share; it may try a seed.
Fits: TypeAlias = Callable[[Experiment, int, float], int | None]


def usual_processes(model: ModelSpec, machine: Machine) -> int:
    """How many processes run at a time unless told otherwise: one a GPU, or where there is none one a core.

    Of a model that is not trained many seeds at a time no more than there is memory for; processes that train one model
    together count as one, and there are no others where torchrun has started them.
    """
    most = len(machine.gpus) or machine.cores
    if model.max_replicas != 1:
        return most
    if torchrun.started():
        return 1
    return max(1, min(most, _in_memory(model, machine, most)) // model.processes())


def threads_of(model: ModelSpec, processes: int, machine: Machine) -> int:
    """How many threads each of so many processes has: one for small models side by side, else its share of the cores.

    Small models have work for one thread alone, and give the same numbers to the bit whatever the machine. Others have
    no more than ``OMP_NUM_THREADS`` says, where that is set: on cores that others use, threads wait for each other.
    """
    if model.max_replicas != 1:
        return 1
    share = max(1, machine.cores // (max(1, processes) * model.processes()))
    return min(share, machine.threads or share)


def dealing(experiment: Experiment, machine: Machine, jobs: int | None = None, fits: Fits | None = None) -> Deal:
    """How seeds of a cell go to jobs, for so many processes at a time (None: as many as usual).

    On CPUs every process gets as many seeds as another. On GPUs a step of many seeds takes about as long as of one, so
    that cells are cut into jobs only as far as there are GPUs left without one, and a job has as many seeds as fit.
    """
    processes = jobs or len(machine.gpus) or machine.cores
    if not machine.gpus:
        return lambda cell, seeds: stacks(seeds, processes, cell.experiment.model.max_replicas)
    each = math.ceil(processes / len(cells(experiment)))
    share = 1 / math.ceil(processes / len(machine.gpus))
    measured: dict[str, int | None] = {}

    def deal(cell: Cell, seeds: Sequence[int]) -> list[tuple[int, ...]]:
        model = cell.experiment.model
        most, more = model.max_replicas, model.max_replicas_on_gpu
        if most != 1 and len(seeds) > each:
            key = _what_takes_memory(cell.experiment)
            if key not in measured:
                measured[key] = (fits or measured_on(machine))(cell.experiment, seeds[0], share)
            most = min(measured[key] or most, more or most)
        return stacks(seeds, each, most)

    return deal


def measured_on(machine: Machine) -> Fits:
    """Measure on the GPU of a machine that has least to give, in a process of its own; None where that fails."""
    least = min(machine.gpus, key=lambda device: device.free)

    def fits(experiment: Experiment, seed: int, share: float) -> int | None:
        described = experiment.model_dump(mode="json")
        path = import_path() if has_foreign(described) else []
        request = {"experiment": described, "seed": seed, "share": share, "path": path}
        found = ask_child({**os.environ, VISIBLE: least.visible}, request)
        if found.fits is None:
            log.warning("how many seeds fit on a GPU could not be measured: %s", found.trouble)
        return found.fits

    return fits


def _what_takes_memory(experiment: Experiment) -> str:
    """What two experiments share that take the same memory for a seed."""
    return canonical_json(experiment.model_dump(mode="json", include={"knowledge", "model", "train", "stages"}))


def _in_memory(model: ModelSpec, machine: Machine, most: int) -> int:
    """How many processes with a model of their own the free memory holds; as many as may be if not known."""
    if not isinstance(model, HFModel) or machine.free_memory is None or most == 1:
        return most
    each = memory_of(model, on_gpu=bool(machine.gpus))
    return most if each is None else int(machine.free_memory // each)


def memory_of(model: HFModel, *, on_gpu: bool) -> float | None:
    """Bytes of memory, beside GPUs', that a process takes which trains a model; None where that is not known."""
    try:
        found = find_model(model.name, revision=model.revision, trust_remote_code=model.trust_remote_code)
    except (SaysoError, ImportError):
        return None
    return (_BYTES_A_PARAMETER_ON_GPU if on_gpu else _BYTES_A_PARAMETER) * found.parameters + _BYTES_BESIDE
