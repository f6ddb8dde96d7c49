"""The folder of one job, which can be killed at any moment and read at any moment.

jobs/ID/manifest.json        what this job rests on: spec, seeds, versions, data, device, start
jobs/ID/records.jsonl        one number a line, only ever appended to
jobs/ID/position.json        how far it has come and which checkpoints belong to that, until it has finished
jobs/ID/checkpoint-L-E.pt    weights and optimizer after epoch E of leg number L (a stage of one stage-2 seed)
jobs/ID/state-L-E.pt         weights alone: a later leg starts from them, or they were asked to be kept
                             (of a sharded model these two are folders, with a file of each process)
jobs/ID/measured-NAME.jsonl  records of a measure taken when the job had finished, and measured-NAME.json, written last
jobs/ID/ledger.jsonl         what each subset contributed to the stages that have finished (`sayso.core.ledger`)
jobs/ID/NAME-STAGE.jsonl.gz  what a measure keeps beside the records at a stage's end, such as predictions
jobs/ID/models/seed-N/LEG    each seed's model after each leg, if they were asked for
jobs/ID/finished.json        written last: finish time, length and sha256 of the records, how fast it was
jobs/ID/failed.json          why the last try failed, until another is made
jobs/ID/.lease-N             which process runs or measures it, or was the last to (`sayso.core.lease`)
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import itertools
import json
import os
import shutil
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically, write_bytes
from sayso.core.lease import Lease, held
from sayso.core.ledger import Contribution, from_lines, to_lines
from sayso.core.records import COLUMNS, Manifest, Record, columns_of, from_line, to_line


class JobFolder:
    """One job's files. Whoever writes holds the folder (`hold`): before anything is written its lease is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lease: Lease | None = None

    @functools.cached_property
    def manifest_path(self) -> Path:
        """What the job rests on."""
        return self.path / "manifest.json"

    @functools.cached_property
    def records_path(self) -> Path:
        """Records of training."""
        return self.path / "records.jsonl"

    @functools.cached_property
    def ledger_path(self) -> Path:
        """What each subset contributed."""
        return self.path / "ledger.jsonl"

    @functools.cached_property
    def finished_path(self) -> Path:
        """The finish marker."""
        return self.path / "finished.json"

    @functools.cached_property
    def position_path(self) -> Path:
        """How far the job has come."""
        return self.path / "position.json"

    @functools.cached_property
    def failed_path(self) -> Path:
        """Why the last try failed."""
        return self.path / "failed.json"

    @contextlib.contextmanager
    def hold(self, wait_s: float = 0.0, lapsed: tuple[int, int] | None = None) -> Iterator[None]:
        """Hold the folder, which is made if it is not there; `lapsed` is as `sayso.core.lease.take` has it.

        Raises
        ------
        HeldError
            If another process holds it for `wait_s` seconds.
        LostError
            When something is to be written though another process may have taken over.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with held(self.path, wait_s, lapsed) as self._lease:
            try:
                yield
            finally:
                self._lease = None

    def require_held(self) -> None:
        """Make sure, where the folder is held, that it still is; see `hold`."""
        if self._lease is not None:
            self._lease.check()

    @property
    def begun(self) -> bool:
        """Whether a manifest was written."""
        return os.path.exists(os.path.join(self.path, "manifest.json"))  # of thousands a `Path` takes seconds

    @property
    def finished(self) -> bool:
        """Whether the finish marker was written."""
        return os.path.exists(os.path.join(self.path, "finished.json"))

    def siblings(self) -> list[JobFolder]:
        """Folders of all jobs of the results folder, this one among them."""
        with os.scandir(self.path.parent) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir())
        return [JobFolder(self.path.parent / name) for name in names]

    def open(self, manifest: Manifest) -> None:
        """Begin the job, or note how it goes on: write its manifest."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.require_held()
        write_atomically(self.manifest_path, json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n")

    def manifest(self) -> Manifest:
        """Read the manifest; within a process it is read again only if the file has changed.

        Raises
        ------
        SaysoError
            If it is damaged.
        """
        path = os.path.join(self.path, "manifest.json")
        try:
            found = os.stat(path)
        except OSError:
            return _manifest(path)  # which says so
        return _manifest(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def append(self, records: Iterable[Record]) -> int:
        """Append records, flush them to disk, and return the length of the file in bytes."""
        lines = "".join(map(to_line, records))
        self.require_held()
        with self.records_path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def rewind(self, length: int) -> None:
        """Drop what was appended after the file was `length` bytes long (by a try that was killed).

        What is left becomes another file of the same name: a try that was not killed but stopped, and goes on in the
        middle of appending, appends to the one of before.

        Raises
        ------
        SaysoError
            If the file is shorter than that: records that a checkpoint rests on are missing.
        """
        size = self.records_path.stat().st_size if self.records_path.exists() else 0
        if size < length:
            raise SaysoError(
                f"{self.records_path}: {size} bytes, but the checkpoint beside it was written at {length}: records are "
                f"missing; delete the folder {self.path} to run these seeds again"
            )
        self.require_held()
        if self.records_path.exists():
            write_bytes(self.records_path, self.records_path.read_bytes()[:length])

    def add_to_ledger(self, leg: Sequence[Contribution]) -> None:
        """Write down what the subsets contributed to a leg, after the other legs, in place of what was there of it."""
        legs = {(each.stage, each.stage2_seed) for each in leg}
        others = [each for each in self.ledger() if (each.stage, each.stage2_seed) not in legs]
        if leg:
            self.require_held()
            write_atomically(self.ledger_path, to_lines([*others, *leg]))

    def ledger(self) -> list[Contribution]:
        """Read what each subset contributed to training; nothing where none was kept (by versions of before).

        Raises
        ------
        SaysoError
            If the file is damaged.
        """
        try:
            return from_lines(self.ledger_path.read_text(encoding="utf-8")) if self.ledger_path.exists() else []
        except (OSError, ValueError) as error:
            raise SaysoError(
                f"{self.ledger_path}: cannot be read: {error}; delete {self.path} and run again"
            ) from error

    def write_details(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as gzipped JSON lines, whole or not at all; equal rows give equal bytes."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        self.require_held()
        write_bytes(self.path / f"{name}.jsonl.gz", gzip.compress(lines.encode(), mtime=0))

    def details(self, measure: str) -> Iterator[dict[str, Any]]:
        """Read what a measure kept, of all stages.

        Raises
        ------
        SaysoError
            If a file is damaged.
        """
        for path in self.kept(measure):
            yield from self.read_kept(path)

    def kept(self, measure: str = "*") -> list[Path]:
        """Files with what a measure kept, or every one, by name."""
        return sorted(self.path.glob(f"{measure}-*.jsonl.gz"))

    def read_kept(self, path: Path) -> Iterator[dict[str, Any]]:
        """Read what is in one of them, as `details`."""
        try:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                yield from (json.loads(line) for line in file)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise SaysoError(f"{path}: cannot be read: {error}; delete {self.path} and run again") from error

    def withdraw(self) -> None:
        """Remove the folder of a job that was refused before it had recorded anything."""
        self.require_held()
        recorded = self.records_path.exists() and self.records_path.stat().st_size > 0
        if not (recorded or self.position_path.exists() or self.finished):
            shutil.rmtree(self.path, ignore_errors=True)

    def note_failure(self, message: str, run: str = "") -> None:
        """Say why a try failed, and which `run` made it, where there is a folder to say it in."""
        with contextlib.suppress(OSError):  # what went wrong may be the disk
            if self.path.exists():
                write_atomically(self.failed_path, json.dumps({"message": message, "run": run}) + "\n")

    def failure(self) -> tuple[str, str] | None:
        """Why the last try failed, and which run made it; None if nothing says so."""
        try:
            data = json.loads(self.failed_path.read_text(encoding="utf-8"))
            return str(data["message"]), str(data["run"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finish(self, finished: str, training: Mapping[str, float] | None = None) -> None:
        """Write the finish marker, with how fast training was; after this the job has finished, whatever happens."""
        self.require_held()
        content = self.records_path.read_bytes() if self.records_path.exists() else b""
        marker: dict[str, Any] = {"finished": finished, **_seal(content)}
        if training:
            marker["training"] = dict(training)
        write_atomically(self.finished_path, json.dumps(marker, indent=1) + "\n")

    def tidy(self, states: Collection[tuple[int, int]]) -> None:
        """Drop what a job that has finished needed only to go on; states of these legs and epochs stay."""
        self.require_held()
        self.position_path.unlink(missing_ok=True)
        self.failed_path.unlink(missing_ok=True)
        stay = {self.state_path(*at) for at in states}
        for path in [*self._half_written(), *self.path.glob("checkpoint-*"), *self.path.glob("state-*")]:
            if path not in stay:
                _remove(path)

    def checkpoint_path(self, leg: int, epoch: int) -> Path:
        """A checkpoint written after an epoch of a leg."""
        return self.path / f"checkpoint-{leg}-{epoch}.pt"

    def state_path(self, leg: int, epoch: int) -> Path:
        """The weights after an epoch of a leg, if they are kept."""
        return self.path / f"state-{leg}-{epoch}.pt"

    def model_path(self, seed: int, leg: str) -> Path:
        """Where a seed's model after a leg is kept, for transformers."""
        return self.path / "models" / f"seed-{seed}" / leg

    def drop_checkpoints(self, besides: Collection[str]) -> None:
        """Drop all checkpoints but those of these names, and what a killed try left half-written."""
        self.require_held()
        for path in [*self._half_written(), *self.path.glob("checkpoint-*")]:
            if path.name not in besides:
                _remove(path)

    def _half_written(self) -> list[Path]:
        """What a killed try was writing."""
        return [path for path in self.path.glob(".*") if not path.name.startswith(".lease")]

    def measured_path(self, measure: str) -> Path:
        """Where records of a measure are that was taken when the job had finished."""
        return self.path / f"measured-{measure}.jsonl"

    def add_measured(self, measure: str, records: Sequence[Record], what: Mapping[str, Any]) -> None:
        """Keep records of a measure beside those of training, with what they rest on; the marker is written last."""
        self.require_held()
        content = "".join(map(to_line, records)).encode()
        path = self.measured_path(measure)
        write_bytes(path, content)
        write_atomically(path.with_suffix(".json"), json.dumps({**what, **_seal(content)}, indent=1) + "\n")

    def measured(self) -> dict[str, dict[str, Any]]:
        """Measures taken when the job had finished, by name, with what their markers say."""
        names = sorted(name for name in os.listdir(self.path) if _is_marker(name))
        return {_measure_of(name): read_json(self.path / name) for name in names}

    def finish_marker(self) -> dict[str, Any]:
        """What the finish marker says: when the job finished, and length and sha256 of its records.

        Raises
        ------
        SaysoError
            If it is damaged.
        """
        return self._marker(self.finished_path)

    def records(self) -> Iterator[Record]:
        """Read all records of a finished job, those of training first, checking that they are whole.

        Raises
        ------
        SaysoError
            If a file is not what its marker says it is; the message names the first bad line if there is one.
        """
        for columns in self.columns():
            yield from itertools.starmap(Record, zip(*columns, strict=True))

    def columns(self) -> Iterator[list[tuple[Any, ...]]]:
        """As `records`, a file at a time, as columns in the order of `sayso.core.records.COLUMNS`."""
        yield self._sealed(
            self.records_path,
            self.finish_marker(),
            f"delete the folder {self.path} and run again, only its seeds are run anew",
        )
        for measure in self.measured():
            path = self.measured_path(measure)
            marker = self._marker(path.with_suffix(".json"))
            yield self._sealed(path, marker, f"delete {path.with_suffix('.json')} and measure again")

    def _marker(self, path: Path) -> dict[str, Any]:
        marker = read_json(path)
        if not isinstance(marker, dict) or not {"bytes", "sha256"} <= marker.keys():
            raise SaysoError(f"{path}: not a finish marker; delete the folder {self.path} and run again")
        return marker

    def _sealed(self, path: Path, marker: Mapping[str, Any], advice: str) -> list[tuple[Any, ...]]:
        """Records of a file that must be what its marker says."""
        content = _content(path)
        try:
            columns = columns_of(content)
        except ValueError:  # one by one they say which it is
            records = []
            for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
                try:
                    records.append(astuple(from_line(line)))
                except ValueError:
                    raise SaysoError(f"{path}: line {number} is cut off or not a record; {advice}") from None
            columns = list(zip(*records, strict=True)) or [()] * len(COLUMNS)
        if _seal(content) != {"bytes": marker["bytes"], "sha256": marker["sha256"]}:
            raise SaysoError(f"{path}: {len(content)} bytes, where {marker['bytes']} were written; {advice}")
        return columns


@functools.lru_cache(maxsize=2**16)
def _manifest(path: str, *_stat: int) -> Manifest:
    """A manifest; equal settings are one object, for many jobs of a sweep have the same."""
    data = read_json(path)
    try:
        settings = _one_of_equal(str(data["digest"]), data["experiment"])
        seeds, resumed = tuple(data["seeds"]), tuple(data["resumed"])
        return Manifest(**{**data, "experiment": settings, "seeds": seeds, "resumed": resumed})
    except (KeyError, TypeError) as error:
        raise SaysoError(f"{path}: not a manifest of this version of sayso ({error})") from error


def _one_of_equal(digest: str, settings: Any) -> Any:
    """The first of equal settings there were."""
    known = _settings_of(digest)
    for one in known:
        if one == settings:
            return one
    known.append(settings)
    return settings


@functools.lru_cache(maxsize=2**12)
def _settings_of(digest: str) -> list[Any]:  # noqa: ARG001 (what they are kept by)
    """Settings with a digest, which differ in what weights do not depend on."""
    return []


def _is_marker(name: str) -> bool:
    return name.startswith("measured-") and name.endswith(".json")


def _measure_of(marker: str) -> str:
    return marker.removeprefix("measured-").removesuffix(".json")


def _remove(path: Path) -> None:
    """Remove a file, or a folder with what is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    """What is in a file; nothing where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _seal(content: bytes) -> dict[str, Any]:
    """What a marker says of a file, so that a damaged one is found."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
