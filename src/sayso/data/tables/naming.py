"""The names of the rows of a table, and what is wrong with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sayso.core.errors import SaysoError
from sayso.data.tables.names import name_key, names_inside_others
from sayso.data.tables.reader import Content
from sayso.data.tables.roles import Roles


def names_of_rows(content: Content, roles: Roles) -> list[str]:
    """The name of each row; in a table of a row an entity all different, in a long one spelled alike.

    Raises
    ------
    SaysoError
        If a row has no name, or the name of another.
    """
    names: list[str] = []
    seen: dict[str, int] = {}
    for index, cell in enumerate(content.cells[roles.names]):
        name = " ".join(cell.split()) if isinstance(cell, str) else ""
        if not (key := name_key(name)):
            raise SaysoError(
                f"{content.file}: {content.where(index)}, column '{roles.names}': no name{roles.other_form()}"
            )
        before = seen.setdefault(key, index)
        if before != index and (roles.facts is None or names[before] != name):
            raise _second(content, roles, index, before, name, names[before])
        names.append(name)
    return names


def names_inside(
    content: Content, names: Sequence[str], rows: Sequence[str], *, allowed: bool
) -> tuple[int, tuple[str, str] | None]:
    """How many names hold another, and the first that does; `rows`: the name of each row.

    Raises
    ------
    SaysoError
        If one does, and that is not allowed.
    """
    found = names_inside_others(names)
    first = next(found, None)
    if first is not None and not allowed:
        outer, inner = (content.where(rows.index(name)) for name in first)
        raise SaysoError(
            f"{content.file}: {outer}: the name '{first[0]}' contains '{first[1]}' of {inner}; rename one, or set "
            "knowledge.inside=allow"
        )
    return (0 if first is None else 1 + sum(1 for _ in found)), first


def _second(content: Content, roles: Roles, index: int, before: int, name: str, first: str) -> SaysoError:
    """A name that is there before; what is not seen in it is written out."""
    unseen = name.casefold() != first.casefold() and any(map(_is_unseen, name + first))
    told, told_first = (ascii(name), ascii(first)) if unseen else (f"'{name}'", f"'{first}'")
    other = f" {told_first}" if first != name else ""
    if roles.facts is None:
        more = "; a row is an entity, and knowledge.name_column names its column"
    else:
        more = "; a name is spelled alike in all rows"
    return SaysoError(
        f"{content.file}: {content.where(index)}: a second {told} (the first{other} is in "
        f"{content.where(before)}){more}{roles.other_form()}"
    )


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) == "Cf"
