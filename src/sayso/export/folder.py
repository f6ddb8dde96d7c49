"""A folder that an export may write into, and what folders in it are called."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from filelock import FileLock, Timeout

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.files import read_json, write_atomically
from sayso.core.spec import digest_of

Kind = Literal["tensorboard", "wandb", "hf"]

_MARKER = "sayso-export.json"
_LOCK = ".sayso-export.lock"

#: Longest name of a folder, in bytes: file systems take 255.
_LONGEST = 200


@contextlib.contextmanager
def claimed(out: Path, experiment: Experiment, kind: Kind) -> Iterator[None]:
    """Hold a folder for an export of an experiment; a file in it says what it is for from then on.

    Raises
    ------
    SaysoError
        If it cannot be written, has other content, or another export is writing there.
    """
    marker = {"export": kind, "experiment": experiment.name, "digest": experiment.digest()}
    path, lock = out / _MARKER, FileLock(out / _LOCK, timeout=0)
    try:
        if not path.exists() and out.exists() and any(each.name != _LOCK for each in out.iterdir()):
            raise SaysoError(f"{out}: has other content; choose a folder that is not there yet, or empty")
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        if not path.exists():
            write_atomically(path, json.dumps(marker) + "\n")
    except Timeout:
        raise SaysoError(f"{out}: another 'sayso export' is writing here; wait for it or choose another") from None
    except OSError as error:
        raise SaysoError(f"{out}: cannot write here: {error.strerror or error}; choose another folder") from error
    try:
        if (there := read_json(path)) != marker:
            raise SaysoError(f"{out}: holds {_named(there)}, not {_named(marker)}; choose another folder")
        yield
    finally:
        lock.release()


def _named(marker: object) -> str:
    if not isinstance(marker, dict):
        return "something else"
    return f"{marker.get('experiment')} ({marker.get('digest')}) for --{marker.get('export')}"


def run_path(cell: str, seed: int) -> Path:
    """Where a run is below the folder: cells may be called what no folder can be."""
    name = quote(cell, safe=" =,;#+()")
    if not name.strip("."):
        name = name.replace(".", "%2E")
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{digest_of(cell)}"
    return Path(name) / f"seed-{seed}"
