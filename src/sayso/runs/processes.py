"""How many processes run at a time on this machine, and how many threads each has."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.protocols import ModelSpec
from sayso.learners.several import torchrun
from sayso.learners.specs import HFModel
from sayso.runs.model_sizes import find_model

#: Has an entry for each NVIDIA GPU of the machine.
_GPUS = Path("/proc/driver/nvidia/gpus")
_MEMORY = Path("/proc/meminfo")
#: What a container may use: processor time per period, bytes and bytes in use.
_GROUP = Path("/sys/fs/cgroup")

#: Bytes a process takes for each parameter of a model it trains in float32 (weights, gradients, what an optimizer and a
#: pass keep), and beside them.
_BYTES_A_PARAMETER = 20
_BYTES_BESIDE = 1e9


def cores() -> int:
    """How many processors this process may use; in a container no more than its share."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (_GROUP / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return there
    return there if quota == "max" else max(1, min(there, math.ceil(int(quota) / int(period))))


def usual_processes(model: ModelSpec) -> int:
    """How many processes run at a time unless told otherwise: one per core.

    Of a model that is not trained many seeds at a time only one where there is a GPU, which it fills, and elsewhere no
    more than there is memory for; one that several processes train together is one of those counted here, and the only
    one where torchrun has started them.
    """
    if model.max_replicas != 1:
        return cores()
    if any(_GPUS.glob("*")) or torchrun.started():
        return 1
    return max(1, min(cores(), _fitting(model)) // model.processes())


def threads_of(model: ModelSpec, processes: int) -> int:
    """How many threads each of so many processes has: one for small models side by side, else its share of the cores.

    Small models have work for one thread alone, and give the same numbers to the bit whatever the machine. Others have
    no more than ``OMP_NUM_THREADS`` says, where that is set: on cores that others use, threads wait for each other.
    """
    if model.max_replicas != 1:
        return 1
    share = max(1, cores() // (max(1, processes) * model.processes()))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(asked)) if asked.isdigit() and int(asked) else share


def _fitting(model: ModelSpec) -> int:
    """How many processes with a model of their own the free memory holds; as many as there are cores if not known."""
    free = _free_memory()
    if not isinstance(model, HFModel) or free is None or cores() == 1:
        return cores()
    try:
        found = find_model(model.name, revision=model.revision, trust_remote_code=model.trust_remote_code)
    except (SaysoError, ImportError):
        return cores()
    return int(free // (_BYTES_A_PARAMETER * found.parameters + _BYTES_BESIDE))


def _free_memory() -> float | None:
    """Bytes that are free or can be had, in a container no more than are left to it; None where nothing says so."""
    found = []
    with contextlib.suppress(OSError):
        lines = _MEMORY.read_text(encoding="ascii").splitlines()
        found += [float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with contextlib.suppress(OSError, ValueError):
        most, used = ((_GROUP / name).read_text(encoding="ascii") for name in ("memory.max", "memory.current"))
        found.append(float(int(most) - int(used)))
    return min(found, default=None)
