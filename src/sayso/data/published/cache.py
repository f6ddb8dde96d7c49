"""Prepared tables: what is needed of a large published file, as a small Parquet file in the user's cache folder.

    cvdb/cross-verified-database.csv.gz          as downloaded (`sayso.data.published.fetch`)
    cvdb/fe44aa6f97cf9f6c-repaired-v1.parquet    prepared: sha256 of the file, variant and version of the recipe
    cvdb/current.json                            what ``sayso data prepare cvdb`` prepared last

A prepared table appears whole or not at all; of two processes that need the same one, the second waits for the first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from sayso.core.errors import SaysoError
from sayso.core.files import file_sha256, write_atomically
from sayso.data.progress import OnProgress, unheard

if TYPE_CHECKING:
    import pyarrow as pa

_NOTES = b"sayso"


@dataclass(frozen=True)
class Recipe:
    """How a published file becomes a small table.

    `make` gives the table and counts of what was read, kept and dropped. `version` is raised with every change of what
    it makes, so that tables of an older version are not used.
    """

    source: str
    variant: str
    version: int
    make: Callable[[Path, OnProgress], tuple[pa.Table, dict[str, int]]]


@dataclass(frozen=True)
class Prepared:
    """A prepared table: where it is, the sha256 of the file it was made of, and counts of what was kept and dropped."""

    path: Path
    sha256: str
    counts: dict[str, int]


def cache_folder(cache: Path | None = None) -> Path:
    """The folder given, or ``$SAYSO_CACHE``, or the user's cache folder."""
    if cache is not None:
        return cache
    if found := os.environ.get("SAYSO_CACHE"):
        return Path(found)
    import pooch

    return Path(pooch.os_cache("sayso"))


def prepare_file(recipe: Recipe, file: Path, cache: Path | None = None, on_progress: OnProgress = unheard) -> Prepared:
    """Prepare a raw file, unless the cache has it already.

    Raises
    ------
    SaysoError
        If the file cannot be read or is not of the right form, or the cache cannot be written; nothing is left behind.
    """
    import pyarrow.parquet as pq

    sha256 = file_sha256(file)
    folder = cache_folder(cache) / recipe.source
    target = _target(recipe, sha256, folder)
    if target.exists():
        return _read_notes(target)
    part = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            if not target.exists():
                table, counts = recipe.make(file, on_progress)
                notes = json.dumps({"sha256": sha256, "counts": counts})
                try:
                    pq.write_table(table.replace_schema_metadata({_NOTES: notes}), part, compression="zstd")
                    os.replace(part, target)
                finally:
                    part.unlink(missing_ok=True)
    except OSError as error:
        raise SaysoError(
            f"{error.filename or folder}: {error.strerror or error}; SAYSO_CACHE or --cache names another cache folder"
        ) from error
    return _read_notes(target)


def find(recipe: Recipe, file: str | None) -> Prepared:
    """The prepared table of a raw file, prepared now if need be; without a file, of what was last prepared by name.

    Raises
    ------
    SaysoError
        As `prepare_file` does; or if nothing was prepared.
    """
    if file is not None:
        return prepare_file(recipe, Path(file))
    folder = cache_folder() / recipe.source
    try:
        sha256 = json.loads((folder / "current.json").read_text(encoding="utf-8"))["sha256"]
        return _read_notes(_target(recipe, sha256, folder))
    except (OSError, ValueError, KeyError, TypeError):
        raise SaysoError(
            f"no prepared {recipe.source} in {folder}; run 'sayso data prepare {recipe.source}', or name its file"
        ) from None


def make_current(source: str, sha256: str, cache: Path | None = None) -> None:
    """From now on, the source's name means the tables prepared of this file."""
    folder = cache_folder(cache) / source
    write_atomically(folder / "current.json", json.dumps({"sha256": sha256}) + "\n")


def read(prepared: Prepared) -> pa.Table:
    """Read a prepared table.

    Raises
    ------
    SaysoError
        If it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(prepared.path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(prepared.path) from error


def _target(recipe: Recipe, sha256: str, folder: Path) -> Path:
    return folder / f"{sha256[:16]}-{recipe.variant}-v{recipe.version}.parquet"


def _read_notes(target: Path) -> Prepared:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        notes = json.loads((pq.read_schema(target).metadata or {})[_NOTES])
        return Prepared(target, notes["sha256"], notes["counts"])
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise _damaged(target) from error


def _damaged(target: Path) -> SaysoError:
    return SaysoError(f"{target}: damaged; delete it, it is made again when needed")
