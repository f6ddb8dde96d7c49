"""Who may write to a folder: one process at a time, of all machines that share the disk.

A lease is a file (`sayso.core.lease_file`) with a number; the highest holds, and of all who reach for the next one a
single one gets it. While its owner lives, a thread renews it: it sets the file's time, every `Timing.renew` seconds.
Whoever wants the folder watches this file. Free it is if it was given back, if its owner was a process of this machine
that has ended, or if it was not renewed for `Timing.lapse` seconds; then the next number is taken. Seconds are counted
by the watcher's own clock from when it first saw the file as it is, so that no two machines' clocks are ever compared.

An owner whose last renewal began more than `Timing.trust` seconds ago, by its own clock, trusts its lease no more:
`Lease.check`, which stands before everything that is written, raises. A write that has begun by then has the rest of
the time, `lapse` - `trust`, to reach the disk before another may take over.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.lease_file import PREFIX, USUAL_LAPSE_S, Seen, create, look, numbers
from sayso.core.owner import Owner, this_process

#: Says after how many seconds a lease lapses that is not renewed: longer for a disk that stalls longer.
LAPSE = "SAYSO_LEASE_SECONDS"
#: Seconds between two looks at a folder that is waited for.
_POLL_S = 0.2


@dataclass(frozen=True)
class Timing:
    """Seconds: between renewals, how long the owner trusts in one, and after how many without one others take over."""

    renew: float
    trust: float
    lapse: float


def timing(lapse: float | None = None) -> Timing:
    """Times that fit: a lease that lapses after so many seconds, or as many as the environment says.

    Raises
    ------
    SaysoError
        If that is not a number of seconds.
    """
    if lapse is None:
        said = os.environ.get(LAPSE, "") or str(USUAL_LAPSE_S)
        try:
            lapse = float(said)
        except ValueError:
            lapse = 0.0
        if not 1 <= lapse <= 86400:
            raise SaysoError(f"{LAPSE} is '{said}'; it is a number of seconds from 1 to 86400, and 120 if not set")
    return Timing(lapse / 12, lapse * 2 / 3, lapse)


class HeldError(SaysoError):
    """Another process holds the folder."""


class LostError(SaysoError):
    """A lease that was held is not any more."""


class Watch:
    """Watches a folder for when it is free; it is asked again and again."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._since = clock()
        self.seen: Seen | None = None
        self.lives = False  # it was renewed while this watched

    def free(self) -> bool:
        """Whether the folder can be taken now."""
        found, before = look(self._folder), self.seen
        self.seen = found
        if found is None or found.over:
            return True
        if before is None or before.mark != found.mark:
            self._since, self.lives = self._clock(), before is not None
            return False
        return self._clock() - self._since >= found.lapse

    @property
    def holder(self) -> str:
        """Who held it when it was last asked."""
        return "another process" if self.seen is None or self.seen.owner is None else str(self.seen.owner)


class Lease:
    """A folder that this process holds; `take` gives one. It is renewed until it is given back."""

    def __init__(self, folder: Path, number: int, owner: Owner, times: Timing) -> None:
        self.folder, self.owner = folder, owner
        self._number, self._times = number, times
        self._path = folder / f"{PREFIX}{number}"
        self._renewed = _clocks()
        self._lost = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def check(self) -> None:
        """Make sure that the folder is still this process's to write to.

        Raises
        ------
        LostError
            If another process has taken over, or may have by the time something is written.
        """
        if not self._lost and (silent := self._silent()) > self._times.trust:
            self._lost = f"it could not be renewed for {silent:.0f} s (the disk stalls, or this process was stopped)"
        if self._lost:
            raise LostError(
                f"{self.folder}: not held any more: {self._lost}; the same command goes on from the last checkpoint"
            )

    def renew(self) -> None:
        """Set the file's time, and see whether another has taken over."""
        began = _clocks()
        try:
            os.utime(self._path)
        except FileNotFoundError:
            self._lost = "another process took over"
            return
        except OSError:  # a disk that stalls or is away: trust runs out, unless it is back in time
            return
        with contextlib.suppress(OSError):
            if max(numbers(self.folder), default=0) > self._number:
                self._lost = "another process took over"
                return
            self._renewed = began

    def give_back(self) -> None:
        """Let others have the folder at once."""
        self._over.set()
        self._thread.join(self._times.renew)
        if not self._lost and not self._thread.is_alive():
            with contextlib.suppress(OSError):  # then it lapses
                os.utime(self._path, (0, 0))
        self._lost = self._lost or "it was given back"

    def _silent(self) -> float:
        """Seconds since the last renewal began, by whichever clock says more: one may stand while a machine sleeps."""
        return max(now - then for now, then in zip(_clocks(), self._renewed, strict=True))

    def _keep(self) -> None:
        while not self._over.wait(self._times.renew) and not self._lost:
            self.renew()

    def begin(self) -> Lease:
        """Begin to renew."""
        self._thread.start()
        return self


def take(folder: Path, *, lapsed: tuple[int, int] | None = None, times: Timing | None = None) -> Lease:
    """Take a folder that is there and free.

    `lapsed`: the `Seen.mark` of a lease that was watched until it had lapsed.

    Raises
    ------
    HeldError
        If another process holds it.
    OSError
        If nothing can be written there.
    """
    found = look(folder)
    if found is not None and not found.over and found.mark != lapsed:
        raise HeldError(_held(folder, found.owner))
    times = times or timing()
    number = 1 if found is None else found.number + 1
    owner = this_process()
    lease = Lease(folder, number, owner, times)
    if not create(folder, number, json.dumps({**owner.as_json(), "lapse": times.lapse}), owner.token):
        raise HeldError(_held(folder, None))
    there = numbers(folder)
    if max(there) > number:  # it was taken, and maybe given back, between the look and the taking
        (folder / f"{PREFIX}{number}").unlink(missing_ok=True)
        raise HeldError(_held(folder, None))
    for older in there:
        if older < number:
            (folder / f"{PREFIX}{older}").unlink(missing_ok=True)
    return lease.begin()


@contextlib.contextmanager
def held(folder: Path, wait_s: float = 0.0, lapsed: tuple[int, int] | None = None) -> Iterator[Lease]:
    """Hold a folder that is there, as soon as it is free; watch it for no longer than `wait_s` seconds.

    `lapsed`: the `Seen.mark` of a lease that another watched until it had lapsed.

    Raises
    ------
    HeldError
        If another process holds it all the while.
    """
    watch, until = Watch(folder), time.monotonic() + wait_s
    while True:
        if watch.free() or (watch.seen is not None and watch.seen.mark == lapsed):
            with contextlib.suppress(HeldError):  # another was quicker
                lease = take(folder, lapsed=None if watch.seen is None else watch.seen.mark)
                break
        if time.monotonic() >= until:
            raise HeldError(_held(folder, None if watch.seen is None else watch.seen.owner))
        time.sleep(min(_POLL_S, max(0.0, until - time.monotonic())))
    try:
        yield lease
    finally:
        lease.give_back()


def _held(folder: Path, owner: Owner | None) -> str:
    who = "another process" if owner is None else str(owner)
    return f"{folder}: {who} is writing here; wait for it or stop it"


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()
