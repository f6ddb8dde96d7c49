"""What this machine has for running, as far as this process may use it: cores, memory, GPUs."""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sayso.runs.devices import Device, devices, signs_of_gpus

log = logging.getLogger("sayso")

#: What a container may use: processor time per period, bytes and bytes in use.
_GROUP = "sys/fs/cgroup"


@dataclass(frozen=True)
class Machine:
    """What there is to run on: `free_memory` in bytes (None where nothing says so), GPUs that torch can use.

    `threads`: how many a process may have at most, where the user said so (``OMP_NUM_THREADS``).
    """

    cores: int
    free_memory: float | None = None
    gpus: tuple[Device, ...] = ()
    threads: int | None = None


@functools.cache
def gpus_here() -> tuple[Device, ...]:
    """The GPUs of this machine; asked once. What keeps torch from one is warned of."""
    found = devices()
    if not any("nvidia" in sign for sign in signs_of_gpus()):  # where there may be another one, nothing is wrong
        return found.usable
    for trouble in (found.trouble, *found.broken.values(), *(device.trouble for device in found.devices)):
        if trouble is not None:
            log.warning("a GPU that cannot be used, as 'sayso doctor' explains: %s", trouble)
    return found.usable


def this_machine() -> Machine:
    """What there is here now."""
    return Machine(cores(), free_memory(), gpus_here(), threads_asked(os.environ))


def threads_asked(environment: Mapping[str, str]) -> int | None:
    """How many threads the user lets a process have; None where nothing that can be was said."""
    said = environment.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else None


def cores(root: Path = Path("/")) -> int:
    """How many processors this process may use; in a container no more than its share."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (root / _GROUP / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return there
    return there if quota == "max" else max(1, min(there, math.ceil(int(quota) / int(period))))


def free_memory(root: Path = Path("/")) -> float | None:
    """Bytes that are free or can be had, in a container no more than are left to it; None where nothing says so."""
    found = []
    with contextlib.suppress(OSError):
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with contextlib.suppress(OSError, ValueError):
        group = root / _GROUP
        most, used = ((group / name).read_text(encoding="ascii") for name in ("memory.max", "memory.current"))
        found.append(float(int(most) - int(used)))
    return min(found, default=None)
