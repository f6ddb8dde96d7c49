"""What SLURM is asked for, as ``--slurm KEY=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sayso.core.errors import SaysoError, nearest
from sayso.runs.gpus import GPUS, Gpu, find_gpu
from sayso.runs.needs import Needs

#: What each setting means.
MEANINGS = {
    "tasks": "machines, or shares of them, at a time at most (16)",
    "side_by_side": "jobs at a time on each (1)",
    "cores": "cores of a job",
    "gpus": "GPUs of a job",
    "memory": "memory of a job, in GB",
    "card": "which GPUs they are, for hours that are estimated (A100-80GB)",
    "hours": "time limit of a task, after which it is queued again, as often as it takes",
}
#: Options of sbatch that are ours to set.
_OURS = ("array", "time", "mem", "cpus-per-task", "gpus-per-node", "job-name", "output", "error", "signal", "requeue")


@dataclass(frozen=True)
class SlurmSettings:
    """Where not said (None), what a job needs is estimated; `sbatch` are further options of sbatch, as they are."""

    tasks: int = 16
    side_by_side: int = 1
    cores: int | None = None
    gpus: int | None = None
    memory: float | None = None
    hours: float | None = None
    card: Gpu = GPUS["A100-80GB"]
    sbatch: tuple[tuple[str, str], ...] = field(default=())

    def needs(self, estimated: Needs) -> Needs:
        """What a job needs, as it was estimated or said."""
        return Needs(
            estimated.cores if self.cores is None else self.cores,
            estimated.gpus if self.gpus is None else self.gpus,
            estimated.memory_gb if self.memory is None else self.memory,
            estimated.hours if self.hours is None else self.hours,
        )


def slurm_settings(texts: Sequence[str]) -> SlurmSettings:
    """Read ``KEY=VALUE``; a key that is none of ours is an option of sbatch (``partition=gpu``, ``account=me``).

    Raises
    ------
    SaysoError
        If one is no such text, or its value is not a number where it must be one.
    """
    found: dict[str, float | int | Gpu] = {}
    others: list[tuple[str, str]] = []
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip().lstrip("-").replace("_", "-") if key not in MEANINGS else key
        if not equals or not key:
            raise SaysoError(f"--slurm {text}: write KEY=VALUE, as in --slurm partition=gpu")
        if key in _OURS:
            raise SaysoError(f"--slurm {key} is set by sayso{nearest(key, MEANINGS)}")
        if key == "card":
            found[key] = find_gpu(value)
        elif key in MEANINGS:
            found[key] = _number(key, value)
        else:
            others.append((key, value))
    return SlurmSettings(**found, sbatch=tuple(others))  # type: ignore[arg-type]


def _number(key: str, value: str) -> float | int:
    whole = key in ("tasks", "side_by_side", "cores", "gpus")
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        number = -1
    if not (0 if key == "gpus" else 1 if whole else 0.01) <= number < 1e6:
        raise SaysoError(f"--slurm {key}={value}: {MEANINGS[key]}; it is a {'whole ' if whole else ''}number above 0")
    return number
