"""The whole paper as one page: figure by figure its charts, its claims with verdicts, and each experiment's report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sayso.report import templates
from sayso.report.charts_in_page import Drawn, of_figure
from sayso.report.citing import CITATIONS
from sayso.report.figure_table import csv_link
from sayso.report.glossary import MEASURES, WORDS, subsets_of_the_paper
from sayso.report.verdict_data import COLUMNS, flat, rows_csv
from sayso.stats import numbers
from sayso.stats.entries import TOLD, Entry, Figure, counts

_CSV_COLUMNS = ("figure", "experiment", *COLUMNS)


@dataclass(frozen=True)
class StandsFor:
    """An experiment that stands for a figure: what it shows, what the paper found there, and what there is of it here.

    `report`: where its report is, from the page, and `charts` what was drawn; neither where it has no results.
    `refused`: why it could not be run.
    """

    name: str
    shows: str
    found: str
    report: str | None = None
    charts: Sequence[Drawn] = field(default=())
    refused: str | None = None


@dataclass(frozen=True)
class FigureOfPaper:
    """A figure or footnote: what is claimed of it, the experiments that stand for it, and those of the other size."""

    ledger: Figure
    experiments: Sequence[StandsFor]
    other_size: Sequence[str] = ()


def write_page(file: Path, scale: str, figures: Sequence[FigureOfPaper], refused: Mapping[str, str]) -> Path:
    """Write the page.

    Parameters
    ----------
    refused
        Why experiments could not be run, by name.

    Raises
    ------
    SaysoError
        If it cannot be written there, or a chart cannot be read.
    """
    entries = [entry for figure in figures for entry in figure.ledger.entries]
    reports = {own.name: own.report for figure in figures for own in figure.experiments if own.report is not None}
    placed: dict[Path, str] = {}
    return templates.write_page(
        file,
        "whole.html.j2",
        scale=scale,
        outcomes=TOLD,
        plural={"holds": "hold", "fails": "fail"},
        figures=[_shown(figure, reports, placed) for figure in figures],
        counts=counts(entries),
        refused=refused,
        claims_link=csv_link(ledger_csv([figure.ledger for figure in figures])),
        glossary=[("Subsets", subsets_of_the_paper()), ("Measures", MEASURES), ("Words", WORDS)],
        citing=CITATIONS,
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


def ledger_csv(figures: Iterable[Figure]) -> str:
    """All claims of figures as CSV, a line each."""
    rows = (
        {"figure": figure.name, "experiment": entry.experiment, **flat(entry.verdict), "outcome": entry.told}
        for figure in figures
        for entry in figure.entries
    )
    return rows_csv(_CSV_COLUMNS, rows)


def _shown(figure: FigureOfPaper, reports: Mapping[str, str], placed: dict[Path, str]) -> dict[str, object]:
    """A figure as the template has it. `placed`: charts that stand on the page already, and where."""
    name = figure.ledger.name
    id_ = re.sub(r"[^a-z0-9]+", "-", name.lower())
    entries = figure.ledger.entries
    return {
        "id": id_,
        "name": name,
        "short": re.sub(r"^(figures?|footnote) ", "", name),
        "kind": "footnotes" if name.startswith("footnote") else "figures" if name.startswith("figure") else "beyond",
        "counts": counts(entries),
        "any_run": any(entry.told != "not run" for entry in entries),
        "rows": [claim_row(entry, reports) for entry in entries],
        "link": csv_link(ledger_csv([figure.ledger])) if entries else "",
        "found": _once(own.found for own in figure.experiments),
        "experiments": [
            {"own": own, "charts": _placed(own, name, id_, placed) if own.report is not None else []}
            for own in figure.experiments
        ],
        "other_size": figure.other_size,
    }


def _placed(own: StandsFor, name: str, id_: str, placed: dict[Path, str]) -> list[dict[str, object]]:
    """The charts of a figure; its first where none is this figure. One that stands elsewhere already is referred to."""
    numbers_of = re.findall(r"\d+[a-z]?", name) if name.startswith("figure") else []
    chosen = [drawn for number in numbers_of for drawn in of_figure(own.charts, number)] or list(own.charts[:1])
    shown: list[dict[str, object]] = []
    for drawn in chosen:
        title = f"{own.name}: {drawn.title}" if drawn.title != own.name else own.name
        at = placed.setdefault(drawn.file, id_)
        svg = drawn.svg(f"{own.name}-{drawn.file.stem}") if at == id_ else None
        shown.append({"title": title, "caption": drawn.caption, "svg": svg, "at": at, "name": drawn.file.stem})
    return shown


def claim_row(entry: Entry, reports: Mapping[str, str]) -> dict[str, object]:
    """A claim as it is shown: its outcome, what it says, where it was looked for, what was found."""
    return {
        "outcome": entry.told,
        "sentence": entry.verdict.sentence,
        "where": where(entry),
        "report": reports.get(entry.experiment),
        "found": found(entry),
        "p": "" if math.isnan(entry.verdict.p_corrected) else numbers.p_value(entry.verdict.p_corrected),
    }


def _once(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]
