"""GPUs that are not there."""

from __future__ import annotations

from sayso.runs.devices import Device
from sayso.runs.machine import Machine


def gpus(count: int, *names: str, free: int = 8 * 10**10) -> tuple[Device, ...]:
    """So many GPUs, called by their numbers or by the names given."""
    return tuple(
        Device(number, names[number] if names else str(number), "H100", 85 * 10**9, free, "9.0", bfloat16=True)
        for number in range(count)
    )


def machine(count: int = 0, *, cores: int = 8, free: float | None = None, threads: int | None = None) -> Machine:
    """A machine with so many GPUs, so much free memory (GB) and so many threads asked for."""
    return Machine(cores, None if free is None else free * 1e9, gpus(count), threads)
