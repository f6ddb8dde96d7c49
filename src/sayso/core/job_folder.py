"""The folder of one job, which can be killed at any moment and read at any moment.

jobs/ID/manifest.json        what this job rests on: spec, seeds, versions, data, device, start
jobs/ID/records.jsonl        one number a line, only ever appended to
jobs/ID/position.json        how far it has come and which checkpoint belongs to that, until it has finished
jobs/ID/checkpoint-L-E.pt    weights and optimizer after epoch E of leg number L (a stage of one stage-2 seed)
jobs/ID/state-checkpoint-L-E.pt   the same, kept because a later leg starts from it
jobs/ID/NAME-STAGE.jsonl.gz  what a measure keeps beside the records at a stage's end, such as predictions
jobs/ID/models/seed-N/LEG    each seed's model after each leg, if they were asked for
jobs/ID/finished.json        written last: finish time, and length and sha256 of the records
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically, write_bytes
from sayso.core.records import Manifest, Record, from_line, to_line


class JobFolder:
    """One job's files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_path = path / "manifest.json"
        self.records_path = path / "records.jsonl"
        self.finished_path = path / "finished.json"
        self.position_path = path / "position.json"

    @property
    def begun(self) -> bool:
        """Whether a manifest was written."""
        return self.manifest_path.exists()

    @property
    def finished(self) -> bool:
        """Whether the finish marker was written."""
        return self.finished_path.exists()

    def open(self, manifest: Manifest) -> None:
        """Begin the job: write its manifest, unless an earlier try did."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self.begun:
            write_atomically(self.manifest_path, json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n")

    def manifest(self) -> Manifest:
        """Read the manifest.

        Raises
        ------
        SaysoError
            If it is damaged.
        """
        data = read_json(self.manifest_path)
        try:
            return Manifest(**{**data, "seeds": tuple(data["seeds"])})
        except (KeyError, TypeError) as error:
            raise SaysoError(f"{self.manifest_path}: not a manifest of this version of sayso ({error})") from error

    def append(self, records: Iterable[Record]) -> int:
        """Append records, flush them to disk, and return the length of the file in bytes."""
        lines = "".join(map(to_line, records))
        with self.records_path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def rewind(self, length: int) -> None:
        """Drop what was appended after the file was `length` bytes long (by a try that was killed).

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
        if size > length:
            os.truncate(self.records_path, length)

    def write_details(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as gzipped JSON lines, whole or not at all; equal rows give equal bytes."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_bytes(self.path / f"{name}.jsonl.gz", gzip.compress(lines.encode(), mtime=0))

    def details(self, measure: str) -> Iterator[dict[str, Any]]:
        """Read what a measure kept, of all stages.

        Raises
        ------
        SaysoError
            If a file is damaged.
        """
        for path in sorted(self.path.glob(f"{measure}-*.jsonl.gz")):
            try:
                with gzip.open(path, "rt", encoding="utf-8") as file:
                    yield from (json.loads(line) for line in file)
            except (OSError, EOFError, ValueError, zlib.error) as error:
                raise SaysoError(f"{path}: cannot be read: {error}; delete {self.path} and run again") from error

    def withdraw(self) -> None:
        """Remove the folder of a job that was refused before it had done an epoch."""
        if not (self.position_path.exists() or self.finished):
            shutil.rmtree(self.path, ignore_errors=True)

    def finish(self, finished: str) -> None:
        """Write the finish marker, then drop what was only needed to go on."""
        content = self.records_path.read_bytes()
        marker = {"finished": finished, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        write_atomically(self.finished_path, json.dumps(marker, indent=1) + "\n")
        self.position_path.unlink(missing_ok=True)
        for path in self.checkpoints():
            path.unlink(missing_ok=True)

    def checkpoint_path(self, leg: int, epoch: int) -> Path:
        """The checkpoint written after an epoch of a leg, until the next one is."""
        return self.path / f"checkpoint-{leg}-{epoch}.pt"

    def state_path(self, leg: int, epoch: int) -> Path:
        """The checkpoint of an epoch that a later leg starts from, kept until the job has finished."""
        return self.path / f"state-checkpoint-{leg}-{epoch}.pt"

    def model_path(self, seed: int, leg: str) -> Path:
        """Where a seed's model after a leg is kept, for transformers."""
        return self.path / "models" / f"seed-{seed}" / leg

    def drop_checkpoints(self, besides: Path) -> None:
        """Drop what an earlier epoch or a killed try left, but for one checkpoint and those kept for later legs."""
        for path in self.checkpoints():
            if path != besides and not path.name.startswith("state-"):
                path.unlink(missing_ok=True)

    def checkpoints(self) -> list[Path]:
        """All checkpoint files there are, also those a killed try left half-written."""
        return sorted(self.path.glob("*checkpoint-*"))

    def records(self) -> Iterator[Record]:
        """Read all records of a finished job, checking that they are whole.

        Raises
        ------
        SaysoError
            If the file is not what the finish marker says it is; the message names the first bad line if there is one.
        """
        marker = read_json(self.finished_path)
        if not isinstance(marker, dict) or not {"bytes", "sha256"} <= marker.keys():
            raise SaysoError(f"{self.finished_path}: not a finish marker; delete the folder {self.path} and run again")
        content = self.records_path.read_bytes() if self.records_path.exists() else b""
        sound = len(content) == marker["bytes"] and hashlib.sha256(content).hexdigest() == marker["sha256"]
        parsed: list[Record] = []
        for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
            try:
                parsed.append(from_line(line))
            except ValueError:
                raise SaysoError(self._damaged(f"line {number} is cut off or not a record")) from None
        if not sound:
            raise SaysoError(self._damaged(f"{len(content)} bytes, where {marker['bytes']} were written"))
        yield from parsed

    def _damaged(self, what: str) -> str:
        return f"{self.records_path}: {what}; delete the folder {self.path} and run again, only its seeds are run anew"
