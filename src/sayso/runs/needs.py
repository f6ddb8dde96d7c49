"""What one job takes of a machine, so that a scheduler finds it a place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """Cores, GPUs, gigabytes of memory (10^9 bytes, beside what GPUs have) and hours of one job."""

    cores: int = 1
    gpus: int = 0
    memory_gb: float = 4.0
    hours: float = 24.0
