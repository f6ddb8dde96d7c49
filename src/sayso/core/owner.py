"""Which process holds something, and whether it still lives, as far as this machine can tell."""

from __future__ import annotations

import functools
import os
import platform
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
#: States of a process that has ended and is still listed.
_ENDED = ("Z", "X")


@dataclass(frozen=True)
class Owner:
    """A process: its `host`, its number there, and when it took what it holds (UTC).

    `machine` tells hosts of one name, and containers of one host, apart; `born` processes that had one number one after
    the other. Both are empty where the system does not say. `token` tells apart what one process took twice.
    """

    host: str
    process: int
    started: str
    machine: str = ""
    born: str = ""
    token: str = ""

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} (since {self.started})"

    def as_json(self) -> dict[str, Any]:
        """What a file says of it."""
        return asdict(self)

    def is_here(self) -> bool:
        """Whether it is a process of this machine, so that one can look whether it lives."""
        return bool(self.machine) and self.machine == _machine()

    def has_ended(self) -> bool:
        """Whether it certainly has: it was on this machine, and is no more. Of other machines nothing is certain."""
        return self.is_here() and _born(self.process) != self.born


def this_process() -> Owner:
    """Describe this process, which takes something now."""
    return Owner(
        host=platform.node() or "localhost",
        process=os.getpid(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=_machine(),
        born=_born(os.getpid()),
        token=uuid.uuid4().hex,
    )


def owner_of(data: object) -> Owner | None:
    """Read what `Owner.as_json` wrote; None where it is something else."""
    try:
        return Owner(**data) if isinstance(data, dict) else None
    except TypeError:
        return None


@functools.cache
def _machine() -> str:
    """Name this boot of this machine and the space of process numbers in it; empty where the system does not say."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return ""


def _born(process: int) -> str:
    """When a process of this machine began, in ticks since its boot; empty if there is none."""
    try:
        said = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = said.rpartition(")")[2].split()  # a name may have spaces and brackets
    return "" if fields[0] in _ENDED else fields[19]
