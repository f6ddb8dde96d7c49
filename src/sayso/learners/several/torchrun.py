"""Where ``torchrun`` has started a command several times, on one machine or several: who leads, and how others hear.

The first of them runs the command, and each of its jobs calls the others together; they do nothing by themselves but
wait for calls, at the store that torchrun keeps for all of them.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

_CALLS = "sayso/calls"
#: What a call says: come together for a job, or go home.
JOB, OVER = "job", "over"
#: A job may be as long in coming as it takes.
_WAIT = timedelta(days=30)


def started() -> bool:
    """Whether torchrun has started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and size() > 1


def follows() -> bool:
    """Whether this process is to wait for what the first one does."""
    return started() and rank() > 0


def rank() -> int:
    """The process's place among all, from 0."""
    return int(os.environ["RANK"])


def size() -> int:
    """How many processes there are, on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def place() -> tuple[int, int]:
    """The process's place on its own machine, from 0, and how many there are on it."""
    return int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])


def call(word: str) -> Any:
    """Call the others, and give the store to meet them at."""
    store = _store()
    number = store.add(_CALLS, 1)
    store.set(_name(number), word)
    return _room(store, number)


def heard(number: int) -> tuple[str, Any]:
    """Wait for a call, of which the first has the number 1; what it says, and the store to meet at."""
    store = _store()
    store.wait([_name(number)], _WAIT)
    return store.get(_name(number)).decode(), _room(store, number)


def _name(number: int) -> str:
    return f"sayso/call/{number}"


def _store() -> Any:
    """The store that torchrun keeps."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    return TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), size(), is_master=False)


def _room(store: Any, number: int) -> Any:
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    return PrefixStore(f"sayso/{number}", store)
