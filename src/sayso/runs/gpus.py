"""Cards that runs are estimated for."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.core.errors import SaysoError, nearest


@dataclass(frozen=True)
class Gpu:
    """A card: memory in GB, and peak rates without sparsity in TFLOP/s; of bfloat16 None where it is only emulated."""

    name: str
    memory: float
    bfloat16: float | None
    float32: float


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("A100-80GB", 80, 312, 19.5),
        Gpu("H100", 80, 989, 67),
        Gpu("H200", 141, 989, 67),
        Gpu("RTX-4090", 24, 165, 82.6),
        Gpu("L4", 24, 121, 30.3),
        Gpu("V100-32GB", 32, None, 15.7),
        Gpu("T4", 16, None, 8.1),
    )
}


def find_gpu(name: str) -> Gpu:
    """Look a card up by its name, or by a part of it that no other card has (``A100``, ``4090``).

    Raises
    ------
    SaysoError
        If it is not known, or could be several.
    """
    meant = [known for known in GPUS if name in known.split("-")]
    if name not in GPUS and len(meant) != 1:
        raise SaysoError(f"no GPU '{name}'{nearest(name, GPUS)}")
    return GPUS.get(name) or GPUS[meant[0]]
