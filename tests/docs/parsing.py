"""Whether a command could be given: it and its options exist, names are those of the catalogue, settings fit.

Nothing is run. What stands for something else in a page (``FOLDER``, ``facts.csv``) may be anything.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import typer

from sayso import api
from sayso.cli.commands import app
from sayso.cli.configure import parse_settings, parse_sweeps
from sayso.core.errors import SaysoError
from sayso.core.own_types import has_foreign
from sayso.measures.named import measure_named
from tests.docs.pages import ROOT

_SAYSO: Any = typer.main.get_command(app)
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
#: Words of a shell between commands, and before the names of files.
_BETWEEN, _FILES = {"|", "||", "&&", ";", "&"}, {">", ">>", "<", "2>"}

EXTRAS = frozenset(
    tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"].keys()
)
TARGETS = frozenset(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def wrong_with(command: str, *, values: bool = True) -> str | None:
    """What is wrong with a line of a shell; None if nothing is. Without `values` options may be given anything."""
    try:
        for words in simple_commands(command):
            if (found := _wrong_with_words(words, values)) is not None:
                return found
    except ValueError as error:
        return str(error)
    return wrong_extras(command)


def wrong_extras(text: str) -> str | None:
    """Which extra of sayso's a text names that there is not; None if all are there."""
    for found in re.findall(r"sayso\[([\w, -]+)\]", text):
        for extra in found.split(","):
            if extra.strip() not in EXTRAS:
                return f"sayso has no extra '{extra.strip()}'"
    return None


def wrong_target(name: str) -> str | None:
    """What is wrong with a target of make; None if it is there."""
    return None if name in TARGETS else f"the Makefile has no target '{name}'"


def wrong_command(name: str) -> str | None:
    """What is wrong with a command of sayso's; None if it is there."""
    return None if name in _SAYSO.commands else f"sayso has no command '{name}'"


def simple_commands(command: str) -> list[list[str]]:
    """The commands of a line, each a list of words, without what goes to or comes from files."""
    splitter = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    splitter.whitespace_split = True
    found: list[list[str]] = [[]]
    words = iter(splitter)
    for word in words:
        if word in _BETWEEN:
            found.append([])
        elif word in _FILES:
            next(words, None)
        else:
            found[-1].append(word)
    return [each for each in found if each]


def _wrong_with_words(words: list[str], values: bool) -> str | None:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):  # NAME=VALUE before a command
        words = words[1:]
    for place, word in enumerate(words):
        if word == "-m" and words[place + 1 : place + 2] == ["sayso"]:  # of python, or torchrun
            return _wrong_with_sayso(words[place + 2 :], values)
    if words[:1] == ["make"]:
        targets = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        return next((found for found in map(wrong_target, targets) if found), None)
    return _wrong_with_sayso(words[1:], values) if words[:1] == ["sayso"] else None


def _wrong_with_sayso(words: list[str], values: bool) -> str | None:
    if any(word in ("--help", "-h") for word in words):
        words = [word for word in words if word not in ("--help", "-h")]
        return wrong_command(words[0]) if words else None
    try:
        group, context, rest = _SAYSO, _SAYSO.make_context("sayso", list(words)), list(words)
        while hasattr(group, "commands"):
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            if not rest:
                return None if group is _SAYSO else "which command?"
            name, command, rest = group.resolve_command(context, rest)
            group, context = command, command.make_context(name, list(rest), parent=context)
        return _wrong_with_values(context.params) if values else None
    except _USAGE_ERROR as error:
        return str(getattr(error, "format_message", error.__str__)())
    except SaysoError as error:
        return str(error)


def _wrong_with_values(values: dict[str, Any]) -> str | None:
    """Experiments and measures must be those of the catalogue, and settings fit where nothing else decides."""
    settings, axes = parse_settings(values.get("settings") or ()), parse_sweeps(values.get("sweeps") or ())
    name = values.get("name") or ""
    if has_foreign(list(settings.values()) + list(axes.values())):
        return None  # of classes that the page has its reader write
    if "settings" in values and re.fullmatch(r"[a-z][a-z0-9-]*", name):
        experiment = api.load(name)
        if not (values.get("model") or values.get("knowledge")):
            if settings:
                experiment = experiment.with_settings(settings)
            if axes:
                experiment.with_axes(axes)
    for text in values.get("add") or ():
        if ":" not in text or text.startswith("{"):
            measure_named(text, values.get("when"))
    return None
