"""Which GPUs this process may use: a child process asks torch, and only where something says that there is one.

So whoever plans a run stays light, and nothing that is broken in a driver or a library breaks it. What the child says
is what workers find, for it begins with the same environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from sayso.core.device_asked import device_asked

#: Says which of a machine's GPUs are meant: numbers, or UUIDs of GPUs or of parts of them (MIG).
VISIBLE = "CUDA_VISIBLE_DEVICES"
#: What is there where there is a GPU: NVIDIA's driver, its devices (containers often have these alone), Windows' (WSL).
_SIGNS: tuple[str, ...] = ("proc/driver/nvidia/gpus/*", "dev/nvidia[0-9]*", "dev/dxg")
#: Seconds until torch must have said what there is, on a slow shared disk as well.
_WAIT_S = 180.0


@dataclass(frozen=True)
class Device:
    """A GPU: its `number` is torch's, `visible` what `VISIBLE` calls it; bytes of `memory`, and how many are `free`.

    `bfloat16`: whether it computes in that itself. `trouble`: why torch cannot use it, None where it can.
    """

    number: int
    visible: str
    name: str
    memory: int = 0
    free: int = 0
    capability: str = ""
    bfloat16: bool = False
    trouble: str | None = None


@dataclass(frozen=True)
class Asked:
    """What a child process said: versions of libraries by name, what was wrong with those that do not load, devices.

    `built_for`: what torch was built for besides CPUs (``CUDA 12.8``). `trouble`: why it has no GPU, or why nothing was
    said. `fits`: how many seeds train side by side. `mps`: whether there is an Apple GPU that torch can use.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[Device, ...] = ()
    built_for: str | None = None
    fits: int | None = None
    mps: bool = False
    trouble: str | None = None

    @property
    def usable(self) -> tuple[Device, ...]:
        """Devices that torch can use."""
        return tuple(device for device in self.devices if device.trouble is None)


#: Asks a child process with an environment; see `ask`.
Ask: TypeAlias = Callable[[Mapping[str, str], Mapping[str, Any]], Asked]


def signs_of_gpus(root: Path = Path("/")) -> list[str]:
    """Files that are there only where there is a GPU."""
    return sorted(str(found) for sign in _SIGNS for found in root.glob(sign))


def are_hidden(environment: Mapping[str, str]) -> bool:
    """Whether the environment lets no GPU be used: by an empty list, one from a negative number on, or another device.

    Raises
    ------
    SaysoError
        If the device that it asks for is none (`sayso.core.device_asked`).
    """
    if device_asked(environment) in ("cpu", "mps"):
        return True
    said = environment.get(VISIBLE)
    return said is not None and (not said.strip() or said.strip().startswith("-"))


def devices(root: Path = Path("/"), environment: Mapping[str, str] | None = None, ask: Ask | None = None) -> Asked:
    """Say which GPUs may be used, in torch's order; a child process is begun only where there may be one."""
    environment = os.environ if environment is None else environment
    if not signs_of_gpus(root) or are_hidden(environment):
        return Asked()
    return (ask or ask_child)(environment, {})


def ask_child(environment: Mapping[str, str], request: Mapping[str, Any], wait_s: float = _WAIT_S) -> Asked:
    """Ask a child process (`sayso.runs.probe` says what can be requested); whatever becomes of it is an answer."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "sayso.runs.probe"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=dict(environment),
            timeout=wait_s,
            check=False,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends it
        )
    except subprocess.TimeoutExpired:
        return Asked(trouble=f"torch had not loaded after {wait_s:g} s")
    except OSError as error:
        return Asked(trouble=f"no process could be begun: {error.strerror or error}")
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        return Asked(trouble=f"a process that looked ended with code {done.returncode}: {last}")
    return _read(said, environment.get(VISIBLE))


def _read(said: dict[str, Any], visible: str | None) -> Asked:
    """An answer as it was written; devices get the names that the environment calls them."""
    found = [Device(number=number, visible=str(number), **each) for number, each in enumerate(said.pop("devices"))]
    if visible is not None:  # CUDA takes names in their order, up to the first that it does not know
        names = [name.strip() for name in visible.split(",")]
        found = [Device(**{**vars(device), "visible": name}) for device, name in zip(found, names, strict=False)]
    return Asked(devices=tuple(found), **said)
