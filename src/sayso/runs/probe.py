"""A child process that says what torch finds here: ``python -P -m sayso.runs.probe``.

It reads a line of JSON and writes one (`sayso.runs.devices.Asked`). Asked for ``libraries`` it loads those that
training takes; given an ``experiment`` and a ``seed``, it measures how many seeds fit side by side into the GPU's free
memory, of which they may take a ``share``.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

#: What training loads, and of it what shows that it does load: transformers' own modules load when they are used.
_LIBRARIES = {"torch": "", "transformers": "AutoModelForCausalLM", "tokenizers": "", "safetensors": "torch"}


def main() -> int:
    """Answer what is asked on standard input."""
    request: dict[str, Any] = json.loads(sys.stdin.read())
    output, sys.stdout = sys.stdout, sys.stderr  # whatever libraries print must not mix with the answer
    output.write(json.dumps(_answer(request)) + "\n")
    return 0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"versions": {}, "broken": {}, "devices": []}
    for name, part in _LIBRARIES.items():
        if name != "torch" and not request.get("libraries"):
            continue
        try:
            library = importlib.import_module(name)
            if part:
                getattr(library, part, None) or importlib.import_module(f"{name}.{part}")
            found["versions"][name] = str(library.__version__)
        except Exception as error:  # anything may be wrong with what is installed
            found["broken"][name] = _one_line(error)
    if "torch" in found["versions"]:
        found |= _torch_finds()
    if "experiment" in request and found["devices"]:
        try:
            found["fits"] = _fits(request)
        except Exception as error:  # a run says itself what is wrong with it
            found["trouble"] = _one_line(error)
    return found


def _torch_finds() -> dict[str, Any]:
    import torch

    cuda, hip = torch.version.cuda, getattr(torch.version, "hip", None)
    found: dict[str, Any] = {"built_for": f"CUDA {cuda}" if cuda else f"ROCm {hip}" if hip else None}
    found["mps"] = sys.platform == "darwin" and torch.backends.mps.is_available()
    if found["built_for"] is None:
        return found
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # says what is_available() keeps to itself
    except Exception as error:
        return found | {"trouble": _one_line(error)}
    return found | {"devices": [_device(number) for number in range(torch.cuda.device_count())]}


def _device(number: int) -> dict[str, Any]:
    import torch

    found: dict[str, Any] = {"name": f"GPU {number}"}
    try:
        there = torch.cuda.get_device_properties(number)
        found |= {"name": there.name, "memory": there.total_memory, "capability": f"{there.major}.{there.minor}"}
        with torch.cuda.device(number):
            torch.ones(1, device="cuda").add_(1).item()  # fails on cards that this torch has no code for
            native = torch.cuda.is_bf16_supported(including_emulation=False)
            found |= {"free": torch.cuda.mem_get_info()[0], "bfloat16": bool(native)}
    except Exception as error:
        found["trouble"] = _one_line(error)
    return found


def _fits(request: dict[str, Any]) -> int:
    import torch

    from sayso.core.experiment import load_spec
    from sayso.runs.side_by_side import GpuMemory, bytes_taken, replicas_that_fit

    sys.path += [folder for folder in request["path"] if folder not in sys.path]
    experiment = load_spec(request["experiment"], "experiment", own_only=False)
    first, memory = request["seed"], GpuMemory()

    def take(count: int) -> float:
        return bytes_taken(experiment, range(first, first + count), memory)

    return replicas_that_fit(take, torch.cuda.mem_get_info()[0] * request["share"])


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


if __name__ == "__main__":
    sys.exit(main())
