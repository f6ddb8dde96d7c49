"""Maps of probes: how well it can be read, at each layer and token of a question, who defined its alias (figure 7)."""

from __future__ import annotations

import pandas as pd

from sayso.report import vega
from sayso.report.figure import Figure
from sayso.report.vega import Spec
from sayso.stats.values import final, summary

#: Records of `sayso.measures.probing`.
PROBES, STEERED = "probes", "steered"
_PLACE = r"^layer (?P<layer>\d+), token (?P<token>\d+): (?P<name>.*?)(?P<shuffled>, permuted)?$"
_TASKS = {
    "presence": "Was the alias defined?",
    "tag": "By which source?",
}
_STRENGTH = r"^as defined likelier, (?P<direction>.*), layer (?P<layer>\d+), strength (?P<strength>[+-][\d.]+)$"


def probe_figures(table: pd.DataFrame, cell: str, suffix: str = "") -> list[Figure]:
    """What the records of a cell allow, at the end of the last stage in which probes were taken."""
    rows = table[table["cell"] == cell]
    found = []
    maps = map_points(rows)
    if not maps.empty:
        caption = (
            "Accuracy of a linear probe on aliases it was not trained on, by layer (0 enters the first block) and "
            "token of the question; .5 is chance. Below, the same with labels shuffled. Means over seeds."
        )
        found.append(Figure(f"probes{suffix}", "What can be read of an alias", caption, _maps(maps), maps))
    steered = steering_points(rows)
    if not steered.empty:
        caption = (
            "Share of questions about wrongly defined aliases for which what the definition says is likelier than what "
            "is true, while a direction from the unreliable source's aliases to the reliable one's is added at the "
            "alias, so many times; mean over seeds with its 95% interval. The random direction is as long."
        )
        found.append(Figure(f"steering{suffix}", "Do answers follow?", caption, _steering(steered), steered))
    return found


def map_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy at each place with its interval over seeds.

    Columns: stage, eval_set, task, shuffled (whether labels are), layer, token, name, mean, low, high, seeds.
    """
    rows = rows[(rows["measure"] == PROBES) & rows["what"].str.match(_PLACE) & ~rows["what"].str.endswith("transfer")]
    if rows.empty:
        return pd.DataFrame()
    means = summary(final(rows[rows["stage"] == rows["stage"].iloc[-1]]))
    parts = means["what"].str.extract(_PLACE)
    return pd.DataFrame(
        {
            "stage": means["stage"],
            "eval_set": means["eval_set"],
            "task": means["subset"],
            "shuffled": parts["shuffled"].notna(),
            "layer": parts["layer"].astype(int),
            "token": parts["token"].astype(int),
            "name": parts["name"],
            **{name: means[name] for name in ("mean", "low", "high", "seeds")},
        }
    )


def steering_points(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of answers as defined at each strength, with what is not steered at strength 0.

    Columns: stage, eval_set, subset, direction, layer, strength, mean, low, high, seeds.
    """
    rows = rows[(rows["measure"] == STEERED) & rows["what"].str.startswith("as defined likelier")]
    at = rows["what"].str.match(_STRENGTH)
    if not at.any():
        return pd.DataFrame()
    rows = rows[at | rows["what"].str.endswith(", unsteered")]
    means = summary(final(rows[rows["stage"] == rows["stage"].iloc[-1]]))
    parts = means["what"].str.extract(_STRENGTH)
    points = pd.DataFrame(
        {
            "stage": means["stage"],
            "eval_set": means["eval_set"],
            "subset": means["subset"],
            "direction": parts["direction"],
            "layer": parts["layer"].astype(float),
            "strength": parts["strength"].astype(float),
            **{name: means[name] for name in ("mean", "low", "high", "seeds")},
        }
    )
    moved, still = points[points["layer"].notna()], points[points["layer"].isna()]
    lines = moved[["eval_set", "subset", "direction", "layer"]].drop_duplicates()
    origin = still.drop(columns=["direction", "layer", "strength"]).merge(lines, on=["eval_set", "subset"])
    whole = pd.concat([moved, origin.assign(strength=0.0)], ignore_index=True)[points.columns.to_list()]
    order = ["eval_set", "subset", "layer", "direction", "strength"]
    return whole.astype({"layer": int}).sort_values(order, kind="stable", ignore_index=True)


def _maps(points: pd.DataFrame) -> Spec:
    """Tasks beside each other, each above its map of shuffled labels."""
    scale = {"domain": [0.4, 0.5, 1.0], "range": ["#d9b38c", "#f7f7f7", "#1f4fa3"], "clamp": True}
    colour = vega.number("mean", "accuracy", scale=scale)
    kinds = points[["eval_set", "task"]].drop_duplicates()
    panels = []
    for shuffled in sorted(points["shuffled"].unique()):
        for eval_set, task in kinds.itertuples(index=False):
            own = (points["eval_set"] == eval_set) & (points["task"] == task) & (points["shuffled"] == shuffled)
            rows = points[own].assign(place=points["token"].astype(str) + " " + points["name"])
            labels = list(dict.fromkeys(rows.sort_values("token", kind="stable")["place"]))
            layers = sorted(int(layer) for layer in rows["layer"].unique())[::-1]
            at = {
                "x": vega.name("place", "token of the question", sort=labels, axis={"labelAngle": -40}),
                "y": vega.name("layer", "after layer", sort=layers),
                "tooltip": vega.tooltip(["place", "layer", "seeds"], ["mean", "low", "high"]),
            }
            few = len(rows) <= _LABELLED
            drawn = [vega.layer("rect", {}, **at, color=colour), *([vega.written(at, ".2f", 0.8)] if few else [])]
            kind = str(eval_set).rpartition(".")[2]
            title = "labels shuffled" if shuffled else f"{_TASKS.get(str(task), str(task))} ({kind})"
            size = (46 if few else 22) * len(labels), (30 if few else 22) * len(layers)
            panels.append(vega.panel(title, size, drawn, rows.drop(columns=["eval_set", "task", "stage"])))
    return vega.whole(panels, columns=len(kinds))


#: Most cells of a map that are written out.
_LABELLED = 60


def _steering(points: pd.DataFrame) -> Spec:
    scale = {"domain": list(dict.fromkeys(points["direction"])), "range": ["#1f6fd6", "#0b9e77", "#9aa3ad"]}
    colour = {**vega.name("direction", scale=scale), "legend": vega.LINE_LEGEND}
    panels = []
    for (subset, layer), rows in points.groupby(["subset", "layer"], sort=False):
        at = {"x": vega.number("strength", "times the direction"), "color": colour}
        y = vega.number("mean", "as defined likelier", scale=vega.ROOMY)
        said = vega.tooltip(["direction", "strength", "seeds"], ["mean", "low", "high"])
        line = vega.layer("line", {"point": True}, **at, y=y, tooltip=said)
        band = vega.layer(
            "area",
            {"opacity": 0.13},
            data=vega.inline(rows[rows["low"].notna()]),
            **at,
            **vega.low_to_high(),
        )
        panels.append(vega.panel(f"{subset}, after layer {layer}", (240, 200), [band, line, vega.headroom()], rows))
    return vega.whole(panels)
