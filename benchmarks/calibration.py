"""What a card gives, from what ``python -m benchmarks gpu`` timed: shares of its data sheet, in the form of `Rates`."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from sayso.core.errors import SaysoError
from sayso.learners.known_models import KNOWN_MODELS
from sayso.runs.estimate import update_of
from sayso.runs.gpus import GPUS, Gpu
from sayso.runs.parts import STACKED
from sayso.runs.rates import Rates
from sayso.runs.training_memory import Training


def card_of(name: str) -> Gpu:
    """The card of the table that torch calls so (``NVIDIA A100-SXM4-80GB``).

    Raises
    ------
    SaysoError
        If there is none.
    """
    words = set(re.split(r"[\s-]+", name))
    for gpu in GPUS.values():
        if words.issuperset(gpu.name.split("-")):
            return gpu
    raise SaysoError(f"no calibration: no data sheet of '{name}'; there are {', '.join(GPUS)} (sayso.runs.gpus)")


def rates(found: Mapping[str, Any], gpu: Gpu, disk_bytes: float, measured: str) -> Rates:
    """Derive shares of the data sheet from what the benchmark's parts found.

    Matrix products: of a step of the largest Pythia that was timed, once its passes over memory are taken off it; where
    that leaves less than the products took alone, or none was timed, those. Launches: of a step of one pocket seed.

    Raises
    ------
    SaysoError
        If a part that is needed did not run or failed.
    """
    for name in ("ceilings", "side-by-side"):
        if not isinstance(found.get(name), (dict, list)):
            raise SaysoError(f"no calibration: part {name} did not run or failed")
    bandwidth = min(1.0, found["ceilings"]["copy GB/s"] / gpu.bandwidth)
    kind = "float32" if gpu.bfloat16 is None else "bfloat16"
    share = min(1.0, found["ceilings"][f"{kind} TFLOP/s"] / (gpu.bfloat16 or gpu.float32))
    shapes = [each for name, each in found.items() if name.startswith("pythia-") and isinstance(each, dict)]
    if shapes:
        largest = max(shapes, key=lambda each: each["parameters"])
        seconds = largest["ms a step"] / 1e3
        model = KNOWN_MODELS[f"EleutherAI/pythia-{largest['shape']}-deduped"]
        update = update_of(model, seconds * largest["tokens a second"], Training(0.0, float32=gpu.bfloat16 is None))
        alone = seconds - update.seconds(gpu, Rates(share, bandwidth))[1]
        products = update.seconds(gpu, Rates(matrix_share=1.0))[0]
        share = min(share, products / alone) if alone > 0 else share
    (pocket,) = (row for row in found["side-by-side"] if row["experiment"] == "pocket" and row["seeds"] == 1)
    handed = STACKED.training(pocket["layers"], 1, 0.0)
    return Rates(share, bandwidth, pocket["ms a step"] / 1e3 / handed, disk_bytes, measured)


def disk(size: int = 2**30) -> float:
    """Bytes a second that the disk below this folder takes, until they are on it."""
    block = os.urandom(2**20)
    with tempfile.NamedTemporaryFile(dir=".") as file:
        start = time.perf_counter()
        for _ in range(max(1, size // len(block))):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return max(1, size // len(block)) * len(block) / (time.perf_counter() - start)
