"""The whole paper as one page: every claim of every figure with its verdict, and links to each experiment's report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from sayso.report import templates
from sayso.stats import numbers
from sayso.stats.entries import TOLD, Entry, Figure, counts


def write_page(
    file: Path, scale: str, figures: Sequence[Figure], reports: Mapping[str, str], refused: Mapping[str, str]
) -> Path:
    """Write the page.

    Parameters
    ----------
    reports
        Where each experiment's report is, from the page.
    refused
        Why experiments could not be run, by name.

    Raises
    ------
    SaysoError
        If it cannot be written there.
    """
    return templates.write_page(
        file,
        "whole.html.j2",
        scale=scale,
        outcomes=TOLD,
        figures=[_shown(number, figure) for number, figure in enumerate(figures)],
        counts=counts([entry for figure in figures for entry in figure.entries]),
        reports=reports,
        refused=refused,
    )


def where(entry: Entry) -> str:
    """The experiment, and its cell where it has several."""
    cell = entry.verdict.cell
    return entry.experiment if cell in ("main", entry.experiment) else f"{entry.experiment}, {cell}"


def found(entry: Entry) -> str:
    """What was found, in a line."""
    verdict = entry.verdict
    if entry.told == "not run":
        return ""
    seeds = [numbers.count(verdict.comparison.seeds, "seed")] if verdict.comparison.seeds else []
    return ", ".join([verdict.difference, *seeds, verdict.decision.reason])


def claim_row(entry: Entry) -> dict[str, str]:
    """A claim as it is shown: its outcome, what it says, where it was looked for, what was found."""
    return {
        "outcome": entry.told,
        "sentence": entry.verdict.sentence,
        "where": where(entry),
        "experiment": entry.experiment,
        "found": found(entry),
        "p": "" if math.isnan(entry.verdict.p_corrected) else numbers.p_value(entry.verdict.p_corrected),
    }


def _shown(number: int, figure: Figure) -> dict[str, object]:
    rows = [claim_row(entry) for entry in figure.entries]
    return {"id": f"figure-{number}", "name": figure.name, "counts": counts(figure.entries), "rows": rows}
