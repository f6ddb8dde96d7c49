"""Settings by path: ``train.learning_rate``, ``stages.stage1.epochs``, ``subsets.D5cons.fraction``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from sayso.core.errors import SaysoError, nearest


def flat(value: Any, path: str) -> Iterator[tuple[str, JsonValue]]:
    """Single values inside plain data with their paths; items of a list go by name where they have one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for position, item in enumerate(value):
            yield from flat(item, f"{path}.{item.get('name', position) if isinstance(item, dict) else position}")
    else:
        yield path, value


def assign(data: Any, path: str, value: Any) -> None:
    """Replace the value at a dotted path inside plain data."""
    *parents, last = path.split(".")
    here = data
    for depth, part in enumerate(parents):
        here = here[_key(here, part, path, ".".join(parents[:depth]))]
    free_form = bool(parents) and parents[-1] in ("overrides", "config", "phrasings")
    here[last if free_form and isinstance(here, dict) else _key(here, last, path, ".".join(parents))] = value


def by_names(data: Any, path: str) -> str:
    """The same path with the names of items in place of their positions, as `flat` gives it."""
    named = []
    for part in path.split("."):
        key = part
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
            key = str(data.get("name", part)) if isinstance(data, dict) else part
        elif isinstance(data, list):
            data = next((item for item in data if isinstance(item, dict) and item.get("name") == part), None)
        else:
            data = data.get(part) if isinstance(data, dict) else None
        named.append(key)
    return ".".join(named)


def _key(here: Any, part: str, path: str, prefix: str) -> Any:
    """Find the key or position that one part of a path means."""
    inside = f" in {prefix}" if prefix else ""
    if isinstance(here, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in here]
        if part in names:
            return names.index(part)
        if part.isdigit() and int(part) < len(here):
            return int(part)
        known = [name for name in names if name] or [str(position) for position in range(len(here))]
        raise SaysoError(f"setting '{path}': no '{part}'{inside}{nearest(part, known)}")
    if not isinstance(here, dict):
        raise SaysoError(f"setting '{path}': {prefix} is a single value and has no '{part}'")
    if part not in here:
        raise SaysoError(
            f"setting '{path}': no '{part}'{inside}{nearest(part, (key for key in here if key != 'type'))}"
        )
    return part
