"""Files that are whole or not there, and errors of one line where they are neither."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from pydantic_core import from_json

from sayso.core.errors import SaysoError


def read_json(path: str | Path) -> Any:
    """Read a JSON file of the store.

    Raises
    ------
    SaysoError
        If it is missing or damaged.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
        try:
            return from_json(content)
        except ValueError:  # what is wrong Python's own reader says better; it also takes halves of characters
            return json.loads(content.decode())
    except (OSError, ValueError) as error:
        raise SaysoError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error


def write_atomically(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all, even if the process is killed."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes as `write_atomically` writes text."""
    with whole(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that appears at `path` when all of it is on the disk, or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")  # no other process's, on whatever machine
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make sure that the names of files in a folder outlast a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some file systems of clusters cannot
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def file_sha256(file: Path) -> str:
    """Sha256 (hex) of a file's bytes; within a process it is read again only if the file has changed.

    Raises
    ------
    SaysoError
        If it cannot be read.
    """
    try:
        found = file.stat()
        return _sha256(file, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error


def folder_sha256(folder: Path, suffixes: Collection[str]) -> str:
    """Sha256 (hex) of the names and contents of the files right in a folder whose names end so.

    Raises
    ------
    SaysoError
        If one cannot be read.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in suffixes and path.is_file())
    listed = "".join(f"{file_sha256(path)}  {path.name}\n" for path in files)
    return hashlib.sha256(listed.encode(errors="surrogateescape")).hexdigest()


@functools.lru_cache(maxsize=256)
def _sha256(file: Path, *_stat: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
