"""The files of leases (`sayso.core.lease`): how one appears, once and whole, and what can be seen of it.

FOLDER/.lease-N    who holds the folder (JSON); each taking counts N up, and the highest holds

Nothing is locked, so that it works where a disk has no locks. It rests on what NFS (3 and later) promises: that linking
happens once, and that who opens a file sees what others have closed.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sayso.core.owner import Owner, owner_of, this_process

#: How files of leases begin, and those that are still being written.
PREFIX, WRITING = ".lease-", ".lease.writing-"
#: Seconds after which a lease lapses that is not renewed, where nothing else is said.
USUAL_LAPSE_S = 120.0
#: Times before this one (1990) mean that a lease was given back: it is set to 0, and some disks begin in 1980.
_GIVEN_BACK = 631152000.0
#: What a disk says that has no hard links.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
#: Seconds until a list of files that was remembered is asked for again.
_STALE_S = 0.1


@dataclass(frozen=True)
class Seen:
    """The lease that holds a folder, as it was looked at: its number, its file's time, its owner (None: not readable).

    `lapse`: seconds until it lapses, as its owner says.
    """

    number: int
    renewed_ns: int
    owner: Owner | None
    lapse: float

    @property
    def given_back(self) -> bool:
        """Whether its owner was done with the folder."""
        return self.renewed_ns / 1e9 < _GIVEN_BACK

    @property
    def over(self) -> bool:
        """Whether nobody holds the folder, for certain and without watching."""
        return self.given_back or (self.owner is not None and self.owner.has_ended())

    @property
    def mark(self) -> tuple[int, int]:
        """What changes whenever it is renewed or taken over."""
        return self.number, self.renewed_ns


def look(folder: Path) -> Seen | None:
    """The lease that holds a folder now; None if it was never taken."""
    while highest := max(numbers(folder), default=0):
        try:
            with (folder / f"{PREFIX}{highest}").open("rb") as file:  # opened anew: not what a cache remembers
                renewed_ns = os.fstat(file.fileno()).st_mtime_ns
                content = file.read()
        except FileNotFoundError:  # taken over just now
            time.sleep(_STALE_S)
            continue
        try:
            data = json.loads(content)
        except ValueError:  # still being written, on a disk without links
            data = {}
        if not isinstance(data, dict):
            data = {}
        lapse = data.pop("lapse", None)
        known = isinstance(lapse, (int, float))
        return Seen(highest, renewed_ns, owner_of(data), float(lapse) if known else USUAL_LAPSE_S)
    return None


def is_held(folder: Path, now: Callable[[], float] = time.time) -> Owner | None:
    """Who holds a folder, as far as one look tells: a lease of another machine is held if its file is young enough.

    `now` gives the time as the disk has it (`disk_time`); it is asked of other machines' leases alone.
    """
    found = look(folder)
    if found is None or found.over or found.owner is None:
        return None
    return found.owner if found.owner.is_here() or now() - found.renewed_ns / 1e9 < found.lapse else None


def disk_time(folder: Path) -> float:
    """Seconds since 1970 as the disk of a folder has it; as this machine has it where nothing can be written there."""
    path = folder / f"{WRITING}{this_process().token}"
    try:
        path.touch()
        found = path.stat().st_mtime
        path.unlink()
    except OSError:
        return time.time()
    return found


def numbers(folder: Path) -> list[int]:
    """Numbers of the leases there are."""
    names = [entry.name.removeprefix(PREFIX) for entry in os.scandir(folder) if entry.name.startswith(PREFIX)]
    return [int(name) for name in names if name.isdigit()]


def create(folder: Path, number: int, content: str, token: str) -> bool:
    """Write the lease of this number; whether this process was the one to do it."""
    path, writing = folder / f"{PREFIX}{number}", folder / f"{WRITING}{token}"
    try:
        writing.write_text(content, encoding="utf-8")
        try:
            os.link(writing, path)
        except FileExistsError:
            return writing.stat().st_nlink == 2  # linked after all: an answer of the server was lost
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return _create_alone(path, content)
        return True
    finally:
        writing.unlink(missing_ok=True)


def _create_alone(path: Path, content: str) -> bool:
    """As `_create`, on a disk without links: a file that appears once, and empty."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True
