"""Records of a job that may still be running, here or elsewhere: each is given once, as the file grows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sayso.core.appended import Appended
from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.records import Record, from_line


class Growing:
    """A records file that is appended to, and cut back where a job that was killed goes on."""

    def __init__(self, path: Path) -> None:
        self._file = Appended(path)

    def more(self) -> list[Record]:
        """Records written since the last call, all of them where the file is another one than it was.

        A line that is still being written is left for the next call.

        Raises
        ------
        SaysoError
            If a line is no record.
        """
        try:
            lines = b"".join(self._file.more()).splitlines()
        except FileNotFoundError:
            return []
        try:
            return [from_line(line.decode()) for line in lines]
        except ValueError as error:
            path = self._file.path
            raise SaysoError(f"{path}: has a line that is not a record; delete {path.parent}") from error


def began(folder: JobFolder) -> float:
    """When a job began, in seconds since 1970: as its manifest says, or else when that was written."""
    return _seconds(folder.manifest().started, folder.manifest_path)


def last_heard(folder: JobFolder) -> float:
    """When a job finished, or last recorded something, in seconds since 1970."""
    if folder.finished:
        return _seconds(str(folder.finish_marker().get("finished")), folder.finished_path)
    path = folder.records_path
    return (path if path.exists() else folder.manifest_path).stat().st_mtime


def _seconds(said: str, path: Path) -> float:
    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        return path.stat().st_mtime
