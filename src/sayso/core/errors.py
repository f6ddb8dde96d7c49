"""The one exception users are meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SaysoError(Exception):
    """Something the user can put right: one line that names what was found and what would be right.

    The command line prints the message and exits with code 2. Anything else that is raised is a bug.
    """


def nearest(word: str, known: Iterable[str]) -> str:
    """End of an error message that suggests the known word closest to `word`, or lists what there is.

    >>> nearest("epoch", ["epochs", "batch_size"])
    "; did you mean 'epochs'?"
    >>> nearest("zzz", ["a", "b"])
    '; there is: a, b'
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; there is: {', '.join(names)}" if names else ""
