"""A file of lines that others append to, read as it grows: what was added since the last look, in whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

#: Bytes read at a time.
_CHUNK = 1 << 22


class Appended:
    """A file that is appended to, and cut back where whoever writes it goes on from an earlier place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.forget()

    def forget(self) -> None:
        """Read it from its beginning the next time."""
        self._length, self._last = 0, b""

    def more(self) -> Iterator[bytes]:
        """Lines added since the last call, some at a time, each with its end; one still being written is left.

        Where the file is another one than it was, the first of them are empty, and all that it has follows.

        Raises
        ------
        OSError
            If it cannot be read, or is not there.
        """
        with self.path.open("rb") as file:
            file.seek(self._length - len(self._last))
            if file.read(len(self._last)) != self._last:
                self.forget()
                yield b""
            file.seek(self._length)
            while chunk := file.read(_CHUNK):
                whole = chunk.rfind(b"\n") + 1
                if not whole:
                    return
                lines = chunk[:whole]
                yield lines
                self._length += whole
                self._last = lines[lines.rfind(b"\n", 0, -1) + 1 :]
                file.seek(self._length)
