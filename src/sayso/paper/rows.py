"""What a row of the table is: an experiment, and beside it what of the paper it stands for.

An experiment is written down whole (`Row`), or as another one with some settings changed (`row`). What a pocket twin
shows, and what the paper found there, is said once: in the row at full size (`table_of`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from sayso.core.experiment import Experiment
from sayso.core.spec import Spec
from sayso.paper.paper_settings import JOINT

_Item = TypeVar("_Item")

#: The paper's experiment at full size, its twin at pocket size, a control that must find nothing, or what is ours.
Kind = Literal["paper", "pocket", "control", "beyond"]


@dataclass(frozen=True)
class About:
    """What of the paper an experiment stands for.

    `shows`: what it shows, a sentence. `found`: what the paper found, empty where it is not the paper's. `sections` and
    `figures` as the paper numbers them ("3.3", "C.2"; "4a", "10"), `footnotes` likewise. `twin`: the name of the row of
    the other size, where it does not follow from this one's (`twin_of`). `note`: settings worth a word.
    """

    kind: Kind
    shows: str = ""
    found: str = ""
    sections: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    footnotes: tuple[int, ...] = ()
    twin: str | None = None
    note: str = ""

    @property
    def place(self) -> str:
        """Where in the paper it is: ``section 3.3, figures 4b and 11``."""
        parts = [
            listed("section", [name for name in self.sections if name[0].isdigit()]),
            listed("appendix", [name for name in self.sections if not name[0].isdigit()], "appendices"),
            listed("figure", self.figures),
            listed("footnote", [str(number) for number in self.footnotes]),
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    experiment: Experiment
    about: About

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.experiment.name


@dataclass(frozen=True)
class Variation:
    """A row whose experiment is `like` another one of the table but for `changes`, as `Experiment.vary` takes them."""

    name: str
    like: str
    about: About
    changes: Mapping[str, Any]


def row(name: str, like: str, about: About, **changes: Any) -> Variation:
    """A row like another one; double underscores stand for dots, a list is an axis, and specs are values."""
    return Variation(name, like, about, changes)


def batches_of(size: int, epochs: int, measure_every: int = 1) -> dict[str, Any]:
    """A stage on X1 and X2 together in batches of so many documents."""
    overrides = {"batch_size": size}
    return {**_plain(JOINT), "epochs": epochs, "overrides": overrides, "measure_every": measure_every}


def table_of(entries: Iterable[Row | Variation]) -> dict[str, Row]:
    """Rows by name, every experiment with its summary; a variation comes after the row it is like."""
    experiments: dict[str, Experiment] = {}
    abouts: dict[str, About] = {}
    for entry in entries:
        if isinstance(entry, Variation):
            changes = {path: _plain(value) for path, value in entry.changes.items()}
            experiments[entry.name] = experiments[entry.like].vary(entry.name, **changes)
        else:
            experiments[entry.name] = entry.experiment
        abouts[entry.name] = entry.about
    for name, about in abouts.items():
        abouts[name] = dataclasses.replace(about, twin=twin_of(name, about, abouts))
    filled = {name: _as_twin(name, about, abouts) for name, about in abouts.items()}
    return {
        name: Row(experiments[name].model_copy(update={"summary": summary(about)}), about)
        for name, about in filled.items()
    }


def twin_of(name: str, about: About, there: Mapping[str, About]) -> str | None:
    """The row of the other size: the one that is named, or ``paper-x`` of ``pocket-x``, if there is such a row.

    T-REx at full size is made-up facts at pocket size: ``paper-x-trex`` and ``pocket-x-other-facts``.
    """
    if about.kind == "control" or about.twin is not None:
        return about.twin
    if name in ("paper-main", "pocket"):
        return "pocket" if name == "paper-main" else "paper-main"
    if name.startswith("paper-"):
        other = re.sub(r"-trex$", "-other-facts", f"pocket-{name.removeprefix('paper-')}")
    else:
        other = re.sub(r"-other-facts$", "-trex", f"paper-{name.removeprefix('pocket-')}")
    return other if other in there else None


def summary(about: About) -> str:
    """What an experiment is, as text: what it shows and where in the paper, what the paper found, settings."""
    size = "at pocket size" if about.kind == "pocket" else ""
    where = "; ".join(part for part in (about.place, size) if part)
    shows = f"{about.shows[:-1]} ({where}){about.shows[-1]}" if where else about.shows
    found = f"Found by the paper: {about.found}" if about.found else ""
    return "\n".join(part for part in (shows, found, about.note) if part)


def _as_twin(name: str, about: About, abouts: Mapping[str, About]) -> About:
    """With what a pocket twin leaves out taken from the rows of the paper it stands for."""
    if about.kind != "pocket":
        return about
    mine = [other for at, other in abouts.items() if at == about.twin or (other.kind == "paper" and other.twin == name)]
    return dataclasses.replace(
        about,
        shows=about.shows or next((other.shows for other in mine), ""),
        found=about.found or " ".join(_once(other.found for other in mine if other.found)),
        sections=about.sections or _once(section for other in mine for section in other.sections),
        figures=about.figures or _once(figure for other in mine for figure in other.figures),
        footnotes=about.footnotes or _once(number for other in mine for number in other.footnotes),
    )


def _once(items: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(items))


def listed(what: str, names: Sequence[str], several: str | None = None) -> str:
    """Names with what they are: ``figures 3a, 3b and 8``; nothing of none."""
    if not names:
        return ""
    if len(names) == 1:
        return f"{what} {names[0]}"
    return f"{several or what + 's'} {', '.join(names[:-1])} and {names[-1]}"


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.model_dump(mode="json")
    return tuple(_plain(item) for item in value) if isinstance(value, tuple) else value
