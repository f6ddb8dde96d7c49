"""Files that are whole or not there, and errors of one line where they are neither."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError


def read_json(path: Path) -> Any:
    """Read a JSON file of the store.

    Raises
    ------
    SaysoError
        If it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaysoError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error


def write_atomically(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all, even if the process is killed."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes as `write_atomically` writes text."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
