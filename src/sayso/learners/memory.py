"""How many documents fit into memory at once: found out by trying."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from sayso.core.errors import SaysoError

T = TypeVar("T")

log = logging.getLogger("sayso")


class Fitting:
    """Most documents of one pass. When memory runs out it is halved, aloud, and the work is done again from its start.

    `rows`: the limit (of each replica), None while everything fitted. `helps`: what to try where not even one fits.
    `halves`: whether it may be halved; not where other processes count on passes that were agreed upon.
    """

    def __init__(self, rows: int | None, what: str, helps: str, *, halves: bool = True) -> None:
        self.rows = rows
        self._what, self._helps, self._halves = what, helps, halves

    def run(self, work: Callable[[int | None], T], documents: int) -> T:
        """Do `work(limit)` with the limit that fits; `documents` is how many there are.

        Raises
        ------
        SaysoError
            If memory runs out with a single document, or the limit may not be halved.
        """
        while True:
            try:
                return work(self.rows)
            except RuntimeError as error:
                if not ran_out(error):
                    raise
                tried = min(documents, self.rows or documents)
            # the error is gone here, and with it what its traceback held on to
            release()
            if tried > 1 and not self._halves:
                raise SaysoError(
                    f"out of memory with {tried} documents in {self._what}, which processes of a sharded model cannot "
                    f"put right by themselves; begin anew with model.micro_batch_size set to {tried // 2}"
                )
            if tried <= 1:
                raise SaysoError(f"out of memory with one document in {self._what}; try {self._helps}")
            self.rows = tried // 2
            log.warning("out of memory: %s goes on with at most %d documents at a time", self._what, self.rows)


def ran_out(error: RuntimeError) -> bool:
    """Whether an error says that a device's memory ran out, which for Apple's GPUs torch says in words alone."""
    return isinstance(error, torch.OutOfMemoryError) or "MPS backend out of memory" in str(error)


def again(work: Callable[[], T]) -> T:
    """Do some work that changes nothing until it has all it takes; where memory runs out, tidy up and try once more."""
    try:
        return work()
    except RuntimeError as error:
        if not ran_out(error):
            raise
    release()
    return work()


@contextlib.contextmanager
def one_line(said: str) -> Iterator[None]:
    """Say what helps where memory runs out and nothing can be done about it here."""
    try:
        yield
    except RuntimeError as error:
        if not ran_out(error):
            raise
        raise SaysoError(said) from error


def release() -> None:
    """Give back what the device's allocator keeps for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def slices(count: int, most: int | None) -> Iterator[slice]:
    """Cut so many documents into parts of at most `most`; all at once where there is no limit."""
    size = count if most is None else most
    for low in range(0, count, max(1, size)):
        yield slice(low, low + size)
