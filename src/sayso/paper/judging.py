"""Which rows of the ledger an experiment can test, and what its records say of them.

Where the tags of an experiment tell nothing about consistency (a control), the rows on tags are replaced by rows that
say there is no gap. Where definitions stand before the questions, or sources speak in words of known meaning and
nothing else is trained on, other rows take their place. The claims of a cell are a family: they are judged together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.subsets import RELIABLE
from sayso.core.sweep import Cell, cells
from sayso.paper.claims import LEDGER, Claim, Contrast, Kind
from sayso.paper.mechanisms import MECHANISMS
from sayso.paper.trends import trends
from sayso.stats.looks import Looks
from sayso.stats.values import GAP, SHARES, by_seed, final, for_statistics, records_frame, stage_training
from sayso.stats.verdict import Family, Finding, Verdict, judge_family


def claims_for(experiment: Experiment, measured: Iterable[str] = ()) -> tuple[Claim, ...]:
    """Rows of the ledger that an experiment without axes can test.

    Left out are rows on subsets it does not have, on parts of the data it does not train on, and on experiments of
    another kind; those on mechanisms also where it does not take their measures and they were not `measured` later.
    """
    ledger = (*LEDGER, *(claim for claim in MECHANISMS if _is_measured(claim, experiment, measured)))
    names = {subset.name for subset in experiment.subsets}
    kind, last = kind_of(experiment), stage_training(experiment, "X2")
    joint = last is not None and last == stage_training(experiment, "X1")
    right = _share_right(experiment, RELIABLE) or 0.0
    return tuple(
        claim
        for claim in ledger
        if names.issuperset(claim.contrast.subsets)
        and stage_training(experiment, claim.contrast.after) is not None
        and claim.where.kind in ("all", kind)
        and claim.where.joint in (None, joint)
        and claim.where.reliability <= right + 1e-9
        and claim.where.order in (None, getattr(experiment.definition, "order", None))
    )


def kind_of(experiment: Experiment) -> Kind:
    """What tells the sources of D5cons and D6cons apart.

    Nothing does in a control: where no stage trains on X1 and their tags are random, and where both sources are right
    about the same share of the aliases in X1 (reliability 0.5: section 3.3 and figure 4a of the paper).
    """
    sources = {subset.name: subset.source for subset in experiment.subsets}
    asked = [sources.get(name) for name in ("D5cons", "D6cons")]
    if stage_training(experiment, "X1") is None:
        worded = [source.name for source in experiment.sources if source.texts]
        return "worded" if any(source in worded for source in asked) else "control"
    one, other = (_share_right(experiment, source) for source in asked)
    alike = one == other or (one is not None and other is not None and math.isclose(one, other, abs_tol=1e-9))
    if experiment.in_context is not None:
        return "in_context_control" if alike else "in_context"
    return "control" if alike else "informative"


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
    return verdicts


def families(records: pd.DataFrame | Iterable[Record], experiment: Experiment) -> list[Family]:
    """The claims of each cell with the values they are about, and those of the sweep as a whole (`sayso.paper.trends`).

    Left out are families without a claim.
    """
    table = records if isinstance(records, pd.DataFrame) else records_frame(records)
    values = for_statistics(final(table))
    found = [_of_cell(values, cell, headlines=not experiment.axes) for cell in cells(experiment)]
    return [family for family in (*found, trends(values, experiment)) if family.findings]


def _is_measured(claim: Claim, experiment: Experiment, later: Iterable[str]) -> bool:
    """Whether an experiment takes what a claim is about, or a measure of the name was taken later."""
    name, sides = claim.contrast.measure, claim.contrast.sides
    return name in later or any(
        measure.name == name and all(measure.covers(subset, eval_set) for subset, eval_set, _ in sides)
        for measure in experiment.measures
    )


def _of_cell(values: pd.DataFrame, cell: Cell, *, headlines: bool) -> Family:
    own = values[values["cell"] == cell.name]
    there, seeds = set(own["eval_set"]), tuple(sorted(set(own["seed"])))
    later = set(own["measure"]) - {measure.name for measure in cell.experiment.measures}
    recorded = (
        set(own[["measure", "subset", "eval_set", "what"]].itertuples(index=False, name=None)) if later else set()
    )
    # A cell without any record has not run yet, and tells nothing of its data.
    claims = [
        claim
        for claim in claims_for(cell.experiment, later)
        if (not there or {eval_set for _, eval_set, _ in claim.contrast.sides} <= there)
        and (claim.contrast.measure not in later or _numbers(claim.contrast) <= recorded)
    ]
    findings = tuple(_finding(own, cell, claim, seeds, headlines) for claim in claims)
    return Family(cell.name, seeds, len(seeds), findings, cell.experiment.smallest_effect)


def _numbers(contrast: Contrast) -> set[tuple[str, str, str, str]]:
    return {(contrast.measure, *side) for side in contrast.sides}


def _finding(values: pd.DataFrame, cell: Cell, claim: Claim, seeds: Sequence[int], headlines: bool) -> Finding:
    contrast = claim.contrast
    stage = stage_training(cell.experiment, contrast.after) or ""
    first, second = (
        by_seed(values, cell=cell.name, stage=stage, measure=contrast.measure, eval_set=eval_set, what=what)
        .reindex(index=list(seeds), columns=[subset])[subset]
        .to_numpy(dtype=float)
        for subset, eval_set, what in contrast.sides
    )
    level = 1.0
    if contrast.relative:
        measured = np.concatenate([first, second])
        level = float(measured[~np.isnan(measured)].mean()) if not np.isnan(measured).all() else math.nan
    return Finding(
        claim=claim.name,
        sentence=claim.sentence,
        section=claim.section,
        contrast=_in_words(contrast),
        first=first,
        second=second,
        margin=None if contrast.within is None else contrast.within * level,
        shares=contrast.measure in SHARES,
        headline=headlines and contrast.measure == "exact_match" and (contrast.first, contrast.second) == GAP,
    )


def _in_words(contrast: Contrast) -> str:
    sign = ">" if contrast.within is None else "="
    measured = f"{contrast.measure} ({contrast.what})" if contrast.what else contrast.measure
    if contrast.second_what is not None:
        first, second = (f"{subset} ({what})" for subset, _, what in contrast.sides)
        return f"{contrast.measure} on {contrast.eval_set}: {first} {sign} {second}"
    if contrast.second_eval_set is not None:
        first, second = (f"{subset} on {eval_set}" for subset, eval_set, _ in contrast.sides)
        return f"{measured}: {first} {sign} {second}"
    return f"{measured} on {contrast.eval_set}: {contrast.first} {sign} {contrast.second}"


def _share_right(experiment: Experiment, source: str | None) -> float | None:
    """Share of a source's definitions in X1 that agree with the questions; None where X1 has none of them."""
    mine = [subset for subset in experiment.subsets if subset.group == "X1" and source and subset.source == source]
    total = math.fsum(subset.fraction for subset in mine)
    return math.fsum(subset.fraction for subset in mine if subset.consistent) / total if total > 0 else None
