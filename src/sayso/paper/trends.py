"""What the paper says of a sweep as a whole: along something that its cells differ in, the gap grows or shrinks.

A trend is tested within seeds: a straight line is fitted to each seed's gap D5cons - D6cons over the cells in order (by
rank, so that 10, 100 and 1000 are evenly spaced), and the change it shows from the first cell to the last is compared
with zero. All trends of a sweep are a family: they are judged together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sayso.core.experiment import Experiment
from sayso.core.sweep import Cell, cells
from sayso.data.digits.grid import DigitGrids
from sayso.learners.known_models import KNOWN_MODELS
from sayso.learners.specs import FromScratch, HFModel
from sayso.stats.values import ATTRIBUTION, GAP, gap_points, stage_training
from sayso.stats.verdict import Family, Finding

#: Fewer cells than this show no trend.
LEAST_CELLS = 3


@dataclass(frozen=True)
class Trend:
    """The gap D5cons - D6cons along something that cells differ in.

    `of`: what that is for an experiment without axes, None where it does not apply. `grows`: whether the gap does, or
    shrinks, as it gets larger.
    """

    name: str
    along: str
    section: str
    of: Callable[[Experiment], float | None]
    grows: bool = True


def _reliability(experiment: Experiment) -> float | None:
    return experiment.reliability


def _model_size(experiment: Experiment) -> float | None:
    model: Any = experiment.model
    if isinstance(model, FromScratch):
        width = model.config.get("hidden_size", model.config.get("d_model"))
        return float(width) if isinstance(width, int) else None
    known = KNOWN_MODELS.get(model.name) if isinstance(model, HFModel) else None
    return float(known.parameters) if known else None


def _batch_size(experiment: Experiment) -> float | None:
    last = stage_training(experiment, "X2")
    return next((float(experiment.train_spec(s).batch_size) for s in experiment.stages if s.name == last), None)


def _pairs(experiment: Experiment) -> float | None:
    return float(experiment.knowledge.entities) if isinstance(experiment.knowledge, DigitGrids) else None


TRENDS = (
    Trend("gap-grows-with-reliability", "how reliable the sources are", "section 3.3, figure 4a", _reliability),
    Trend("gap-grows-with-model-size", "the size of the model", "section 3.3, figure 16", _model_size),
    Trend("gap-shrinks-with-batch-size", "the batch size", "section 5.1, figures 4c and 13", _batch_size, grows=False),
    Trend("gap-grows-with-pairs", "the number of variable-entity pairs", "appendix E.3, figure 23", _pairs),
)

_ASKED = {"validation": "questions", ATTRIBUTION: "entity attribution"}


def trends(values: pd.DataFrame, experiment: Experiment) -> Family:
    """The trends that a sweep can test, on what `for_statistics` makes of its final records.

    Those are the ones along something all of its cells differ in; what its data do not ask is left out. A seed is
    finished where all cells have it.
    """
    swept = cells(experiment)
    there = set(values["eval_set"])
    have = [set(values.loc[values["cell"] == cell.name, "seed"]) for cell in swept]
    seeds = tuple(sorted(set.union(*have)))
    findings = tuple(
        _finding(values, trend, order, eval_set, seeds)
        for trend in TRENDS
        if len(order := _in_order(swept, trend)) >= LEAST_CELLS
        for eval_set in _ASKED
        if eval_set in there or not there
    )
    name = f"all {len(swept)} cells together"
    return Family(name, seeds, len(set.intersection(*have)), findings, experiment.smallest_effect)


def trend_names() -> list[str]:
    """Names of all claims on trends."""
    return [_name(trend, eval_set) for trend in TRENDS for eval_set in _ASKED]


def _name(trend: Trend, eval_set: str) -> str:
    return f"{trend.name}-on-{'questions' if eval_set == 'validation' else 'attribution'}"


def _finding(values: pd.DataFrame, trend: Trend, order: Sequence[Cell], eval_set: str, seeds: Sequence[int]) -> Finding:
    last, first = _ends(values, order, eval_set, seeds)
    return Finding(
        claim=_name(trend, eval_set),
        sentence=f"The gap on {_ASKED[eval_set]} {'grows' if trend.grows else 'shrinks'} with {trend.along}.",
        section=trend.section,
        contrast=f"exact_match on {eval_set}: change of {' - '.join(GAP)} from {order[0].name} to {order[-1].name}",
        first=last if trend.grows else first,
        second=first if trend.grows else last,
        headline=True,
    )


def _in_order(swept: Sequence[Cell], trend: Trend) -> list[Cell]:
    """The cells by what the trend is along; none where that is not another number in each of them, or X2 untrained."""
    if any(stage_training(cell.experiment, "X2") is None for cell in swept):
        return []
    numbers = [trend.of(cell.experiment) for cell in swept]
    known = [number for number in numbers if number is not None]
    if len(set(known)) < len(swept):
        return []
    return [cell for _, cell in sorted(zip(known, swept, strict=True), key=lambda pair: pair[0])]


def _ends(
    values: pd.DataFrame, order: Sequence[Cell], eval_set: str, seeds: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each seed's gap in the last and the first cell, by a straight line over all; NaN where a cell is missing."""
    points = {cell.name: gap_points(values, cell.experiment, cell.name, [eval_set]) for cell in order}
    columns = {name: found.set_index("seed")["gap"] for name, found in points.items()}
    gaps = pd.DataFrame(columns, dtype=float).reindex(index=list(seeds)).to_numpy(dtype=float)
    place = np.linspace(-0.5, 0.5, len(order))
    middle, change = gaps.mean(axis=1), gaps @ place / (place @ place)
    return middle + change / 2, middle - change / 2
