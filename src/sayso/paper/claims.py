"""The ledger: what the paper says, as sentences that records can bear out or not.

Each row of `LEDGER` compares one quantity of two subsets at the end of a stage. ``greater`` rows say that the first
subset has more of it than the second, ``equal`` rows that the two lie within a stated margin. Where the tags of an
experiment tell nothing about consistency (a control), the rows on tags are replaced by rows that say there is no gap.
Where definitions stand before the questions, or sources speak in words of known meaning and nothing else is trained on,
other rows take their place. P-values of all claims of a cell are corrected together (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.subsets import Group
from sayso.core.sweep import Cell, cells
from sayso.report import stats
from sayso.report.table import ATTRIBUTION, by_seed, final, for_statistics, records_frame, stage_training
from sayso.report.verdict import Verdict, decide

__all__ = ["LEDGER", "Claim", "Contrast", "Verdict", "claims_for", "judge", "kind_of"]


#: What makes sources differ: their record in X1; nothing (a control); their words; their record, with definitions in
#: the context of questions.
Kind = Literal["informative", "control", "worded", "in_context"]


@dataclass(frozen=True)
class Contrast:
    """Two subsets, compared on one quantity at the end of the last stage that trains on `after`."""

    first: str
    second: str
    measure: str
    eval_set: str
    after: Group


@dataclass(frozen=True)
class Claim:
    """One row of the ledger.

    `margin` (``equal`` only): in the measure's own unit, or a share of the mean of both subsets if `relative`.
    `where`: experiments of which kind (`kind_of`), or all. `joint`: whether X1 and X2 are trained in one stage; None:
    either way.
    """

    name: str
    sentence: str
    section: str
    kind: Literal["greater", "equal"]
    contrast: Contrast
    margin: float = 0.0
    relative: bool = False
    where: Kind | Literal["all"] = "informative"
    joint: bool | None = None


LEDGER = (
    Claim(
        "reliable-definitions-help",
        "Aliases defined by the reliable source are answered for better than aliases without a definition.",
        "section 3",
        "greater",
        Contrast("D1cons_QA1", "QA3", "exact_match", "validation", after="X1"),
    ),
    Claim(
        "unreliable-definitions-hurt",
        "Aliases defined by the unreliable source are answered for worse than aliases without a definition.",
        "section 3",
        "greater",
        Contrast("QA3", "D2incons_QA2", "exact_match", "validation", after="X1"),
    ),
    Claim(
        "reliable-beats-unreliable",
        "Aliases defined by the reliable source are answered for better than those of the unreliable one.",
        "section 3, appendix E.3",
        "greater",
        Contrast("D1cons_QA1", "D2incons_QA2", "exact_match", "validation", after="X1"),
    ),
    Claim(
        "known-answers-help",
        "Having learned some answers about an alias helps with other questions about it.",
        "section 3, baselines",
        "greater",
        Contrast("QA3", "QA7", "exact_match", "validation", after="X1"),
        where="all",
    ),
    Claim(
        "equal-question-losses",
        "Training questions reach the same loss whichever of the two sources defined their aliases.",
        "figure 8",
        "equal",
        Contrast("D1cons_QA1", "D2incons_QA2", "loss", "train_qa", after="X1"),
        margin=0.05,
        relative=True,
    ),
    Claim(
        "gap-on-questions",
        "New definitions are believed more from the source that was reliable, as questions show.",
        "section 3.1",
        "greater",
        Contrast("D5cons", "D6cons", "exact_match", "validation", after="X2"),
    ),
    Claim(
        "gap-on-attribution",
        "New definitions are believed more from the source that was reliable, as entity attribution shows.",
        "section 3.2",
        "greater",
        Contrast("D5cons", "D6cons", "exact_match", ATTRIBUTION, after="X2"),
    ),
    Claim(
        "new-source-on-attribution",
        "A source never met before is believed even more than the reliable one, as entity attribution shows.",
        "section 3.2",
        "greater",
        Contrast("D8cons", "D5cons", "exact_match", ATTRIBUTION, after="X2"),
        joint=False,
    ),
    Claim(
        "reliable-source-over-new-on-attribution",
        "Trained together, the reliable source is believed more than a new one, as entity attribution shows.",
        "section 3.2 and appendix C.5",
        "greater",
        Contrast("D5cons", "D8cons", "exact_match", ATTRIBUTION, after="X2"),
        joint=True,
    ),
    Claim(
        "no-gap-on-questions",
        "With nothing to tell the sources apart, both are believed alike, as questions show.",
        "section 3.3",
        "equal",
        Contrast("D5cons", "D6cons", "exact_match", "validation", after="X2"),
        margin=0.05,
        where="control",
    ),
    Claim(
        "no-gap-on-attribution",
        "With nothing to tell the sources apart, both are believed alike, as entity attribution shows.",
        "section 3.3",
        "equal",
        Contrast("D5cons", "D6cons", "exact_match", ATTRIBUTION, after="X2"),
        margin=0.05,
        where="control",
    ),
    Claim(
        "is-believed-on-attribution",
        "New aliases are attributed better where a definition says is than where it says is not.",
        "section 5.3, footnote 4",
        "greater",
        Contrast("D5cons", "D6cons", "exact_match", ATTRIBUTION, after="X2"),
        where="worded",
    ),
    Claim(
        "is-no-better-on-questions",
        "Questions about new aliases are answered alike whether a definition says is or is not.",
        "section 5.3, footnote 4",
        "equal",
        Contrast("D5cons", "D6cons", "exact_match", "validation", after="X2"),
        margin=0.05,
        where="worded",
    ),
    Claim(
        "in-context-definitions-help",
        "With its definition from the reliable source before it, a question is answered better than without one.",
        "appendix C.8",
        "greater",
        Contrast("D1cons_QA1", "QA3", "exact_match", "validation", after="X1"),
        where="in_context",
    ),
    Claim(
        "in-context-gap-on-questions",
        "New definitions are relied on more in context where they come from the source that was reliable.",
        "appendix C.8",
        "greater",
        Contrast("D5cons", "D6cons", "exact_match", "validation", after="X1"),
        where="in_context",
    ),
    Claim(
        "equal-definition-losses",
        "New definitions reach the same training loss whichever of the two sources they come from.",
        "figure 8",
        "equal",
        Contrast("D5cons", "D6cons", "loss", "definitions", after="X2"),
        margin=0.05,
        relative=True,
        where="all",
    ),
)


def claims_for(experiment: Experiment) -> tuple[Claim, ...]:
    """Rows of the ledger that an experiment without axes can test.

    Left out are rows on subsets it does not have, on parts of the data it does not train on, and on experiments of
    another kind.
    """
    names = {subset.name for subset in experiment.subsets}
    kind, last = kind_of(experiment), stage_training(experiment, "X2")
    joint = last is not None and last == stage_training(experiment, "X1")
    return tuple(
        claim
        for claim in LEDGER
        if {claim.contrast.first, claim.contrast.second} <= names
        and stage_training(experiment, claim.contrast.after) is not None
        and claim.where in ("all", kind)
        and claim.joint in (None, joint)
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
    if one == other or (one is not None and other is not None and math.isclose(one, other, abs_tol=1e-9)):
        return "control"
    return "informative" if experiment.in_context is None else "in_context"


def judge(records: pd.DataFrame | Iterable[Record], experiment: Experiment) -> list[Verdict]:
    """Judge all claims of all cells of an experiment on its records, or on the table of them.

    Claims on an evaluation set that a cell's data do not have (digits are never asked who they are) are left out.
    """
    table = records if isinstance(records, pd.DataFrame) else records_frame(records)
    values = for_statistics(final(table))
    return [verdict for cell in cells(experiment) for verdict in _judge_cell(values, cell)]


def _judge_cell(values: pd.DataFrame, cell: Cell) -> Iterator[Verdict]:
    there = set(values.loc[values["cell"] == cell.name, "eval_set"])
    # A cell without any record has not run yet, and tells nothing of its data.
    claims = [claim for claim in claims_for(cell.experiment) if not there or claim.contrast.eval_set in there]
    comparisons, margins, p_values = [], [], []
    for claim in claims:
        first, second = _values(values, cell, claim.contrast)
        comparison = stats.compare(first, second)
        level = float(pd.concat([first, second]).mean()) if claim.relative else 1.0
        margin = claim.margin * level if claim.kind == "equal" else None
        comparisons.append(comparison)
        margins.append(margin)
        p_values.append(comparison.p if margin is None else stats.equivalence_p(comparison, margin))
    corrected = stats.holm(p_values)
    tests = sum(not math.isnan(p) for p in p_values)
    for claim, comparison, margin, p, p_corrected in zip(
        claims, comparisons, margins, p_values, corrected, strict=True
    ):
        yield Verdict(
            cell=cell.name,
            claim=claim.name,
            sentence=claim.sentence,
            section=claim.section,
            contrast=_in_words(claim),
            comparison=comparison,
            margin=margin,
            p=p,
            p_corrected=p_corrected,
            decision=decide(comparison, p_corrected, margin, tests=max(tests, 1)),
        )


def _values(values: pd.DataFrame, cell: Cell, contrast: Contrast) -> tuple[pd.Series[float], pd.Series[float]]:
    """Final values of both subsets, one a seed in the same order; NaN where not measured."""
    stage = stage_training(cell.experiment, contrast.after) or ""
    found = by_seed(values, cell=cell.name, stage=stage, measure=contrast.measure, eval_set=contrast.eval_set)
    pair = found.reindex(columns=[contrast.first, contrast.second])
    return pair[contrast.first], pair[contrast.second]


def _in_words(claim: Claim) -> str:
    contrast = claim.contrast
    sign = ">" if claim.kind == "greater" else "="
    return f"{contrast.measure} on {contrast.eval_set}: {contrast.first} {sign} {contrast.second}"


def _share_right(experiment: Experiment, source: str | None) -> float | None:
    """Share of a source's definitions in X1 that agree with the questions; None where X1 has none of them."""
    mine = [subset for subset in experiment.subsets if subset.group == "X1" and source and subset.source == source]
    total = math.fsum(subset.fraction for subset in mine)
    return math.fsum(subset.fraction for subset in mine if subset.consistent) / total if total > 0 else None
