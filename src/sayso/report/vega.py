"""Pieces of Vega-Lite specifications, as plain data, and what all charts have in common.

A chart is panels side by side (`whole`), a panel is layers over rows they share (`panel`). Charts are written down as
the specification itself: building them by way of objects took longer than drawing them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import vl_convert

#: A Vega-Lite specification, or a piece of one.
Spec = dict[str, Any]

INK, FAINT = "#22272e", "#8b949e"
FONT = "Liberation Sans, Helvetica, Arial, sans-serif"

#: What a legend of lines looks like.
LINE_LEGEND = {"symbolType": "stroke", "symbolSize": 500, "symbolStrokeWidth": 2.5, "symbolOpacity": 1}

#: A scale with room at both ends.
ROOMY = {"zero": False, "nice": False, "padding": 8}

_TEXT = {"labelColor": INK, "titleColor": INK}
_CONFIG = {
    "background": "white",
    "padding": 6,
    "font": FONT,
    "axis": {
        **_TEXT,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "#e8ebee",
        "domainColor": FAINT,
        "tickColor": FAINT,
    },
    "legend": {**_TEXT, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 240, "rowPadding": 4},
    "title": {"color": INK, "fontSize": 13, "anchor": "start", "fontWeight": "bold"},
    "view": {"stroke": None},
}


@functools.cache
def version() -> str:
    """The version of Vega-Lite that draws the charts: the newest the renderer has."""
    return max(vl_convert.get_vegalite_versions(), key=lambda name: [int(part) for part in name.split(".")])


def whole(panels: Sequence[Spec], *, columns: int | None = None, **more: Any) -> Spec:
    """Panels side by side, in rows of so many `columns` (None: all in one), with the fonts and colours of all."""
    placed = {"hconcat": list(panels)} if columns is None else {"concat": list(panels), "columns": columns}
    schema = f"https://vega.github.io/schema/vega-lite/v{version()}.json"
    return {"$schema": schema, "config": _CONFIG, "spacing": 28, **placed, **more}


def panel(title: str, size: tuple[int, int], layers: Sequence[Spec], rows: pd.DataFrame | None = None) -> Spec:
    """Layers over each other; those without rows of their own have `rows`. `size`: the plot without its axes."""
    shared = {} if rows is None else {"data": inline(rows)}
    titled = {"text": title, "offset": 20}
    return {"title": titled, "width": size[0], "height": size[1], **shared, "layer": list(layers)}


def layer(mark: str, look: Mapping[str, Any], **more: Any) -> Spec:
    """A mark with its looks; `more` are its ``data``, ``transform``, or channels of its encoding."""
    own: Spec = {str(key): more.pop(key) for key in ("data", "transform", "name") if key in more}
    return {**own, "mark": {"type": mark, **look}, **({"encoding": more} if more else {})}


def number(field: str, title: str | None = None, **more: Any) -> Spec:
    """A channel of numbers."""
    return {"field": field, "type": "quantitative", **({} if title is None else {"title": title}), **more}


def name(field: str, title: str | None = None, **more: Any) -> Spec:
    """A channel of names; without a title it has none."""
    return {"field": field, "type": "nominal", "title": title, **more}


def tooltip(names: Sequence[str], numbers: Sequence[str], form: str = ".3f") -> list[Spec]:
    """What is said under the pointer."""
    return [
        *({"field": field, "type": "nominal"} for field in names),
        *({"field": field, "type": "quantitative", "format": form} for field in numbers),
    ]


def inline(rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> Spec:
    """Rows inside the chart itself; what was not measured is null."""
    records = rows.to_dict(orient="records") if isinstance(rows, pd.DataFrame) else rows
    return {"values": [{str(key): _plain(value) for key, value in record.items()} for record in records]}


def written(at: Mapping[str, Any], form: str, dark: float) -> Spec:
    """The numbers of a map written on it, white where they are further than `dark` from 0."""
    colour = {"condition": {"test": f"abs(datum.mean) > {dark}", "value": "white"}, "value": INK}
    return layer("text", {"fontSize": 11}, **at, text={**number("mean"), "format": form}, color=colour)


def low_to_high() -> dict[str, Spec]:
    """The channels of an interval, from the field `low` up to `high`."""
    return {"y": number("low"), "y2": {"field": "high"}}


def band(transform: Sequence[Spec], opacity: Spec, **at: Any) -> Spec:
    """An interval along a line."""
    return layer("area", {"strokeWidth": 0}, transform=list(transform), **at, **low_to_high(), opacity=opacity)


def headroom() -> Spec:
    """Nothing, a little above the panel: titles side by side are then as high, whether a number stands out or not."""
    at = {"x": {"value": 0}, "x2": {"value": 1}, "y": {"value": -9}}
    return layer("rule", {"strokeOpacity": 0, "aria": False}, data=inline([{}]), **at)


def zero_rule(channel: str) -> Spec:
    """A dashed line where the difference is 0, across (``y``) or down (``x``)."""
    return layer("rule", {"color": INK, "strokeDash": [4, 3]}, data=inline([{"zero": 0}]), **{channel: number("zero")})


def _plain(value: Any) -> Any:
    """A value as JSON has it: NaN is null, numbers have six digits, as in the records."""
    if isinstance(value, float):
        return None if pd.isna(value) else round(float(value), 6)
    return value.item() if hasattr(value, "item") else value
