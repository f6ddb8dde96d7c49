"""Which knowledge base a name or a file is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sayso.core.errors import SaysoError
from sayso.core.spec import explain
from sayso.data.facts import FactBase
from sayso.data.published.cvdb import CVDB
from sayso.data.published.trex import TREx
from sayso.data.tables.kinds import KINDS, kind_of
from sayso.data.tables.reader import columns_of
from sayso.data.tables.table import Table

_PREPARED: dict[str, type[CVDB | TREx]] = {"cvdb": CVDB, "trex": TREx}

#: Columns that nobody's table has but the CVDB's: a file that has one and lacks another is a CVDB file that lacks it.
_OF_THE_CVDB = frozenset(["wiki_readers_2015_2018", "sum_visib_ln_5criteria", "level3_all_occ"])


def knowledge_of(file: str | Path, settings: Mapping[str, Any] | None = None) -> FactBase:
    """Which knowledge base a name or a file is.

    ``cvdb`` and ``trex`` are those that were prepared; a .zip is T-REx, a CSV in the CVDB's columns CVDB, other tables
    your own.

    Parameters
    ----------
    file
        The name, or the file's path.
    settings
        Settings of it, by name; they hold before anything is read.

    Returns
    -------
    FactBase
        The knowledge base.

    Raises
    ------
    SaysoError
        If there is no such file, it cannot be read, or is of another kind.
    """
    name = str(file)
    kind = _kind_of(name)
    given = {} if name in _PREPARED else {"file": name}
    try:
        return kind(**{**given, **(settings or {})})
    except ValidationError as error:
        raise SaysoError(f"{name}: {explain(error)}") from error


def _kind_of(file: str) -> type[CVDB | TREx | Table]:
    """Which knowledge base reads a file, or is called so."""
    if file in _PREPARED:
        return _PREPARED[file]
    if not Path(file).is_file():
        found = "is a folder" if Path(file).is_dir() else "no such file"
        raise SaysoError(f"{file}: {found}; facts are cvdb, trex, or a file: .zip, {KINDS}")
    lowered = file.lower()
    if lowered.endswith(".zip"):
        return TREx
    kind = kind_of(file)
    if kind is None:
        raise SaysoError(f"{file}: not a kind of file that holds facts: .zip, {KINDS}")
    if kind == ".csv" and not _OF_THE_CVDB.isdisjoint(columns_of(Path(file))):
        return CVDB
    return Table
