"""What ``sayso doctor`` prints: a line on each thing, and as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sayso.core.device_asked import DEVICE
from sayso.runs.devices import VISIBLE, Device
from sayso.runs.doctor import Checkup, Use


def doctor_page(found: Checkup) -> RenderableType:
    """A table of what is there, what would be used and what is missing."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for title, words in _lines(found):
        grid.add_row(Text(title, style="bold"), Text(words))
    return grid


def doctor_data(found: Checkup) -> dict[str, Any]:
    """The same as plain data."""
    asked, machine = found.asked, found.machine
    return {
        "ready": found.ready,
        "versions": dict(found.versions),
        "torch_built_for": asked.built_for,
        "gpus": [dataclasses.asdict(device) for device in asked.devices],
        "gpus_hidden": found.hidden,
        "mps": asked.mps,
        "device_asked": found.wanted,
        "cores": machine.cores,
        "free_memory": machine.free_memory,
        "folders": [dataclasses.asdict(folder) for folder in found.folders],
        "hub": dataclasses.asdict(found.hub),
        "uses": [dataclasses.asdict(use) for use in found.uses],
        "missing": [dataclasses.asdict(trouble) for trouble in found.troubles],
    }


def _lines(found: Checkup) -> Iterator[tuple[str, str]]:
    names = [name for name in ("sayso", "python", "torch", "transformers") if name in found.versions]
    built = f" (for {found.asked.built_for or 'CPUs alone'})" if "torch" in found.asked.versions else ""
    said = {name: f"{name} {found.versions[name]}" + (built if name == "torch" else "") for name in names}
    yield "versions", ", ".join(said.values())
    yield "GPU", "; ".join(map(_device, found.asked.devices)) or _no_gpu(found)
    memory = found.machine.free_memory
    yield (
        "CPU",
        f"{_count(found.machine.cores, 'core')}, "
        + ("memory not known" if memory is None else f"{_gigabytes(memory)} of memory free")
        + (f", OMP_NUM_THREADS={found.machine.threads}" if found.machine.threads else ""),
    )
    for place, use in enumerate(found.uses):
        yield ("would use" if place == 0 else ""), _use(use, gpus=bool(found.machine.gpus))
    yield (
        "disk",
        "; ".join(
            f"{folder.what} {folder.path}" + ("" if folder.free is None else f" ({_gigabytes(folder.free)} free)")
            for folder in found.folders
        ),
    )
    hub = found.hub
    how = f"offline by {hub.offline_by}" if hub.offline_by else "reachable" if hub.reachable else "not reachable"
    yield "hub", f"{hub.endpoint} {how}, {'a token' if hub.token else 'no token'}"
    for place, trouble in enumerate(found.troubles):
        yield ("missing" if place == 0 else ""), f"{trouble.what}: {trouble.helps}"
    yield "so", "runs can be done" if found.ready else "no run can be done here until that is mended"


def _no_gpu(found: Checkup) -> str:
    if found.asked.mps:
        return "Apple's, in use" if found.wanted == "mps" else f"Apple's; 'export {DEVICE}=mps' computes on it"
    if not found.hidden:
        return "none"
    if found.wanted != "auto":
        return f"passed over by {DEVICE}={found.wanted}"
    return f"hidden by {VISIBLE}; 'unset {VISIBLE}' shows what there is"


def _device(device: Device) -> str:
    if device.trouble is not None:
        return f"{device.name} that cannot be used"
    native = "bfloat16" if device.bfloat16 else "no bfloat16 of its own"
    memory = f"{_gigabytes(device.memory)} ({_gigabytes(device.free)} free)"
    return f"{device.visible}: {device.name}, {memory}, compute capability {device.capability}, {native}"


def _use(use: Use, *, gpus: bool) -> str:
    threads = _count(use.threads, "thread")
    where = f"{_count(use.processes, 'process', 'es')} of {threads}" + (", each with a GPU" if gpus else "")
    seeds = "as many seeds as fit" if use.side_by_side is None else _count(use.side_by_side, "seed")
    most = seeds if use.side_by_side in (None, 1) else f"up to {seeds}"
    precision = f"training in {use.training}, evaluation in {use.evaluation}"
    if use.training == use.evaluation:
        precision = f"all in {use.training}"
    return f"{use.what}: {where}, {most} each, {precision}"


def _count(number: int, thing: str, plural: str = "s") -> str:
    return f"{number} {thing}{'' if number == 1 else plural}"


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.0f} GB" if size >= 10e9 else f"{size / 1e9:.1f} GB"
