"""Cards that runs are estimated for."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.core.errors import SaysoError, nearest


@dataclass(frozen=True)
class Gpu:
    """A card, by its data sheet (of A100, H100, H200 and V100 as SXM).

    `memory` in GB; peak rates of matrix products without sparsity in TFLOP/s, of `bfloat16` None where it is only
    emulated; `bandwidth` of its memory in GB/s.
    """

    name: str
    memory: float
    bfloat16: float | None
    float32: float
    bandwidth: float


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("A100-80GB", 80, 312, 19.5, 2039),
        Gpu("H100", 80, 989, 67, 3350),
        Gpu("H200", 141, 989, 67, 4800),
        Gpu("RTX-4090", 24, 165, 82.6, 1008),
        Gpu("L4", 24, 121, 30.3, 300),
        Gpu("V100-32GB", 32, None, 15.7, 900),
        Gpu("T4", 16, None, 8.1, 320),
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
