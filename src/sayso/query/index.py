"""An index of the jobs of a results folder that have finished, kept beside them and never trusted blindly.

DIR/index/TABLE-B.parquet    a table (`sayso.query.tables`) of a sixteenth of the jobs, those of bucket B
DIR/index/B.json             written last: of each job the sizes and times of its files, of each table its sha256

A bucket is made anew where files of its jobs are not those it was made of, or its own are not what they were written
as; what has not changed is taken from the bucket as it was. Files appear whole or not at all, so that several may read
and write at a time. Where nothing can be written, a bucket is held in memory. Parquet rather than a file of DuckDB's:
of that one only one process may write while nobody reads, and other programs read this one, too.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sayso.core.errors import SaysoError
from sayso.core.files import file_sha256, read_json, whole, write_atomically
from sayso.core.job_folder import JobFolder
from sayso.core.store import Store
from sayso.query.tables import SCHEMAS, pieces

BUCKETS = 16
#: Files of a job that an index is made of.
_MADE_OF = (".json", ".jsonl", ".jsonl.gz")

#: Names and types of all columns: an index that has others is another version's.
_FORMAT = hashlib.sha256("".join(f"{name}:{schema}\n" for name, schema in SCHEMAS.items()).encode()).hexdigest()

#: Of each file of a job its name, bytes, and when it was changed, in nanoseconds.
_Signature = list[list[str | int]]


@dataclass
class Indexed:
    """Where the tables of a folder are: in files, or in memory; and its jobs, those that have finished and others."""

    files: dict[str, list[Path]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})
    memory: dict[str, list[pa.Table]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})
    finished: list[JobFolder] = field(default_factory=list)
    others: list[JobFolder] = field(default_factory=list)


def index(store: Store) -> Indexed:
    """Bring the index of a results folder up to date.

    Raises
    ------
    SaysoError
        If files of jobs are damaged.
    """
    found = Indexed()
    buckets: dict[int, dict[str, _Signature]] = {}
    for folder in store.jobs():
        if folder.finished:
            found.finished.append(folder)
            bucket = zlib.crc32(folder.path.name.encode(errors="surrogateescape")) % BUCKETS
            buckets.setdefault(bucket, {})[folder.path.name] = _signature(folder)
        else:
            found.others.append(folder)
    for bucket, wanted in sorted(buckets.items()):
        _bring_up_to_date(_Bucket(store, f"{bucket:x}"), wanted, found)
    return found


def _signature(folder: JobFolder) -> _Signature:
    with os.scandir(folder.path) as entries:
        made_of = [entry for entry in entries if entry.name.endswith(_MADE_OF) and not entry.name.startswith(".")]
        found = [(entry.name, entry.stat()) for entry in made_of]
    return sorted([name, stat.st_size, stat.st_mtime_ns] for name, stat in found)


@dataclass(frozen=True)
class _Bucket:
    """A sixteenth of a folder's index."""

    store: Store
    name: str

    def path(self, table: str) -> Path:
        return self.store.index_path / f"{table}-{self.name}.parquet"

    @property
    def marker_path(self) -> Path:
        return self.store.index_path / f"{self.name}.json"

    def made_of(self) -> tuple[dict[str, _Signature], list[str]]:
        """Jobs it was made of, with what their files were, and which tables there are; none where it is not whole."""
        try:
            marker = read_json(self.marker_path)
            jobs, sha256 = dict(marker["jobs"]), dict(marker["sha256"])
            sound = marker["format"] == _FORMAT and all(file_sha256(self.path(name)) == sha256[name] for name in sha256)
        except (SaysoError, KeyError, TypeError, ValueError):
            sound = False
        return (jobs, list(sha256)) if sound else ({}, [])


def _bring_up_to_date(bucket: _Bucket, wanted: Mapping[str, _Signature], found: Indexed) -> None:
    there, tables = bucket.made_of()
    if there != wanted:
        stay = {job for job, signature in wanted.items() if there.get(job) == signature}
        fresh = [bucket.store.job(job) for job in wanted if job not in stay]
        parts = {table: _parts(bucket, table, stay if table in tables else set(), fresh) for table in SCHEMAS}
        try:
            tables = _write(bucket, wanted, parts)
        except OSError:  # a folder that one may only read, or no room
            for table in SCHEMAS:
                found.memory[table] += _parts(bucket, table, stay if table in tables else set(), fresh)
            return
    for table in tables:
        found.files[table].append(bucket.path(table))


def _write(bucket: _Bucket, wanted: Mapping[str, _Signature], parts: Mapping[str, Iterator[pa.Table]]) -> list[str]:
    """Write the tables of a bucket that have rows, then what it was made of; which tables there are."""
    bucket.store.index_path.mkdir(exist_ok=True)
    sha256 = {}
    for table, schema in SCHEMAS.items():
        if (first := next(parts[table], None)) is None:
            continue
        with whole(bucket.path(table)) as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for part in itertools.chain([first], parts[table]):
                    writer.write_table(part)
            file.flush()
            with open(file.name, "rb") as written:
                sha256[table] = hashlib.file_digest(written, "sha256").hexdigest()
    write_atomically(bucket.marker_path, json.dumps({"format": _FORMAT, "jobs": wanted, "sha256": sha256}) + "\n")
    return list(sha256)


def _parts(bucket: _Bucket, table: str, stay: set[str], fresh: list[JobFolder]) -> Iterator[pa.Table]:
    """A table of the jobs that stay as they were, and of those that are read now."""
    if stay:
        with pq.ParquetFile(bucket.path(table)) as before:
            for batch in before.iter_batches():
                own = pc.is_in(batch.column("job").cast(pa.string()), pa.array(sorted(stay), pa.string()))
                if (rows := batch.filter(own)).num_rows:
                    yield pa.Table.from_batches([rows]).cast(SCHEMAS[table])
    yield from pieces(table, fresh)
