"""The drill-down of a report: seed, subset, alias; its documents, its questions, what the model said after each stage.

A page holds the seeds that it has room for, the first seed of every cell before the second of any, and says which.
Where nothing is known of what models said, a few seeds of each cell are enough to see documents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from sayso.core.corpus import CorpusOf
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.core.legs import legs
from sayso.core.predictions import Answered, predictions
from sayso.core.seeds import consecutive, seed_range
from sayso.core.store import Store
from sayso.core.sweep import cells
from sayso.report.drill_seed import FIRST, NOT_ASKED, Part, pack
from sayso.report.templates import fill
from sayso.stats.values import ATTRIBUTION, GAP, for_statistics, gap_points

#: Seeds of a cell whose documents are shown where what models said was not kept, unless seeds are asked for.
UNSAID = 4

_GAPS = ("validation", ATTRIBUTION)


@dataclass(frozen=True)
class Drill:
    """What can be looked at: parts with their packed data, those left out, and what a reader should know.

    `kept`: whether what models said is there of all that was looked into. `gaps`: by cell and seed the internalization
    gap on questions and on entity attribution, None where not measured.
    """

    parts: Sequence[tuple[Part, str]]
    left_out: Sequence[Part]
    kept: bool
    gaps: dict[tuple[str, int], list[float | None]]
    notes: Sequence[str]


def drill(
    store: Store,
    table: pd.DataFrame,
    corpus_of: CorpusOf | None,
    *,
    seeds: Collection[int] | None = None,
    room: int,
) -> Drill:
    """Gather what can be looked at of the finished jobs of a folder, whose records are `table`.

    Without `corpus_of` documents are left out. `seeds`: of these alone, and all of them as far as there is `room`, for
    as many bytes in base 64.

    Raises
    ------
    SaysoError
        If a file of what models said is damaged, or there is nothing of these seeds.
    """
    experiment = store.experiment()
    settings = {cell.name: cell.experiment for cell in cells(experiment)}
    jobs = _Jobs(store)
    packed: list[tuple[Part, str]] = []
    left_out: list[Part] = []
    size, full = 0, False
    unsaid: dict[str, set[int]] = {}  # seeds of each cell of which it is not known what models said
    any_said = False
    for part in _parts(settings, jobs, seeds):
        if full:
            left_out.append(part)
            continue
        own, said = settings[part.cell], jobs.said(part)
        if not said and corpus_of is None:
            continue
        any_said |= bool(said)
        if not said:
            alone = unsaid.setdefault(part.cell, set())
            alone.add(part.seed)
            if seeds is None and len(alone) > UNSAID:
                left_out.append(part)
                continue
        corpus = corpus_of(part.cell, part.seed, part.deal, asked=not said) if corpus_of is not None else None
        data = pack(own, _stages(own, part.deal), said, corpus, deal=part.deal)
        if size + len(data) > room:
            full = True
            left_out.append(part)
        else:
            size += len(data)
            packed.append((part, data))
    if seeds is not None and not (packed or left_out):
        there = sorted({seed for cell in settings for seed in jobs.seeds(cell)})
        raise SaysoError(f"{store.path}: nothing to look at of these seeds; it has {', '.join(map(str, there))}")
    notes = []
    if packed and unsaid:
        whose = " of all seeds" if any_said else ""
        notes.append(
            f"What the model said was not kept{whose}: 'sayso measure {store.path} --add predictions' adds it."
        )
    if packed and corpus_of is None:
        notes.append("Documents are not shown, nor which entity an alias stands for: see the note above.")
    return Drill(packed, left_out, any_said and not unsaid, _gaps(table, settings), notes)


def section(found: Drill, store: Store) -> Markup:
    """The section of the page, whose script is ``drill.js``; all text of the user's is put in as text."""
    index = [
        {"cell": part.cell, "seed": part.seed, "deal": part.deal, "gap": found.gaps.get((part.cell, part.seed))}
        for part, _ in found.parts
    ]
    several = len({part.cell for part, _ in found.parts} | {part.cell for part in found.left_out}) > 1
    html = fill(
        "drill.html.j2",
        index=index,
        packed=[data for _, data in found.parts],
        several=several,
        deals=any(part.deal for part, _ in found.parts),
        left_out=_by_cell(found.left_out),
        kept=found.kept,
        folder=str(store.path),
        notes=found.notes,
        constants={
            "first": FIRST,
            "notAsked": NOT_ASKED,
            "folder": str(store.path),
            "leftOut": sorted({(part.cell, part.seed) for part in found.left_out}),
        },
    )
    return Markup(html)  # noqa: S704 (the template escapes what is put into it)


def _by_cell(parts: Sequence[Part]) -> list[tuple[str, str, str]]:
    """Cells with the first run of their seeds (``102-103``, ``103-103``), and all of them as ranges."""
    seeds: dict[str, set[int]] = {}
    for part in parts:
        seeds.setdefault(part.cell, set()).add(part.seed)
    return [(cell, "-".join(map(str, consecutive([*own])[0])), seed_range([*own])) for cell, own in seeds.items()]


class _Jobs:
    """Finished jobs by what they hold; what a job's models said is read once, when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._folders: dict[tuple[str, int], JobFolder] = {}
        self._read: dict[JobFolder, dict[int, list[Answered]]] = {}
        for folder in store.jobs():
            if folder.finished:
                manifest = folder.manifest()
                for seed in manifest.seeds:
                    self._folders.setdefault((manifest.cell, seed), folder)

    def seeds(self, cell: str) -> list[int]:
        return sorted(seed for other, seed in self._folders if other == cell)

    def said(self, part: Part) -> list[Answered]:
        folder = self._folders[part.cell, part.seed]
        if folder not in self._read:
            self._read[folder] = {}
            for each in predictions(folder):
                self._read[folder].setdefault(each.seed, []).append(each)
        return [each for each in self._read[folder].get(part.seed, []) if each.stage2_seed == part.deal]


def _parts(settings: dict[str, Experiment], jobs: _Jobs, seeds: Collection[int] | None) -> Iterator[Part]:
    """What there is to look at: the first seed of each cell, the second of each, and so on."""
    there = {cell: [seed for seed in jobs.seeds(cell) if seeds is None or seed in seeds] for cell in settings}
    for place in range(max(map(len, there.values()), default=0)):
        for cell, own in there.items():
            if place < len(own):
                yield from (Part(cell, own[place], deal) for deal in range(settings[cell].stage2_seeds))


def _stages(experiment: Experiment, deal: int) -> list[str]:
    """Stages after which something was asked of one deal, in the order they were run."""
    return [leg.stage.name for leg in legs(experiment) if leg.stage2_seed == deal and leg.stage.measured]


def _gaps(table: pd.DataFrame, settings: dict[str, Experiment]) -> dict[tuple[str, int], list[float | None]]:
    """The internalization gap by cell and seed, on questions and on entity attribution."""
    found: dict[tuple[str, int], list[float | None]] = {}
    asked = table["eval_set"].str.startswith(_GAPS) & (table["measure"] == "exact_match") & table["subset"].isin(GAP)
    table = for_statistics(table[asked])
    for cell, experiment in settings.items():
        points = gap_points(table, experiment, cell, _GAPS)
        for seed, eval_set, gap in zip(points["seed"], points["eval_set"], points["gap"], strict=True):
            gaps = found.setdefault((cell, int(seed)), [None] * len(_GAPS))
            gaps[_GAPS.index(eval_set)] = round(float(gap), 4)
    return found
