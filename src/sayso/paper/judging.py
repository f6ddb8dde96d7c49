"""Which rows of the ledger an experiment can test, and what its records say of them.

Where the tags of an experiment tell nothing about consistency (a control), the rows on tags are replaced by rows that
say there is no gap. Where definitions stand before the questions, or sources speak in words of known meaning and
nothing else is trained on, other rows take their place. The claims of a figure, in all cells, are a family: they are
judged together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.sweep import Cell, cells
from sayso.measures.belief import Belief
from sayso.paper.claims import Claim
from sayso.paper.ledger import MAIN_ROWS
from sayso.paper.ledger_beyond import BEYOND
from sayso.paper.ledger_details import DETAILS, WHOLE_DOCUMENTS
from sayso.paper.ledger_more import MORE_ROWS
from sayso.paper.mechanisms import MECHANISMS
from sayso.paper.quantities import Values, in_words
from sayso.paper.trends import trends
from sayso.stats.looks import Looks
from sayso.stats.values import ATTRIBUTION, GAP, SHARES, for_statistics, records_frame, stage_training
from sayso.stats.verdict import Family, Finding, Verdict, judge_family

#: Results: the experiment that was run, and all its records.
Found = tuple[Experiment, pd.DataFrame]

#: Every row that is said of one cell.
LEDGER: tuple[Claim, ...] = (*MAIN_ROWS, *DETAILS, *WHOLE_DOCUMENTS, *MORE_ROWS, *MECHANISMS, *BEYOND)

#: The gap on these is what an experiment is there to show.
_HEADLINES = {"validation", ATTRIBUTION}

#: What is said of measures that few experiments take.
_WHERE_MEASURED = frozenset(
    claim.name
    for claim in (
        *(*WHOLE_DOCUMENTS, *MECHANISMS),
        *(claim for claim in BEYOND if claim.contrast.numbers[0].measure == Belief.name),
    )
)


def claims_for(experiment: Experiment, measured: Iterable[str] = ()) -> tuple[Claim, ...]:
    """Rows of the ledger that an experiment without axes can test.

    Left out are rows on subsets and stages it does not have, on parts of the data it does not train on, and on
    experiments of another kind; those on mechanisms, belief and whole documents also where it does not take their
    measures and they were not `measured` later.
    """
    names = {subset.name for subset in experiment.subsets}
    stages = {stage.name for stage in experiment.stages}
    return tuple(
        claim
        for claim in LEDGER
        if names.issuperset(claim.contrast.subsets)
        and stages.issuperset(number.stage for number in claim.contrast.numbers if number.stage)
        and all(stage_training(experiment, part) is not None for part in claim.contrast.parts)
        and claim.where.takes_in(experiment)
        and (claim.name not in _WHERE_MEASURED or _is_measured(claim, experiment, measured))
    )


def judge(
    records: pd.DataFrame | Iterable[Record], experiment: Experiment, looks: Looks | None = None
) -> list[Verdict]:
    """Judge all claims of all cells of an experiment on its records, or on the table of them, and then its trends.

    Claims on an evaluation set that a cell's data do not have (digits are never asked who they are) are left out.
    `looks` says how many seeds were planned, and how often that was changed after a look; without, the seeds that are
    there are all that were planned, and this is the first look.
    """
    verdicts: list[Verdict] = []
    for family in families(records, experiment):
        plans = looks.plans if looks is not None else (family.finished,)
        verdicts += judge_family(family, Looks(plans, family.finished))
    order = [cell.name for cell in cells(experiment)]
    rows = [claim.name for claim in LEDGER]

    def place(verdict: Verdict) -> tuple[int, int]:
        return (
            order.index(verdict.cell) if verdict.cell in order else len(order),
            rows.index(verdict.claim) if verdict.claim in rows else len(rows),
        )

    return sorted(verdicts, key=place)


def families(records: pd.DataFrame | Iterable[Record], experiment: Experiment) -> list[Family]:
    """The claims of each figure with the values they are about: those of cells, and of the sweep as a whole.

    A seed is finished where all cells have it. Left out are figures without a claim.
    """
    table = records if isinstance(records, pd.DataFrame) else records_frame(records)
    values = Values(for_statistics(table))
    swept = cells(experiment)
    seeds = tuple(sorted(set().union(*(values.seeds.get(cell.name, set()) for cell in swept))))
    finished = len(set(seeds).intersection(*(values.seeds.get(cell.name, set()) for cell in swept)))
    found: dict[str, list[Finding]] = {}
    for cell in swept:
        for claim in _testable(values, cell):
            finding = _finding(values, cell, claim, seeds, headlines=not experiment.axes)
            found.setdefault(claim.figure, []).append(finding)
    for figure, finding in trends(values, experiment, seeds):
        found.setdefault(figure, []).append(finding)
    return [Family(name, seeds, finished, tuple(own), experiment.smallest_effect) for name, own in found.items()]


def _is_measured(claim: Claim, experiment: Experiment, later: Iterable[str]) -> bool:
    """Whether an experiment takes what a claim is about, or a measure of the name was taken later."""
    numbers = claim.contrast.numbers
    return numbers[0].measure in later or any(
        all(measure.name == n.measure and measure.covers(n.subset, n.eval_set) for n in numbers)
        for measure in experiment.measures
    )


def _testable(values: Values, cell: Cell) -> Iterator[Claim]:
    """The claims that a cell's data can bear on, and its records if its measures were taken later."""
    later = values.measures.get(cell.name, set()) - {measure.name for measure in cell.experiment.measures}
    for claim in claims_for(cell.experiment, later):
        sides = (claim.contrast.first, claim.contrast.second)
        if not all(values.asks(cell, side) for side in sides):
            continue
        if any(n.measure in later for n in claim.contrast.numbers) and not all(
            values.has(cell, side) for side in sides
        ):
            continue
        yield claim


def _finding(values: Values, cell: Cell, claim: Claim, seeds: Sequence[int], *, headlines: bool) -> Finding:
    contrast = claim.contrast
    first, second = (values.of(cell, side, seeds) for side in (contrast.first, contrast.second))
    level = 1.0
    if contrast.relative:
        measured = np.concatenate([first, second])
        level = float(measured[~np.isnan(measured)].mean()) if not np.isnan(measured).all() else math.nan
    allowed = None if contrast.within is None else contrast.within * level
    sign = ">" if contrast.within is None else ">=" if contrast.one_sided else "="
    measures, asked = ({getattr(number, name) for number in contrast.numbers} for name in ("measure", "eval_set"))
    return Finding(
        cell=cell.name,
        claim=claim.name,
        sentence=claim.sentence,
        section=f"{claim.section}, {claim.figure}" if claim.figure not in claim.section else claim.section,
        contrast=in_words(contrast.first, sign, contrast.second),
        first=first,
        second=second,
        margin=None if contrast.one_sided else allowed,
        slack=allowed or 0.0 if contrast.one_sided else 0.0,
        shares=measures <= set(SHARES) and contrast.pair is not None,
        headline=headlines and contrast.pair == GAP and measures == {"exact_match"} and asked <= _HEADLINES,
    )
