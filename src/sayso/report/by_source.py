"""What is believed of each source that writes in sentences of its own: which doubts are heeded, which neglected."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.core.subsets import names_of
from sayso.report import roles, vega
from sayso.report.dots import dot_panel
from sayso.report.figure import Figure
from sayso.report.graded import PANELS
from sayso.report.vega import Spec
from sayso.stats.comparisons import mean_interval
from sayso.stats.values import by_seed, stage_training

_COLUMNS = ["cell", "eval_set", "measure", "source", "said", "mean", "low", "high", "seeds"]


def by_source_figure(table: pd.DataFrame, experiment: Experiment, cell: str, suffix: str) -> list[Figure]:
    """New definitions of each source, where sources are told apart by the sentences that they write."""
    said = {
        names_of(source.name)[2]: (source.name, "".join(source.definition.write("TAG", "X", "Y")))
        for source in experiment.sources
        if source.definition is not None
    }
    stage = stage_training(experiment, "X2")
    if len(said) < 2 or stage is None:
        return []
    rows: list[dict[str, object]] = []
    panels: list[Spec] = []
    for eval_set, measure, what, axis in PANELS:
        found = by_seed(table, cell=cell, stage=stage, measure=measure, eval_set=eval_set, what=what)
        own: list[dict[str, object]] = []
        for subset, (source, sentence) in said.items():
            if subset not in found:
                continue
            own.append(
                {
                    "cell": cell,
                    "eval_set": eval_set,
                    "measure": measure,
                    "source": source,
                    "said": sentence,
                    **asdict(mean_interval(found[subset])),
                }
            )
        if own:
            title, first = roles.panel_title(eval_set), not len(panels) % 2
            panels.append(dot_panel(title, pd.DataFrame(own), "said", axis, first=first, scale=vega.ROOMY))
            rows += own
    if not panels:
        return []
    caption = (
        "What is believed of new aliases X, by the sentence that says whom they stand for: mean over seeds with its "
        "95% interval, at the end."
    )
    chart = vega.whole(panels, columns=2)
    return [Figure(f"by-source{suffix}", "Belief by how it is said", caption, chart, pd.DataFrame(rows)[_COLUMNS])]
