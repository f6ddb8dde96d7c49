"""A panel of names down the side, each with a dot and its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sayso.report import roles, vega
from sayso.report.vega import Spec


def dot_panel(
    title: str,
    rows: pd.DataFrame,
    names: str,
    axis: str,
    *,
    first: bool,
    scale: Mapping[str, Any],
    said: Sequence[str] = (),
    at: float | None = None,
    width: int = 310,
) -> Spec:
    """Draw `mean`, `low` and `high` of rows, in their order.

    `names`: the column with their names, which are written where the panel is the `first` of its row. `axis`, `scale`:
    of the numbers. `said`: what else is told under the pointer. `at`: where a dashed line stands.
    """
    order = list(rows[names])
    y = vega.name(names, sort=order, scale={"domain": order}, axis={"labelLimit": 320} if first else None)
    colour = roles.COLOURS["D5cons"]
    interval = vega.layer("rule", {"color": colour, "strokeWidth": 2}, x=vega.number("low"), x2={"field": "high"}, y=y)
    dots = vega.layer(
        "point",
        {"size": 70, "filled": True, "opacity": 1, "color": colour},
        x=vega.number("mean", axis, scale=dict(scale), axis={"tickCount": 5}),
        y=y,
        tooltip=vega.tooltip([names, "seeds"], ["mean", "low", "high", *said]),
    )
    look = {"color": vega.INK, "strokeDash": [4, 3]}
    line = [] if at is None else [vega.layer("rule", look, data=vega.inline([{"at": at}]), x=vega.number("at"))]
    return vega.panel(title, (width, 26 * len(order) + 20), [*line, interval, dots], rows)
