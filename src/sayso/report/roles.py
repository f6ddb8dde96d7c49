"""What each subset looks like: colours have the paper's roles, line styles repeat what they say of the source.

Solid for the reliable source, dashed for the unreliable one, dotted for no definition, dash-dotted for a new source,
for readers who see colours differently. Answers as wrong definitions have them (`attribution_as_defined`) are a line of
their own beside the subset's, darker and in short dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from sayso.core.experiment import Experiment
from sayso.report.vega import LINE_LEGEND, Spec
from sayso.stats.values import AS_DEFINED, ATTRIBUTION, ordered

COLOURS = {
    "D1cons_QA1": "#7b3fa0",  # purple
    "D2incons_QA2": "#e26fb5",  # pink
    "QA3": "#c98a00",  # ochre
    "QA4": "#555f6b",  # slate
    "D5cons": "#1f6fd6",  # blue
    "D6cons": "#d7301f",  # red
    "QA7": "#9aa3ad",  # light slate
    "D8cons": "#0b9e77",  # green
    "D9incons_QA9": "#27b4cf",  # cyan
    "D10cons_QA10": "#8a8a00",  # olive
}
_DARKER = {"D2incons_QA2": "#9c2c75", "D9incons_QA9": "#0d6f82"}
_OTHER_COLOURS = ("#8c564b", "#5e9c32", "#333f87", "#b5651d", "#2f4f4f", "#a0522d")
_SOURCE_DASHES: tuple[list[float], ...] = (
    [1, 0],
    [7, 3],
    [8, 3, 2, 3],
)  # in the order of an experiment's sources; the last for all others
_NO_SOURCE_DASH = [2.0, 2.5]
_AS_DEFINED_DASH = [3.5, 2.0]
SUFFIX = ", as defined"

_PANELS = {
    "validation": "Questions (validation)",
    ATTRIBUTION: "Entity attribution",
    f"{ATTRIBUTION}.name": "Attribution: name",
    f"{ATTRIBUTION}.who": "Attribution: who is it",
    f"{ATTRIBUTION}.meaning": "Attribution: meaning",
    f"{ATTRIBUTION}.stands_for": "Attribution: stands for",
    "train_qa": "Training questions",
    "definitions": "Definitions",
    "questions": "Questions",
    "cosine": "Cosine",
    "inner product": "Inner product",
    "squared distance": "Squared L2 distance",
}


def panel_title(panel: str) -> str:
    """The title of a panel, by its evaluation set."""
    return _PANELS.get(panel) or panel.replace(f"{ATTRIBUTION}.", "Attribution: ").replace("_", " ")


def panel_of(eval_sets: pd.Series[str]) -> pd.Series[str]:
    """The panel each evaluation set is drawn in: answers as defined beside those about the entity meant."""
    return eval_sets.str.replace(f"^{AS_DEFINED}", ATTRIBUTION, regex=True)


def line_of(rows: pd.DataFrame) -> pd.Series[str]:
    """The name of the line each row belongs to: its subset, or ``D2incons_QA2, as defined``."""
    return rows["subset"] + rows["eval_set"].str.startswith(AS_DEFINED).map({True: SUFFIX, False: ""})


def in_order(lines: Iterable[str]) -> list[str]:
    """Lines in the order of Table 1, answers as defined after their subset's own."""
    names = set(lines)
    subsets = ordered({name.removesuffix(SUFFIX) for name in names})
    return [name for subset in subsets for name in (subset, subset + SUFFIX) if name in names]


def colours(lines: Sequence[str]) -> list[str]:
    """Colour of each line: the paper's role where it has one, else one of a few others in turn."""
    known = {**COLOURS, **{subset + SUFFIX: colour for subset, colour in _DARKER.items()}}
    others = [name for name in lines if name not in known]
    return [known.get(name) or _OTHER_COLOURS[others.index(name) % len(_OTHER_COLOURS)] for name in lines]


def dashes(lines: Sequence[str], experiment: Experiment) -> list[list[float]]:
    """Line style of each line, by its source."""
    sources = [source.name for source in experiment.sources]
    source_of = {subset.name: subset.source for subset in experiment.subsets}
    result: list[list[float]] = []
    for name in lines:
        source = source_of.get(name)
        place = min(sources.index(source), len(_SOURCE_DASHES) - 1) if source in sources else None
        plain = _NO_SOURCE_DASH if place is None else list(_SOURCE_DASHES[place])
        result.append(_AS_DEFINED_DASH if name.endswith(SUFFIX) else plain)
    return result


def colour_channel(lines: Sequence[str]) -> Spec:
    """Colour by line, with the legend."""
    scale = {"domain": list(lines), "range": colours(lines)}
    return {"field": "line", "type": "nominal", "title": None, "scale": scale, "legend": LINE_LEGEND}


def dash_channel(lines: Sequence[str], experiment: Experiment) -> Spec:
    """Line style by line, in the same legend."""
    scale = {"domain": list(lines), "range": dashes(lines, experiment)}
    return {"field": "line", "type": "nominal", "title": None, "scale": scale}
