"""What commands print of results: exact match by subset, and what the claims came to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sayso.cli.terminal import plain_table

if TYPE_CHECKING:
    import pandas as pd

    from sayso.report.two_runs import Shown
    from sayso.stats.verdict import Verdict

_OUTCOME_STYLE = {"holds": "green", "fails": "red", "undecided": "yellow"}
#: As many columns have the stage and the questions in one line and still fit 120 characters.
_COLUMNS = 4
_QUESTIONS = {"validation": "questions", "entity_attribution": "attribution"}


def results_page(summary: pd.DataFrame, models: Sequence[str] = ()) -> RenderableType:
    """Exact match at the end of each stage by subset: a table a cell, over seeds with 95% intervals; then `models`."""
    from sayso.stats.comparisons import LEAST_SEEDS
    from sayso.stats.numbers import count

    rows = summary[summary["measure"] == "exact_match"]
    names = list(dict.fromkeys(rows["cell"]))
    parts: list[RenderableType] = []
    for name in names:
        parts += [Text(name, style="bold")] if len(names) > 1 else []
        parts += _cell_results(rows[rows["cell"] == name])
    seeds = int(rows["seeds"].max())
    over = f"exact match, mean and 95% interval over {seeds} seeds"
    parts.append(Text(over if seeds >= LEAST_SEEDS else f"exact match, {count(seeds, 'seed')}: too few for intervals"))
    return Group(*parts, *(Text(line) for line in models))


def _cell_results(rows: pd.DataFrame) -> list[RenderableType]:
    from sayso.stats.numbers import with_interval
    from sayso.stats.values import ordered

    texts: dict[tuple[str, str, str], str] = {
        (stage, eval_set, subset): with_interval(mean, low, high)
        for stage, eval_set, subset, mean, low, high in rows[
            ["stage", "eval_set", "subset", "mean", "low", "high"]
        ].itertuples(index=False, name=None)
    }
    parts: list[RenderableType] = []
    for stage in dict.fromkeys(stage for stage, eval_set, _ in texts if eval_set == "pretraining"):
        found = [(subset, text) for (at, name, subset), text in texts.items() if (at, name) == (stage, "pretraining")]
        parts.append(Text(f"{stage}: " + ", ".join(f"{subset} {text}" for subset, text in found)))
    stages = dict.fromkeys(stage for stage, eval_set, _ in texts if eval_set in _QUESTIONS)
    columns = [(stage, eval_set) for stage in stages for eval_set in _QUESTIONS]
    subsets = ordered({subset for stage, eval_set, subset in texts if eval_set in _QUESTIONS})
    if columns:
        between = ": " if len(columns) <= _COLUMNS else ":\n"
        header = ("subset", *(f"{stage}{between}{_QUESTIONS[eval_set]}" for stage, eval_set in columns))
        parts.append(
            plain_table(header, [(name, *(texts.get((*column, name), "") for column in columns)) for name in subsets])
        )
    return parts


def ledger_page(ledger: pd.DataFrame) -> RenderableType:
    """What each subset contributed to training: a table a cell and stage, means over seeds."""
    from sayso.report.ledger import NO_LEDGER, SHOWN, stage_ledgers
    from sayso.stats.numbers import count

    if ledger.empty:
        return Text(NO_LEDGER)
    parts: list[RenderableType] = []
    for shown in stage_ledgers(ledger):
        parts += [Text(shown.title, style="bold"), plain_table(SHOWN, shown.rows)]
    seeds = count(int(ledger["seed"].nunique()), "seed")
    parts.append(Text(f"all epochs of a stage together, mean over {seeds}; place: where in an epoch, from 0 to 1"))
    return Group(*parts)


def claims_page(verdicts: Sequence[Verdict]) -> RenderableType:
    """Each claim with its verdict, and below it the numbers the verdict rests on.

    Those that have fewer seeds than any test takes are counted in one line.
    """
    from sayso.stats.numbers import count, p_value

    if not verdicts:
        return Text("no claim of the ledger can be tested on this experiment")
    looks = Text(f"seeds: {verdicts[0].looks}", style="dim")
    wanting, verdicts = _want_seeds(verdicts), [verdict for verdict in verdicts if not _wants_seeds(verdict)]
    names = list(dict.fromkeys(verdict.cell for verdict in verdicts))
    parts: list[RenderableType] = []
    for name in names:
        parts += [Text(name, style="bold")] if len(names) > 1 else []
        grid = Table.grid(padding=(0, 2, 0, 0))
        own = [verdict for verdict in verdicts if verdict.cell == name]
        for verdict in own:
            seeds = verdict.comparison.seeds
            tested = not math.isnan(verdict.p_corrected)
            numbers = [verdict.difference, *([f"corrected {p_value(verdict.p_corrected)}"] if tested else [])]
            numbers = [*numbers, count(seeds, "seed")] if seeds else []
            grid.add_row(
                Text(verdict.outcome, style=_OUTCOME_STYLE[verdict.outcome], no_wrap=True),
                Text.assemble(
                    verdict.sentence, "\n", (", ".join([*numbers, verdict.decision.reason, *verdict.beside]), "dim")
                ),
            )
        parts.append(grid)
    return Group(*parts, *wanting, looks)


def _wants_seeds(verdict: Verdict) -> bool:
    from sayso.stats.comparisons import LEAST_SEEDS

    return 0 < verdict.comparison.seeds < LEAST_SEEDS


def _want_seeds(verdicts: Sequence[Verdict]) -> list[Text]:
    """How many claims are undecided for want of seeds."""
    from sayso.stats.comparisons import LEAST_SEEDS
    from sayso.stats.numbers import count

    wanting = [verdict for verdict in verdicts if _wants_seeds(verdict)]
    if not wanting:
        return []
    had = count(max(verdict.comparison.seeds for verdict in wanting), "seed")
    are = "is" if len(wanting) == 1 else "are"
    return [
        Text(
            f"{count(len(wanting), 'claim')} {are} undecided for want of seeds: {had}, and a test takes at least "
            f"{LEAST_SEEDS}; the report shows each, and 'sayso claims --csv'"
        )
    ]


def compared_page(found: Shown, *, every: bool) -> RenderableType:
    """Two runs: what differs, and the claims; with `every` all numbers as well."""
    from sayso.report.two_runs import ALL_NUMBERS

    parts: list[RenderableType] = [Text(found.said)]
    for table in found.tables:
        if table.rows and (every or table.title != ALL_NUMBERS):
            parts += [Text(table.title, style="bold"), plain_table(table.columns, table.rows)]
    return Group(*parts)
