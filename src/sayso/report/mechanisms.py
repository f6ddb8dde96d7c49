"""Figures of mechanisms: gradient alignment and norms by epoch (figures 6 and 24 to 26 of the paper), all pairs."""

from __future__ import annotations

import altair as alt
import pandas as pd

from sayso.core.experiment import Experiment
from sayso.report import charts
from sayso.report.figure import Figure
from sayso.report.points import curve_points
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
            charts.learning_curves(aligned, rows, experiment, width=205, height=240),
            aligned,
        ),
        Figure(
            f"gradient-norms{suffix}",
            "L2 norms of the gradients of definitions and questions",
            _CAPTION,
            charts.learning_curves(long, rows, experiment, width=300, height=240),
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


def _heat_map(pairs: pd.DataFrame) -> alt.HConcatChart:
    subsets = ordered(pairs["definitions"].unique())
    columns = ["its own alias", *subsets]
    most = max(float(pairs["mean"].abs().max()), 1e-9)
    colour = alt.Color(
        "mean:Q",
        title="mean cosine",
        scale=alt.Scale(domain=[-most, most], range=["#c9493b", "#f4f4f4", "#1f6fd6"], interpolate="lab"),
    )
    panels = []
    for stage, rows in pairs.groupby("stage", sort=False):
        base = alt.Chart(charts.inline(rows)).encode(
            x=alt.X("questions:N", title="questions about", sort=columns, axis=alt.Axis(labelAngle=-30)),
            y=alt.Y("definitions:N", title="definitions of", sort=subsets),
            tooltip=[
                *(alt.Tooltip(f"{name}:N") for name in ("definitions", "questions")),
                *(alt.Tooltip(f"{name}:Q", format=".4f") for name in ("mean", "low", "high")),
                alt.Tooltip("seeds:Q"),
            ],
        )
        text = base.mark_text(fontSize=11).encode(
            text=alt.Text("mean:Q", format=".3f"),
            color=alt.condition(f"abs(datum.mean) > {0.6 * most}", alt.value("white"), alt.value("#22272e")),
        )
        panels.append(
            charts.panel(
                alt.layer(base.mark_rect().encode(color=colour), text),
                f"after {stage}",
                64 * len(columns),
                44 * len(subsets),
            )
        )
    return charts.finish(alt.hconcat(*panels, spacing=28))
