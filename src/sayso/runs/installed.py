"""What of sayso's optional parts is installed, as its own metadata names them (``pip install 'sayso[train]'``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata

#: A line of metadata: ``torch<2.14,>=2.11; extra == 'train'``.
_LINE = re.compile(r"""([\w.-]+)\s*([^;]*);.*\bextra\s*==\s*['"]([\w-]+)['"]""")
_BOUND = re.compile(r"(>=|<)\s*(\d+(?:\.\d+)*)")
#: Parts that no user needs: what develops sayso, and what stands for several others.
_NOT_PARTS = ("all", "dev")


@dataclass(frozen=True)
class Lacking:
    """A package that a part of sayso takes and that is not there, or as another version than it must be."""

    part: str
    package: str
    found: str | None
    wanted: str

    def __str__(self) -> str:
        return self.package if self.found is None else f"{self.package} {self.found} (it takes {self.wanted})"


def required() -> list[str]:
    """Requirements of the sayso that is installed; none where it only lies in a folder."""
    try:
        return metadata.requires("sayso") or []
    except metadata.PackageNotFoundError:
        return []


def version_of(package: str) -> str | None:
    """The version of an installed package, None where it is not there (or its metadata are damaged)."""
    try:
        return metadata.version(package) or None
    except metadata.PackageNotFoundError:
        return None


def lacking(lines: Iterable[str], version: Callable[[str], str | None] = version_of) -> list[Lacking]:
    """Say what is not installed of what these requirements name, part by part."""
    found = []
    for line in lines:
        if (match := _LINE.match(line)) is None or match[3] in _NOT_PARTS or match[1] == "sayso":
            continue
        there = version(match[1])
        if there is None or not _suits(there, match[2]):
            found.append(Lacking(match[3], match[1], there, match[2].strip()))
    return found


def _suits(version: str, bounds: str) -> bool:
    """Whether a version is within all bounds."""
    own = _numbers(version)
    return all((own >= _numbers(bound)) == (kind == ">=") for kind, bound in _BOUND.findall(bounds))


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
