"""The whole paper at one size: which experiments it takes, and what each claim of each figure came to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sayso.paper.across import across, names_of_pairs
from sayso.paper.judging import Found, judge
from sayso.paper.table import TABLE
from sayso.stats.entries import Entry, Figure
from sayso.stats.verdict import Verdict

Scale = Literal["pocket", "full"]

_KINDS: Mapping[Scale, str] = {"pocket": "pocket", "full": "paper"}


def experiments_of(scale: Scale) -> list[str]:
    """Names of the experiments that stand for the paper at a size, in the order of the table."""
    return [name for name, row in TABLE.items() if row.about.kind == _KINDS[scale]]


def whole(scale: Scale, found: Mapping[str, Found], verdicts: Mapping[str, Sequence[Verdict]]) -> list[Figure]:
    """Put the claims of all experiments of a size in the order of the paper's figures.

    Parameters
    ----------
    found
        By name, what was run and its records, of the experiments that are compared with another that has results.
    verdicts
        What their own claims came to, by name.
    """
    entries: list[Entry] = []
    for name in experiments_of(scale):
        if name in verdicts:
            entries += [Entry(name, verdict.outcome, verdict) for verdict in verdicts[name]]
        else:
            entries += [Entry(name, "not run", verdict) for verdict in judge([], TABLE[name].experiment)]
    pairs = names_of_pairs(experiments_of(scale))
    for verdict in across({name: found.get(name) for name in pairs}):
        entries.append(Entry(verdict.cell, verdict.outcome if verdict.comparison.seeds else "not run", verdict))
    figures: dict[str, list[Entry]] = {}
    for entry in entries:
        figures.setdefault(_figure(entry), []).append(entry)
    return [Figure(name, figures[name]) for name in sorted(figures, key=_order)]


def _figure(entry: Entry) -> str:
    """Where a claim stands: in its own figure if the experiment is of that, else in the experiment's first.

    What is said of the main experiment is also claimed of others, such as of other models, which have figures of their
    own.
    """
    family = entry.verdict.family
    if entry.experiment not in TABLE or not re.search(r"\d", family):
        return family
    about = TABLE[entry.experiment].about
    if set(re.findall(r"\d+[a-z]?", family)) & {*about.figures, *map(str, about.footnotes)}:
        return family
    return f"figure {about.figures[0]}" if about.figures else f"footnote {about.footnotes[0]}"


def _order(name: str) -> tuple[int, int, str]:
    """Figures by number, then footnotes, then what is beyond the paper."""
    number = re.search(r"\d+", name)
    kind = 0 if name.startswith("figure") else 1 if name.startswith("footnote") else 2
    return kind, int(number[0]) if number else 0, name


@dataclass(frozen=True)
class Place:
    """A figure or footnote of the paper: which experiments of a size stand for it, and which of the other size."""

    name: str
    experiments: tuple[str, ...]
    other_size: tuple[str, ...]


def places(scale: Scale) -> list[Place]:
    """Every figure and footnote that a row of the table stands for, in the paper's order."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, row in TABLE.items():
        if row.about.kind in _KINDS.values():
            told = [
                *(f"figure {one}" for one in row.about.figures),
                *(f"footnote {one}" for one in row.about.footnotes),
            ]
            for place in told:
                found.setdefault(place, {}).setdefault(row.about.kind, []).append(name)
    other = next(kind for kind in _KINDS.values() if kind != _KINDS[scale])
    return [
        Place(place, tuple(found[place].get(_KINDS[scale], ())), tuple(found[place].get(other, ())))
        for place in sorted(found, key=_order)
    ]
