"""Figures of mechanisms: gradient alignment and norms by epoch (figures 6 and 24 to 26 of the paper), all pairs."""

from __future__ import annotations

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.report import charts, vega
from sayso.report.figure import Figure
from sayso.report.points import curve_points
from sayso.report.vega import Spec
from sayso.stats.values import final, ordered, summary

#: Records of `sayso.measures.gradient_alignment`, by the evaluation set they are on.
ALIGNMENT = "gradient_alignment"
_METRICS = ("cosine", "inner product", "squared distance")
_NORMS = ("definitions", "questions")
_OWN, _OTHER, _OF = "own_questions", "other_questions", "questions_of."
_CAPTION = "Mean over seeds with its 95% interval. The dashed line divides the stages."


def alignment_figures(table: pd.DataFrame, experiment: Experiment, cell: str, suffix: str = "") -> list[Figure]:
    """What the records of a cell allow; `suffix` ends the names of the files.

    `table`: for statistics, as `sayso.stats.values.for_statistics` makes it.
    """
    rows = table[(table["measure"] == ALIGNMENT) & (table["cell"] == cell)]
    if rows.empty:
        return []
    own = rows[(rows["eval_set"] == _OWN) & rows["what"].isin(_METRICS)]
    norms = rows[rows["eval_set"].isin(_NORMS) & (rows["what"] == "L2 norm")]
    aligned = _curves(own.assign(eval_set=own["what"], what=""), experiment, cell, _METRICS)
    long = _curves(norms.assign(what=""), experiment, cell, _NORMS)
    found = [
        Figure(
            f"gradient-alignment{suffix}",
            "Gradients of definitions and of their own questions",
            f"{_CAPTION} A larger squared distance means less alignment.",
            charts.learning_curves(aligned, rows, experiment, size=(205, 240)),
            aligned,
        ),
        Figure(
            f"gradient-norms{suffix}",
            "L2 norms of the gradients of definitions and questions",
            _CAPTION,
            charts.learning_curves(long, rows, experiment, size=(300, 240)),
            long,
        ),
    ]
    pairs = pair_means(rows, experiment)
    if not pairs.empty:
        caption = (
            "Mean cosine of the gradients of a subset's definitions (rows) with those of questions (columns): about "
            "the same alias, about other aliases of the subset, and about those of other subsets. At the end of each "
            "stage, mean over seeds."
        )
        found.append(Figure(f"whose-questions{suffix}", "Whose questions?", caption, _heat_map(pairs), pairs))
    return found


def pair_means(rows: pd.DataFrame, experiment: Experiment) -> pd.DataFrame:
    """Mean cosine of definitions with the questions of each subset at the end of each stage.

    Columns: stage, definitions, questions, mean, low, high, seeds. Empty where not all pairs were taken.
    """
    rows = rows[rows["what"] == "cosine"]
    across = rows["eval_set"].str.startswith(_OF) | (rows["eval_set"] == _OTHER)
    if not across.any():
        return pd.DataFrame(columns=["stage", "definitions", "questions", "mean", "low", "high", "seeds"])
    means = summary(final(rows[across | (rows["eval_set"] == _OWN)]))
    of = means["eval_set"].str.removeprefix(_OF)
    of = of.where(means["eval_set"] != _OWN, "its own alias").where(means["eval_set"] != _OTHER, means["subset"])
    found = means.assign(definitions=means["subset"], questions=of)
    stages = [stage.name for stage in experiment.stages]
    found["place"] = found["stage"].map(stages.index)
    found = found.sort_values(["place", "definitions", "questions"], kind="stable", ignore_index=True)
    return found[["stage", "definitions", "questions", "mean", "low", "high", "seeds"]]


def _curves(rows: pd.DataFrame, experiment: Experiment, cell: str, panels: tuple[str, ...]) -> pd.DataFrame:
    """Points of each panel; a subset's gradients mean as much before it is trained on as after."""
    return curve_points(rows, experiment, cell, ALIGNMENT, panels).assign(trained=True)


def _heat_map(pairs: pd.DataFrame) -> Spec:
    subsets = ordered(pairs["definitions"].unique())
    columns = ["its own alias", *subsets]
    most = max(float(pairs["mean"].abs().max()), 1e-9)
    scale = {"domain": [-most, most], "range": ["#c9493b", "#f4f4f4", "#1f6fd6"], "interpolate": "lab"}
    colour = vega.number("mean", "mean cosine", scale=scale)
    panels = []
    for stage, rows in pairs.groupby("stage", sort=False):
        at = {
            "x": vega.name("questions", "questions about", sort=columns, axis={"labelAngle": -30}),
            "y": vega.name("definitions", "definitions of", sort=subsets),
            "tooltip": vega.tooltip(["definitions", "questions", "seeds"], ["mean", "low", "high"], ".4f"),
        }
        layers = [vega.layer("rect", {}, **at, color=colour), vega.written(at, ".3f", 0.6 * most)]
        size = (64 * len(columns), 44 * len(subsets))
        panels.append(vega.panel(f"after {stage}", size, layers, rows))
    return vega.whole(panels)
