"""Whom a model trusts as people read it: the verdict in words, tables of text, a chart, and a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sayso.report import templates, vega
from sayso.report.charts_in_page import chart
from sayso.report.citing import CITATIONS
from sayso.report.figure import Figure
from sayso.stats import numbers
from sayso.stats.comparisons import ALPHA
from sayso.stats.omnibus import POWER, Ranked
from sayso.stats.trust import Trusted

#: Colours of the points of the sources, and of a control's.
_BLUE, _GREY = "#1f6fd6", "#6b7480"

#: Width of a letter of a source's name beside a chart.
_LETTER = 7


@dataclass(frozen=True)
class ControlFound:
    """What a control came to.

    Parameters
    ----------
    name
        Its name: ``phrases`` or ``twice``.
    what
        What it is, in words.
    twins
        Whether each source is there under two names, and only these two are compared.
    report
        Its report, as a path from the page.
    rows
        Its sources compared on each number.
    """

    name: str
    what: str
    twins: bool
    report: str
    rows: Sequence[Trusted]


@dataclass(frozen=True)
class TrustPage:
    """What the page shows.

    `said`: by source its phrases, and a definition as the model reads it. `how`: what was done, a name and a text each.
    """

    model: str
    rows: Sequence[Trusted]
    controls: Sequence[ControlFound]
    said: Mapping[str, tuple[Sequence[str], str]]
    how: Sequence[tuple[str, str]]
    report: str
    notices: Sequence[str] = field(default=())


def verdict(rows: Sequence[Trusted]) -> list[str]:
    """What the sources came to, a sentence each."""
    judged = [row for row in rows if row.judged]
    lines = ["The sources differ." if any(row.differ for row in judged) else "No difference between sources is shown."]
    for row in judged:
        about = f"{_capital(row.number.title)}: "
        if row.differ:
            best, worst = row.found.ranking[0], row.found.ranking[-1]
            lines.append(
                f"{about}'{best.source}' is believed most ({_above(best)} above the mean of all), '{worst.source}' "
                f"least ({_above(worst)}); {numbers.p_value(row.p)}. {_spread(row)}"
            )
        else:
            lines.append(f"{about}{numbers.p_value(row.p)}. {_spread(row)} {_seen(row)}")
    return lines


def control_verdict(found: ControlFound) -> str:
    """What a control came to, in a sentence or two."""
    judged = [row for row in found.rows if row.judged]
    each = "; ".join(
        f"{row.number.asked} {numbers.p_value(row.p)}, spread {row.found.spread:z.3f}, "
        f"a difference of {row.found.smallest:.3f} would be seen"
        for row in judged
    )
    differ = any(row.differ for row in judged)
    if found.twins:
        outcome = (
            "Two names of the same source differ, which nothing but chance or a fault can do: do not rely on the rest"
            if differ
            else "Two names of the same source are not shown to differ, as it must be"
        )
    else:
        outcome = (
            "Random tags are shown to differ as well, so that differences need not come of what the phrases mean"
            if differ
            else "Random tags in place of the phrases are not shown to differ"
        )
    return f"{outcome} ({each})."


def ranking_table(rows: Sequence[Trusted]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns, and a row a source, ranked by the first number: its mean and how much above the mean of all it is."""
    columns = ["source"]
    for row in rows:
        columns += [row.number.title, *(["above the mean of all"] if row.judged else [])]
    lines = []
    for source in _order(rows):
        cells = [source]
        for row in rows:
            own = next(one for one in row.found.ranking if one.source == source)
            cells += [f"{own.mean:z.3f}", *([_above(own)] if row.judged else [])]
        lines.append(tuple(cells))
    undefined = ["(not defined)"]
    for row in rows:
        undefined += [f"{row.undefined:z.3f}", *([""] if row.judged else [])]
    return tuple(columns), [*lines, tuple(undefined)]


def pairs_table(row: Trusted) -> list[tuple[str, ...]]:
    """Pairs that differ after correction."""
    told = [pair for pair in row.found.pairs if pair.p < ALPHA]
    return [
        (
            f"{pair.first} − {pair.second}",
            numbers.with_interval(pair.difference, pair.low, pair.high, signed=True),
            numbers.p_value(pair.p).removeprefix("p = "),
        )
        for pair in told
    ]


def figure(rows: Sequence[Trusted], name: str, title: str, *, twins: bool = False, colour: str = _BLUE) -> Figure:
    """Sources ranked: a point and its 95% interval each, on attribution and on questions; `twins` below each other."""
    order = _order(rows)
    if twins:
        order = [source for pair in _twins(rows[0]) for source in pair]
    judged = [row for row in rows if row.judged]
    wide = min(320, _LETTER * max(map(len, order)))
    panels: list[vega.Spec] = []
    data: list[pd.DataFrame] = []
    for row in judged:
        own = pd.DataFrame(
            [
                {"source": one.source, "above": one.above, "low": one.low, "high": one.high, "mean": one.mean}
                for one in sorted(row.found.ranking, key=lambda one: order.index(one.source))
            ]
        )
        data.append(own.assign(asked=row.number.asked))
        axis = {"axis": {"labelLimit": 320, "minExtent": wide} if not panels else None}
        y = vega.name("source", None, sort=order, scale={"domain": order}, **axis)
        x = vega.number("above", f"{row.number.called}, above the mean of all", scale=vega.ROOMY, axis={"tickCount": 5})
        interval = vega.layer(
            "rule", {"color": colour, "strokeWidth": 2}, x=vega.number("low"), x2={"field": "high"}, y=y
        )
        dots = vega.layer(
            "point",
            {"size": 70, "filled": True, "opacity": 1, "color": colour},
            x=x,
            y=y,
            tooltip=vega.tooltip(["source"], ["above", "low", "high", "mean"]),
        )
        layers = [vega.zero_rule("x"), interval, dots]
        panels.append(vega.panel(row.number.asked, (300, 26 * len(order) + 20), layers, own))
    caption = "Points are means over seeds less the mean of all sources, lines their 95% intervals."
    return Figure(name, title, caption, vega.whole(panels), pd.concat(data, ignore_index=True))


def write_page(file: Path, page: TrustPage) -> Path:
    """Write the page, which needs nothing beside it.

    Raises
    ------
    SaysoError
        If it cannot be written there.
    """
    columns, lines = ranking_table(page.rows)
    main = chart(figure(page.rows, "trust", "Sources ranked"))
    controls = [
        {
            "found": own,
            "verdict": control_verdict(own),
            "chart": chart(figure(own.rows, f"trust-{own.name}", _capital(own.what), twins=own.twins, colour=_GREY)),
        }
        for own in page.controls
    ]
    judged = [row for row in page.rows if row.judged]
    return templates.write_page(
        file,
        "trust.html.j2",
        page=page,
        verdict=verdict(page.rows),
        main=main,
        columns=columns,
        lines=lines,
        pairs=[(row.number.title, pairs_table(row), len(row.found.pairs)) for row in judged],
        beside=[
            *_numbers_of("sources", page.rows),
            *(line for own in page.controls for line in _numbers_of(own.name, own.rows)),
        ],
        controls=controls,
        phrases=[(source, " / ".join(texts), said) for source, (texts, said) in page.said.items()],
        power=f"{POWER:.0%}",
        citing=CITATIONS,
    )


def _numbers_of(name: str, rows: Sequence[Trusted]) -> list[tuple[str, ...]]:
    """A row for each number: what decides whether sources differ in a run."""
    return [
        (
            name,
            row.number.title,
            numbers.p_value(row.p).removeprefix("p = "),
            f"{row.found.spread:z.3f}",
            f"{row.found.smallest:.3f}",
            f"{row.found.noise:.3f}",
            f"{row.found.seeds} in {numbers.count(row.found.squares, 'square')}",
        )
        for row in rows
    ]


def _order(rows: Sequence[Trusted]) -> list[str]:
    return [one.source for one in rows[0].found.ranking]


def _twins(row: Trusted) -> list[tuple[str, str]]:
    """Pairs of twins, those that are believed most first, the same name first of each."""
    place = {one.source: one.above for one in row.found.ranking}
    pairs = [(min(own), max(own)) for own in ((pair.first, pair.second) for pair in row.found.pairs)]
    return sorted(pairs, key=lambda pair: -place[pair[0]] - place[pair[1]])


def _above(one: Ranked) -> str:
    return numbers.with_interval(one.above, one.low, one.high, signed=True)


def _spread(row: Trusted) -> str:
    return f"Sources' true means spread by {row.found.spread:z.3f} (standard deviation)."


def _seen(row: Trusted) -> str:
    if row.found.least_p >= ALPHA:
        few = numbers.count(row.found.squares, "square")
        return f"With {few} of seeds no p below {row.found.least_p:.2g} can come out: run more."
    return f"Two sources {row.found.smallest:.3f} apart would have been seen in {POWER:.0%} of such runs."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
