"""Names that something used to have: they keep working, and say what it is called."""

from __future__ import annotations

import warnings
from typing import TypeVar

from sayso.core.errors import SaysoError

T = TypeVar("T")


def deprecated(old: str, new: str, *, stacklevel: int = 2) -> None:
    """Warn that a name is deprecated; `stacklevel` counts from whoever calls this, as 1, to whom the warning is for."""
    warnings.warn(f"{old} is deprecated: it is called {new}", DeprecationWarning, stacklevel=stacklevel + 1)


def by_either_name(new: str, value: T | None, old: str, old_value: T | None, *, stacklevel: int = 2) -> T | None:
    """Return the value of an argument that was given by its name or, with a DeprecationWarning, by its old one.

    Raises
    ------
    SaysoError
        If both are given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise SaysoError(f"{old} is the old name of {new}; give {new} alone")
    deprecated(old, new, stacklevel=stacklevel + 1)
    return old_value
