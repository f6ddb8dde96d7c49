"""The reference is made of docstrings: every public name has what a reader of it needs."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import itertools
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import sayso
from sayso.core.own_types import OWN_TYPES

PAGES = Path(sayso.__file__).parents[2] / "docs" / "reference"
#: Every name that the reference has an entry of, with the page it is on.
ENTRIES = {
    found[1]: page.stem
    for page in sorted(PAGES.glob("*.md"))
    for found in re.finditer(r"^\.\. auto\w+:: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
}
ARRAYS = re.compile(r"NDArray|ArrayLike|Floats")


def named(dotted: str) -> Any:
    """What a dotted name stands for."""
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def sections(docstring: str) -> dict[str, dict[str, str]]:
    """Sections of a numpy docstring: what each of its items says, by name."""
    lines = docstring.splitlines()
    starts = [at for at in range(1, len(lines)) if re.fullmatch("-{3,}", lines[at])]
    found: dict[str, dict[str, str]] = {}
    for start, after in itertools.pairwise([*starts, len(lines) + 1]):
        items: dict[str, str] = {}
        names: list[str] = []
        for line in lines[start + 1 : after - 1]:
            if line and not line[0].isspace():
                names = [name.strip() for name in line.split(" : ")[0].split(",")]
                items |= dict.fromkeys(names, "")
            for name in names if line[:1].isspace() else ():
                items[name] += f" {line.strip()}"
        found[lines[start - 1]] = items
    return found


def fields_of(kind: type) -> dict[str, str]:
    """Public fields of settings and records, with their types as they are written."""
    if not (issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)):
        return {}
    names = kind.model_fields if issubclass(kind, BaseModel) else [one.name for one in dataclasses.fields(kind)]
    written = {
        name: str(text)
        for base in reversed(kind.__mro__)
        for name, text in vars(base).get("__annotations__", {}).items()
    }
    return {name: written[name] for name in names if not name.startswith("_")}


def said_of_fields(kind: type) -> dict[str, str]:
    """What a class and its bases say of their fields."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("sayso.") and base.__doc__:
            found |= sections(inspect.cleandoc(base.__doc__)).get("Parameters", {})
    return found


def methods_of(kind: type) -> dict[str, Any]:
    """Public methods and properties that a class has of its own, and that do not stand in for a base's."""
    above = [vars(base) for base in kind.__mro__[1:] if base is not object]
    return {
        name: own
        for name, own in vars(kind).items()
        if not name.startswith("_")
        and isinstance(own, property | functools.cached_property | classmethod | staticmethod | type(methods_of))
        and not any(name in names for names in above)
        and name not in {"model_post_init", *fields_of(kind)}
    }


def everything() -> dict[str, Any]:
    """Every entry, and every method of those that are classes."""
    found: dict[str, Any] = {}
    for dotted in ENTRIES:
        if not isinstance(named(dotted), type | type(named)):  # data, which has a comment in place of a docstring
            continue
        found[dotted] = named(dotted)
        if isinstance(found[dotted], type):
            found |= {f"{dotted}.{name}": own for name, own in methods_of(found[dotted]).items()}
    return found


EVERYTHING = everything()
CLASSES = {name: own for name, own in EVERYTHING.items() if isinstance(own, type)}
FUNCTIONS: dict[str, Any] = {
    name: getattr(own, "__func__", own)
    for name, own in EVERYTHING.items()
    if isinstance(own, classmethod | staticmethod | type(named))
}


def test_every_public_name_has_an_entry() -> None:
    assert {name for name in sayso.__all__ if f"sayso.{name}" not in ENTRIES} == set()


@pytest.mark.parametrize("name", OWN_TYPES)
def test_every_type_that_settings_can_name_has_an_entry(name: str) -> None:
    assert OWN_TYPES[name].replace(":", ".") in ENTRIES


@pytest.mark.parametrize("name", EVERYTHING)
def test_it_has_a_summary_in_one_sentence(name: str) -> None:
    own = EVERYTHING[name]
    docstring = inspect.cleandoc((own.func if isinstance(own, functools.cached_property) else own).__doc__ or "")
    summary = docstring.split("\n\n")[0]
    assert re.fullmatch(r"[^a-z\s].{10,}[.:]", summary, re.DOTALL), summary
    assert "\n" not in summary


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_is_documented_and_nothing_else(name: str) -> None:
    fields, said = fields_of(CLASSES[name]), said_of_fields(CLASSES[name])
    assert [field for field in fields if not said.get(field, "").strip()] == []
    if fields:
        assert set(said) <= set(fields)
    for field, annotation in fields.items():
        assert not ARRAYS.search(annotation) or "shape" in said[field], f"{field}: of which shape?"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_documented_and_nothing_else(name: str) -> None:
    parameters = list(inspect.signature(FUNCTIONS[name]).parameters)
    parameters = parameters[1:] if parameters and parameters[0] in ("self", "cls") else parameters
    said = sections(inspect.cleandoc(FUNCTIONS[name].__doc__ or "")).get("Parameters", {})
    said = {each.lstrip("*"): text for each, text in said.items()}
    assert {each for each in parameters if not said.get(each, "").strip()} == set()
    assert set(said) <= set(parameters)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_it_returns_and_raises_is_documented(name: str) -> None:
    function = FUNCTIONS[name]
    found = sections(inspect.cleandoc(function.__doc__ or ""))
    annotation = str(inspect.signature(function).return_annotation)
    told = found.get("Returns", found.get("Yields", {}))
    assert bool(told) == (annotation != "None"), f"{annotation}: what is that?"
    if ARRAYS.search(annotation):
        assert "shape" in " ".join(told.values()), "of which shape?"
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    assert {error for error in raised if error not in found.get("Raises", {})} == set()
