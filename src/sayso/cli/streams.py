"""Output that can always be written: what an encoding lacks is escaped, and a closed stream takes what it is given."""

from __future__ import annotations

import codecs
import io
import os
import sys

_ESCAPED = "sayso-escaped"


def make_printable() -> None:
    """Let standard output and standard error take any text, whatever their encoding, and even if they are closed."""
    codecs.register_error(_ESCAPED, escaped)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for as long as we live)
        elif isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors=_ESCAPED)


def escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Write what cannot be encoded as JSON does, so that JSON stays JSON: ``\u00b1``.

    Bytes of file names that are no UTF-8, which Python reads as halves of characters, are escaped in the same way.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    words = (units[place : place + 2].hex() for place in range(0, len(units), 2))
    return "".join(rf"\u{word}" for word in words), error.end


def can_write(text: str, encoding: str | None) -> bool:
    """Whether an encoding has all characters of a text."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
