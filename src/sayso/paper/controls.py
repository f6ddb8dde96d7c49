"""The control of an experiment: the same, but that nothing tells its sources apart, so that it must find nothing."""

from __future__ import annotations

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.subsets import Source, with_reliability
from sayso.core.sweep import cells
from sayso.paper.kinds import kind_of

#: How reliable both sources are where their tags say nothing (section 3.3 and figure 4a of the paper).
CHANCE = 0.5


def _graded(source: Source) -> bool:
    return source.reliability is not None


def control_of(experiment: Experiment) -> Experiment:
    """Return the control of an experiment, called NAME-control.

    Where sources differ by their record in X1, each is right about half of its aliases there. Where they differ by
    what their words mean and nothing else is trained on, random tags take the place of the words.

    Raises
    ------
    SaysoError
        If it has none: it is a control itself, its cells vary how reliable sources are, or its sources differ by the
        sentences that they write.
    """
    kinds = {kind_of(cell.experiment) for cell in cells(experiment)}
    if "reliability" in experiment.axes:
        raise SaysoError(
            f"{experiment.name}: has no control of its own, for it varies reliability: its cell at {CHANCE} is one"
        )
    if kinds <= {"control", "in_context_control"}:
        raise SaysoError(f"{experiment.name}: is a control itself: nothing tells its sources apart")
    if any(source.definition is not None for source in experiment.sources):
        raise SaysoError(
            f"{experiment.name}: has no control of its own, for its sources write in sentences of their own; "
            "one in which these mean nothing has no knowledge.statements and no stage 1"
        )
    why = "random tags take the place of words" if "worded" in kinds else "each source is right half of the time"
    summary = f"The control of {experiment.name}, which must find nothing: {why}. Everything else is as there."
    settings: dict[str, object] = {"name": f"{experiment.name}-control", "summary": summary}
    if any(map(_graded, experiment.sources)):
        settings |= {f"sources.{source.name}.reliability": CHANCE for source in experiment.sources if _graded(source)}
    elif "worded" in kinds:
        settings |= {f"sources.{source.name}.text": None for source in experiment.sources}
    else:
        halved = with_reliability(experiment.subsets, CHANCE)
        settings |= {"reliability": None, "subsets": [subset.model_dump(mode="json") for subset in halved]}
    return experiment.with_settings(settings)
