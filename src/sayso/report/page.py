"""One page to read: ``report.html``, which needs nothing beside it and no network, and its charts as files.

    DIR/report.html                       the page
    DIR/charts/NAME.svg .png .csv         each chart and its data

Charts are in the page twice: as SVG, which any viewer shows and prints, and as the specification that a browser
replaces it by, with values under the pointer. All text is escaped, and a content security policy lets the page load
nothing.
"""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from sayso.core.corpus import CorpusOf
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.files import read_json, write_atomically
from sayso.core.store import Store
from sayso.report.drill import Drill, drill, section
from sayso.report.figure import Figure
from sayso.report.figures import figures
from sayso.report.ledger import NO_LEDGER, SHOWN, ledger_frame, stage_ledgers
from sayso.report.table import load, readable
from sayso.report.templates import read_template, style
from sayso.stats import numbers
from sayso.stats.verdict import Verdict

#: A title, and rows of a claim, its difference, and the shares of draws in which it holds and fails.
Expected = tuple[str, Sequence[tuple[str, ...]]]

_TRAINING_PARTS = ("world", "X1", "X2")


def write_report(
    store: Store,
    verdicts: Sequence[Verdict],
    samples: Iterable[tuple[str, str, str]],
    pictures: Mapping[str, bytes] | None = None,
    notices: Sequence[str] = (),
    expected: Sequence[Expected] = (),
    corpus_of: CorpusOf | None = None,
    drilled: Collection[int] | None = None,
) -> Path:
    """Write the report of a results folder, and return the path of its page.

    Parameters
    ----------
    store
        The folder; it must hold at least one finished job.
    verdicts
        Its claims, already judged.
    samples
        Documents to show: where each is used, its subset, its text.
    pictures
        What documents look like, as PNG, by their text.
    notices
        What a reader should know of what the numbers rest on, a line each.
    expected
        What other seeds gave, and what departures from the paper buy.
    corpus_of
        Makes the documents of a cell, seed and stage-2 seed again; without it the drill-down has none.
    drilled
        Seeds that can be looked at alias by alias; those that fit if not given.

    Raises
    ------
    SaysoError
        If no job has finished, or the folder cannot be written.
    """
    table, experiment = load(store), store.experiment()
    drawn = figures(table, experiment)
    found = drill(store, table, corpus_of, seeds=drilled)
    folder = store.path / "charts"
    try:
        folder.mkdir(exist_ok=True)
        for figure in drawn:
            figure.save(folder)
        page = store.path / "report.html"
        write_atomically(
            page, render(store, table, experiment, drawn, verdicts, samples, pictures or {}, notices, expected, found)
        )
    except OSError as error:
        raise SaysoError(f"{store.path}: cannot write the report here: {error.strerror}") from error
    return page


def render(
    store: Store,
    table: pd.DataFrame,
    experiment: Experiment,
    drawn: Sequence[Figure],
    verdicts: Sequence[Verdict],
    samples: Iterable[tuple[str, str, str]],
    pictures: Mapping[str, bytes],
    notices: Sequence[str],
    expected: Sequence[Expected],
    drilled: Drill,
) -> str:
    """Return the page as HTML."""
    template = read_template("page.html.j2")
    jobs = store.jobs()
    return template.render(
        style=style(),
        experiment=experiment,
        seeds=numbers.count(table["seed"].nunique(), "seed"),
        unfinished=sum(not job.finished for job in jobs),
        jobs=len(jobs),
        notices=notices,
        headlines=_headlines(verdicts),
        figures=[
            {"figure": figure, "svg": Markup(figure.svg), "spec": figure.chart.to_dict()}  # noqa: S704 (our own chart)
            for figure in drawn
        ],
        verdicts=verdicts,
        looks=str(verdicts[0].looks) if verdicts else "",
        several_cells=len({verdict.cell for verdict in verdicts}) > 1,
        p_value=numbers.p_value,
        expected=expected,
        tables=_tables(table),
        ledgers=list(stage_ledgers(ledger_frame(store))),
        ledger_columns=SHOWN,
        no_ledger=NO_LEDGER,
        settings=json.dumps(experiment.model_dump(mode="json"), indent=2, ensure_ascii=False),
        drill=section(drilled, store),
        samples=_by_place(samples, pictures),
        manifests=_manifests(store),
        script=_script(),
    )


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
    return [{"where": where, "documents": found, "open": where in _TRAINING_PARTS} for where, found in places.items()]


def _manifests(store: Store) -> list[dict[str, Any]]:
    """What each finished job rests on, without the settings, which are shown once."""
    manifests = []
    for job in store.jobs():
        if job.finished:
            content = asdict(job.manifest())
            content.pop("experiment")
            manifests.append({**content, "finished": read_json(job.finished_path)["finished"]})
    return manifests


@functools.cache
def _script() -> Markup:
    """Vega, Vega-Lite and vega-embed in one script, as the version of Altair needs them."""
    version = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return Markup(bundle.replace("</script", "<\\/script"))  # noqa: S704 (not text of the user's)
