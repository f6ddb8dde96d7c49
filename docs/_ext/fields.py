"""How fields of settings and records are shown: each under its class, with type, default and meaning.

A class documents its fields in a numpy section ``Parameters``, where readers of the source and of ``help()`` look for
them. Here each becomes an entry of its own, which other pages can point at. Types and defaults come from the class.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sphinx.util.typing import stringify_annotation

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_BOUNDS = {
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "multiple_of": "a multiple of {}",
    "min_length": "of length {} or more",
    "max_length": "of length {} or less",
    "not_empty": "not empty",
    "pattern": "text that matches ``{}``",
}

#: Types that say less the more of them is told.
_ARRAY = re.compile(r"NDArray|Floats|DataFrame")

#: Defaults that have a name; a screen of their contents says less.
_NAMED = {"TABLE_1": "sayso.core.subsets", "SOURCES": "sayso.core.subsets"}


@dataclasses.dataclass(frozen=True)
class Field:
    """A field as it is shown: its type, its default (None where there is none) and its bounds, in words."""

    name: str
    type: str
    default: str | None
    bounds: str = ""


def fields_of(kind: type) -> list[Field]:
    """The public fields of a pydantic model or a dataclass, its bases' among them, in order; none of other classes."""
    if issubclass(kind, BaseModel):
        given = {name: info.annotation for name, info in kind.model_fields.items()}
        hints = get_type_hints(SimpleNamespace(__annotations__=given))  # without what pydantic attaches to types
        return [
            Field(name, _type(hints[name]), _default(info), _bounds(info.metadata))
            for name, info in kind.model_fields.items()
        ]
    if not dataclasses.is_dataclass(kind):
        return []
    hints = _hints(kind)
    return [
        Field(own.name, _type(own.type if _ARRAY.search(str(own.type)) else hints[own.name]), _default(own))
        for own in dataclasses.fields(kind)
        if not own.name.startswith("_")
    ]


def written(value: Any) -> str:
    """A default as Python: specs by what differs from their own defaults, tables by their names."""
    for name, module in _NAMED.items():
        if value is getattr(__import__(module, fromlist=[name]), name):
            return name
    if isinstance(value, BaseModel):
        own = type(value).model_fields
        parts = [f"{name}={written(getattr(value, name))}" for name in own if not _is_default(value, name)]
        return f"{type(value).__name__}({', '.join(parts)})"
    if inspect.isfunction(value):
        return value.__name__
    return repr(value)


def sections(lines: list[str]) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Cut a docstring apart: what comes before its ``Parameters``, these by name, and what comes after them."""
    try:
        start = next(at for at in range(len(lines) - 1) if lines[at] == "Parameters" and set(lines[at + 1]) == {"-"})
    except StopIteration:
        return lines, {}, []
    found: dict[str, list[str]] = {}
    names: list[str] = []
    at = start + 2
    while at < len(lines) and not (at + 1 < len(lines) and lines[at] and set(lines[at + 1]) == {"-"}):
        line = lines[at]
        if line and not line[0].isspace():
            names = [name.strip() for name in line.split(":")[0].split(",")]
            found |= {name: [] for name in names}
        else:
            for name in names:
                found[name].append(line)
        at += 1
    return lines[:start], found, lines[at:]


def show(app: Sphinx, what: str, name: str, kind: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Make entries of the fields that a class documents (Sphinx's ``autodoc-process-docstring``)."""
    if what != "class" or not isinstance(kind, type) or not (own := fields_of(kind)):
        return
    before, documented, after = sections(lines)
    documented = {**inherited(kind), **documented}
    lines[:] = [*before, "", *after, ""]
    for field in own:
        if field.name in documented:
            lines += _entry(field, documented[field.name])


def inherited(kind: type) -> dict[str, list[str]]:
    """What the bases of a class say of their fields."""
    found: dict[str, list[str]] = {}
    for base in reversed(kind.__mro__[1:]):
        if fields_of(base):
            found |= sections((inspect.getdoc(base) or "").splitlines())[1]
    return found


def _entry(field: Field, said: list[str]) -> Iterator[str]:
    yield f".. py:attribute:: {field.name}"
    yield f"   :type: {field.type}"
    if field.default is not None:
        yield f"   :value: {field.default}"
    yield ""
    yield from (f"   {line.removeprefix('    ')}".rstrip() for line in said)
    if field.bounds:
        yield f"   Must be {field.bounds}."
    yield ""


def _hints(kind: type) -> dict[str, Any]:
    """Types of a dataclass's fields; those that only type checkers can import stay as they are written."""
    try:
        return get_type_hints(kind)
    except NameError:
        return {own.name: own.type for own in dataclasses.fields(kind)}


def _type(annotation: Any) -> str:
    """A type as it is written, without modules."""
    text = annotation if isinstance(annotation, str) else stringify_annotation(annotation, "smart")
    return re.sub(r"~?\b(?:\w+\.)+(?=\w)", "", text).replace("~", "")


def _default(info: Any) -> str | None:
    missing = (PydanticUndefined, dataclasses.MISSING)
    if info.default_factory not in (None, *missing):
        return written(info.default_factory())
    return None if info.default in missing else written(info.default)


def _is_default(value: BaseModel, name: str) -> bool:
    info = type(value).model_fields[name]
    return not info.is_required() and getattr(value, name) == info.get_default(call_default_factory=True)


def _bounds(metadata: list[Any]) -> str:
    """What pydantic asks of a value, in words."""
    found: dict[str, Any] = {
        bound: getattr(one, bound) for one in metadata for bound in _BOUNDS if getattr(one, bound, None) is not None
    }
    if found.get("min_length") == 1:
        del found["min_length"]
        found["not_empty"] = True
    return " and ".join(_BOUNDS[bound].format(limit) for bound, limit in found.items())
