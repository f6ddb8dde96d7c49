"""One page to read: ``report.html``, which needs nothing beside it and no network, and its charts as files.

    DIR/report.html                       the page
    DIR/charts/NAME.svg .png .csv         each chart and its data

Charts are SVG, which any viewer shows and prints; a script of a few lines shows values under the pointer and picks out
subsets, and each chart has its numbers below it. All text is escaped, and a content security policy lets the page load
nothing and run nothing else.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.files import read_json, write_atomically
from sayso.core.settings_apart import Apart
from sayso.core.store import Store
from sayso.core.sweep import cells
from sayso.report import templates
from sayso.report.charts_in_page import Chart, chart, save_all
from sayso.report.citing import CITATIONS
from sayso.report.context import RECORDS_ALONE, Context
from sayso.report.drill import drill, section
from sayso.report.figure_table import csv_link
from sayso.report.figures import figures
from sayso.report.glossary import MEASURES, WORDS, subsets_of
from sayso.report.ledger import NO_LEDGER, SHOWN, ledger_frame, stage_ledgers
from sayso.report.table import load, readable
from sayso.report.verdict_data import claims_csv
from sayso.stats import numbers
from sayso.stats.values import ordered
from sayso.stats.verdict import Verdict

#: As many bytes a page is to have at most, and as many of them the drill-down has at least and at most.
_MOST, _LEAST_OF_SEEDS, _MOST_OF_SEEDS = 1_950_000, 150_000, 600_000

_HERE = Markup("<!-- the drill-down -->")
_TRAINING_PARTS = ("world", "X1", "X2")


def write_report(
    store: Store,
    verdicts: Sequence[Verdict] = (),
    context: Context = RECORDS_ALONE,
    *,
    table: pd.DataFrame | None = None,
) -> Path:
    """Write the report of a results folder, and return the path of its page.

    Parameters
    ----------
    store
        The folder; it must hold at least one finished job.
    verdicts
        Its claims, already judged.
    context
        What the page says beside what the records do.
    table
        All records of the folder, where they were read already.

    Raises
    ------
    SaysoError
        If no job has finished, or the folder cannot be written.
    """
    table, experiment = load(store) if table is None else table, store.experiment()
    drawn = figures(table, experiment, context.paper)
    charts = [chart(figure) for figure in drawn]
    folder = store.path / "charts"
    try:
        folder.mkdir(exist_ok=True)
        save_all(drawn, folder)
        page = store.path / "report.html"
        values = _values(store, table, experiment, charts, verdicts, context)
        html = templates.render(
            "page.html.j2",
            ("page.js", "drill.js"),
            **values,
            drill=_HERE,
            contents=_contents(charts, values),
        )
        room = min(max(_MOST - len(html), _LEAST_OF_SEEDS), _MOST_OF_SEEDS)
        found = drill(store, table, context.corpus_of, seeds=context.drilled, room=room)
        write_atomically(page, html.replace(_HERE, section(found, store)))
    except OSError as error:
        raise SaysoError(f"{store.path}: cannot write the report here: {error.strerror}") from error
    return page


def _values(
    store: Store,
    table: pd.DataFrame,
    experiment: Experiment,
    charts: Sequence[Chart],
    verdicts: Sequence[Verdict],
    context: Context,
) -> dict[str, Any]:
    """What the template fills in of the records."""
    jobs = store.jobs()
    return {
        "experiment": experiment,
        "seeds": numbers.count(table["seed"].nunique(), "seed"),
        "unfinished": sum(not job.finished for job in jobs),
        "jobs": len(jobs),
        "not_measured": [cell.name for cell in cells(experiment) if cell.name not in set(table["cell"])],
        "headlines": _headlines(verdicts),
        "charts": charts,
        "verdicts": verdicts,
        "claims_link": csv_link(claims_csv(verdicts)),
        "looks": str(verdicts[0].looks) if verdicts else "",
        "several_cells": len({verdict.cell for verdict in verdicts}) > 1,
        "p_value": numbers.p_value,
        "expected": context.expected,
        "notices": context.notices,
        "samples": _by_place(context.samples, context.pictures),
        "settings_beside": [_against(*each) for each in context.against],
        "tables": _tables(table),
        "ledgers": list(stage_ledgers(ledger_frame(store))),
        "ledger_columns": SHOWN,
        "no_ledger": NO_LEDGER,
        "settings": json.dumps(experiment.model_dump(mode="json"), indent=2, ensure_ascii=False),
        "manifests": _manifests(store),
        "glossary": [
            ("Subsets", subsets_of(experiment, ordered(table["subset"].unique()))),
            ("Measures", MEASURES),
            ("Words", WORDS),
        ],
        "citing": CITATIONS,
    }


def _contents(charts: Sequence[Chart], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Ids and titles of the sections."""
    sections = [
        ("claims", "Claims", bool(values["verdicts"])),
        ("values", "Final values", True),
        ("expected", "What other seeds say", bool(values["expected"])),
        ("ledger", "What subsets contributed", True),
        ("drill", "What the model said", True),
        ("samples", "Sample documents", bool(values["samples"])),
        ("settings", "Settings", True),
        ("manifest", "What the numbers rest on", True),
        ("glossary", "Glossary", True),
        ("cite", "How to cite", True),
    ]
    return [(f"chart-{own.figure.name}", own.figure.title) for own in charts] + [
        (id_, title) for id_, title, is_there in sections if is_there
    ]


def _against(title: str, other: str, apart: Apart) -> dict[str, Any]:
    """Settings that differ as text."""
    rows = [(path, _setting(here), _setting(there)) for path, (here, there) in apart.items()]
    return {"title": title, "other": other, "rows": rows}


def _setting(value: object) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _headlines(verdicts: Sequence[Verdict]) -> list[str]:
    """What the experiment is there to show, and the verdict on it, in words."""
    return [
        f"{verdict.sentence} {verdict.outcome.capitalize()}: {_sides(verdict)}{verdict.difference} "
        f"({', '.join([*_corrected(verdict), verdict.decision.reason])})."
        for verdict in verdicts
        if verdict.headline and verdict.comparison.seeds
    ]


def _sides(verdict: Verdict) -> str:
    """Both sides and what is made of them."""
    if not verdict.shares:
        return f"{verdict.contrast}, "
    one, other = (numbers.share(side) for side in (verdict.comparison.first, verdict.comparison.second))
    return f"{verdict.contrast}, {one} and {other}, a difference of "


def _corrected(verdict: Verdict) -> list[str]:
    return [] if math.isnan(verdict.p_corrected) else [f"corrected {numbers.p_value(verdict.p_corrected)}"]


def _tables(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Final values as tables to show, one for each cell, stage and measure."""
    shown = []
    for (cell, stage, measure), rows in readable(table).groupby(level=[0, 1, 2], sort=False):
        columns = [name for name in rows.columns if (rows[name] != "").any()]
        shown.append(
            {
                "title": f"{stage}, {measure}" if cell == "main" else f"{cell}: {stage}, {measure}",
                "columns": columns,
                "rows": [
                    (index[-1], list(row)) for index, row in zip(rows.index, rows[columns].to_numpy(), strict=True)
                ],
            }
        )
    return shown


def _by_place(samples: Iterable[tuple[str, str, str]], pictures: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Sample documents by where they are used, training documents open, with their pictures as data URIs."""
    places: dict[str, list[dict[str, Any]]] = {}
    for where, subset, text in samples:
        image = base64.b64encode(pictures[text]).decode() if text in pictures else None
        uri = f"data:image/png;base64,{image}" if image else None
        places.setdefault(where, []).append({"subset": subset, "text": text, "picture": uri})
    return [
        {
            "where": where,
            "documents": found,
            "open": where in _TRAINING_PARTS,
            "pictures": any(document["picture"] for document in found),
        }
        for where, found in places.items()
    ]


def _manifests(store: Store) -> list[dict[str, Any]]:
    """What each finished job rests on, without the settings, which are shown once."""
    manifests = []
    for job in store.jobs():
        if job.finished:
            content = asdict(job.manifest())
            content.pop("experiment")
            manifests.append({**content, "finished": read_json(job.finished_path)["finished"]})
    return manifests
