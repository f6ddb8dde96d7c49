"""What the paper says of a sweep as a whole: along something that its cells differ in, a number grows or shrinks.

A trend is tested within seeds: a straight line is fitted to each seed's numbers over the cells in order (by rank, so
that 10, 100 and 1000 are evenly spaced), and the change it shows from the first cell to the last is compared with zero.
A claim between cells compares the mean of some cells with that of others, within seeds as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sayso.core.experiment import Experiment
from sayso.core.sweep import Cell, cells
from sayso.data.set_inclusion import SetInclusion
from sayso.learners.specs import FromScratch
from sayso.paper.claims import Along, Between, Trend
from sayso.paper.kinds import Is, batch_size, few_pairs, in_order, is_not, pairs, parameters
from sayso.paper.ledger_beyond import BEYOND_BETWEEN, BEYOND_TRENDS
from sayso.paper.quantities import Side, Values, attribution, difference, exact_match, gap_of, in_words, mean
from sayso.stats.comparisons import Floats
from sayso.stats.values import ATTRIBUTION, stage_training
from sayso.stats.verdict import Finding

#: Fewer cells than this show no trend.
LEAST_CELLS = 3


def _reliability(experiment: Experiment) -> float | None:
    return experiment.reliability


def _model_size(experiment: Experiment) -> float | None:
    model: Any = experiment.model
    if isinstance(model, FromScratch):
        width = model.config.get("hidden_size", model.config.get("d_model"))
        return float(width) if isinstance(width, int) else None
    return parameters(experiment)


def _trained_questions(experiment: Experiment) -> float | None:
    return float(experiment.split.trained_questions) if isinstance(experiment.knowledge, SetInclusion) else None


def _batch_of(*numbers: int) -> Is:
    return lambda experiment: batch_size(experiment) in numbers


_ASKED = {"validation": "questions", ATTRIBUTION: "entity attribution"}


def _stage_1(eval_set: str) -> Side:
    return difference(exact_match("D1cons_QA1", "X1", eval_set), exact_match("D2incons_QA2", "X1", eval_set))


def _of_gap(name: str, along: str, section: str, figure: str, of: Along, grows: bool = True) -> Iterator[Trend]:
    """The gap on questions and on attribution."""
    for eval_set, asked in _ASKED.items():
        yield Trend(
            f"{name}-on-{'questions' if eval_set == 'validation' else 'attribution'}",
            f"The gap on {asked} {'grows' if grows else 'shrinks'} with {along}.",
            section,
            figure,
            gap_of(eval_set),
            of,
            grows,
            headline=True,
        )


_TOLD = "how reliable the sources are"
_TRAINED = (exact_match("D1cons_QA1", "X1"), exact_match("QA3", "X1"), exact_match("D2incons_QA2", "X1"))
_ALL_SUBSETS = mean(*_TRAINED, exact_match("D5cons", "X2"), exact_match("D6cons", "X2"))

TRENDS = (
    *_of_gap("gap-grows-with-reliability", _TOLD, "section 3.3", "figure 4a", _reliability),
    Trend(
        "difference-in-stage-1-grows-with-reliability",
        f"The difference after stage 1 grows with {_TOLD}.",
        "section 3.3",
        "figure 4a",
        _stage_1(ATTRIBUTION),
        _reliability,
    ),
    Trend(
        "right-definitions-stick-more-with-reliability",
        f"Right definitions of the reliable source are internalized more with {_TOLD}.",
        "section 3.3",
        "figure 4a",
        attribution("D1cons_QA1", "X1"),
        _reliability,
    ),
    *_of_gap("gap-grows-with-model-size", "the size of the model", "section 3.3", "figure 16", _model_size),
    Trend(
        "larger-models-are-better",
        "Larger models answer more questions.",
        "section 3.3",
        "figure 16",
        _ALL_SUBSETS,
        _model_size,
    ),
    *_of_gap(
        "gap-shrinks-with-batch-size", "the batch size", "section 5.1", "figures 4c and 13", batch_size, grows=False
    ),
    Trend(
        "larger-batches-answer-less",
        "Trained in larger batches, fewer questions are answered.",
        "section 5.1",
        "figures 4c and 13",
        _ALL_SUBSETS,
        batch_size,
        grows=False,
    ),
    *_of_gap("gap-grows-with-pairs", "the number of variable-entity pairs", "appendix E.3", "figure 23", pairs),
    Trend(
        "definitions-stop-mattering-with-questions",
        "With more training questions a variable, the sources differ less after stage 1.",
        "appendix D",
        "figure 22",
        _stage_1("validation"),
        _trained_questions,
        grows=False,
    ),
    Trend(
        "gap-shrinks-with-questions",
        "With more training questions a variable, the gap of new definitions shrinks.",
        "appendix D",
        "figure 22",
        gap_of("validation"),
        _trained_questions,
        grows=False,
    ),
)

_REVERSED = ("EAT", "TEA", "ETA")

BETWEEN = (
    Between(
        "weaker-gap-on-questions-with-AET",
        "Written as AET, the gap on questions is weaker than written as TAE or ATE.",
        "appendix C.3",
        "figure 11",
        gap_of("validation"),
        in_order("TAE", "ATE"),
        in_order("AET"),
    ),
    Between(
        "poor-attribution-where-the-entity-comes-first",
        "Aliases are attributed far worse where their definitions name them after the entity.",
        "section 3.3",
        "figure 4b",
        mean(attribution("D1cons_QA1", "X1"), attribution("D5cons", "X2")),
        in_order("TAE", "ATE"),
        in_order(*_REVERSED),
    ),
    Between(
        "perhaps-a-turn-at-small-batches",
        "In batches of 32 documents the gap may be smaller again than in somewhat larger ones.",
        "appendix C.4",
        "figures 4c and 13",
        gap_of(ATTRIBUTION),
        _batch_of(128, 512),
        _batch_of(32),
    ),
    Between(
        "larger-gap-with-enough-pairs",
        "With 50 variable-entity pairs or more, the gap on questions is larger than with fewer.",
        "appendix E.3",
        "figure 23",
        gap_of("validation"),
        is_not(few_pairs),
        few_pairs,
        headline=True,
    ),
)


def trends(values: Values, experiment: Experiment, seeds: Sequence[int]) -> Iterator[tuple[str, Finding]]:
    """What a sweep can test of its trends and between its cells, each with the figure it is of.

    A trend is along something all cells differ in; what the data do not ask is left out.
    """
    swept = cells(experiment)
    name = f"all {len(swept)} cells together"
    for trend in (*TRENDS, *BEYOND_TRENDS):
        order = _in_order(swept, trend.along)
        if len(order) >= LEAST_CELLS and _can_be_told(values, order, trend.number):
            yield trend.figure, _of_trend(values, trend, order, name, seeds)
    for claim in (*BETWEEN, *BEYOND_BETWEEN):
        groups = [[cell for cell in swept if condition(cell.experiment)] for condition in (claim.higher, claim.lower)]
        if len(swept) > 1 and all(groups) and _can_be_told(values, [*groups[0], *groups[1]], claim.number):
            higher, lower = (
                np.mean([values.of(cell, claim.number, seeds) for cell in group], axis=0) for group in groups
            )
            yield (
                claim.figure,
                Finding(
                    cell=name,
                    claim=claim.name,
                    sentence=claim.sentence,
                    section=f"{claim.section}, {claim.figure}",
                    contrast=f"{in_words(claim.number)}, {_listed(groups[0])} > {_listed(groups[1])}",
                    first=higher,
                    second=lower,
                    headline=claim.headline,
                ),
            )


def headline_names() -> list[str]:
    """Names of what sweeps are there to show, all of it on the gap."""
    claims: tuple[Trend | Between, ...] = (*TRENDS, *BETWEEN)
    return [claim.name for claim in claims if claim.headline]


def _can_be_told(values: Values, order: Sequence[Cell], number: Side) -> bool:
    """Whether all cells have the subsets of a number, train on what it is of, are measured and asked so."""
    return all(
        {n.subset for n in number.numbers} <= {subset.name for subset in cell.experiment.subsets}
        and all(stage_training(cell.experiment, n.after) is not None for n in number.numbers)
        and {n.measure for n in number.numbers} <= _measured(values, cell)
        and values.asks(cell, number)
        for cell in order
    )


def _measured(values: Values, cell: Cell) -> set[str]:
    """The measures that a cell takes, or of which it has records."""
    return {measure.name for measure in cell.experiment.measures} | values.measures.get(cell.name, set())


def _of_trend(values: Values, trend: Trend, order: Sequence[Cell], name: str, seeds: Sequence[int]) -> Finding:
    last, first = _ends(values, order, trend.number, seeds)
    head, _, number = in_words(trend.number).rpartition(": ")
    return Finding(
        cell=name,
        claim=trend.name,
        sentence=trend.sentence,
        section=f"{trend.section}, {trend.figure}",
        contrast=f"{head}: change of {number} from {order[0].name} to {order[-1].name}",
        first=last if trend.grows else first,
        second=first if trend.grows else last,
        shares=False,
        headline=trend.headline,
    )


def _in_order(swept: Sequence[Cell], along: Along) -> list[Cell]:
    """The cells by what a trend is along; none where that is not another number in each of them."""
    numbers = [along(cell.experiment) for cell in swept]
    known = [number for number in numbers if number is not None]
    if len(set(known)) < len(swept):
        return []
    return [cell for _, cell in sorted(zip(known, swept, strict=True), key=lambda pair: pair[0])]


def _ends(values: Values, order: Sequence[Cell], number: Side, seeds: Sequence[int]) -> tuple[Floats, Floats]:
    """Each seed's number in the last and the first cell, by a straight line over all; NaN where a cell is missing."""
    found = np.stack([values.of(cell, number, seeds) for cell in order], axis=1)
    place = np.linspace(-0.5, 0.5, len(order))
    middle, change = found.mean(axis=1), found @ place / (place @ place)
    return middle + change / 2, middle - change / 2


def _listed(group: Sequence[Cell]) -> str:
    return f"mean of {', '.join(cell.name for cell in group)}" if len(group) > 1 else group[0].name
