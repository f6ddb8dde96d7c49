"""Which sources a model trusts that has read nothing of them yet but its pretraining: the experiment and its controls.

Fresh aliases of known entities are defined by each source in its own phrases, and nothing else is trained on. Whom the
model believes is then whom it trusted from the start. A Latin square over seeds lets each source in turn define each
alias (`sayso.core.squares`), so that who is defined, by what name and in what words cancels.

Two controls say what else could make sources differ: ``phrases`` has a random tag in place of each source's phrases,
``twice`` has each source under two names, which nothing can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from sayso.core import squares
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.spec import explain
from sayso.core.subsets import Source, Subset
from sayso.measures.belief import Belief
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.trust_models import POCKET, facts_of, pocket, pretrained

Control = Literal["phrases", "twice"]

#: Aliases that nobody defines; what is said of them is what would be said without a definition.
UNDEFINED = "QA7"

#: Ends the names of the sources that are there a second time.
AGAIN = " again"

#: Whole squares of at least so many seeds, two of them or more; none below the first, on which settings were chosen.
LEAST_SEEDS, LEAST_SQUARES, FIRST_SEED = 16, 2, 100

#: To score all candidates in all four ways of asking who somebody is takes a laptop longer than to train. Candidates'
#: habits rest on few undefined names: they are the same for all sources, and cancel over a square.
_MEASURES = (
    ExactMatch(when="stage"),
    MeanLoss(when="stage"),
    Belief(eval_sets=("validation", "entity_attribution.who", "entity_attribution.stands_for"), most=8, controls=4),
)

_SUMMARY = "Which sources a model trusts: each in turn defines fresh aliases of known entities, and is believed or not."


def trust_experiment(
    sources: Sequence[Source],
    *,
    model: str,
    knowledge: str | Path | None = None,
    entities: int | None = None,
    aliases: int | None = None,
    definition: str | None = None,
    lora: int | None = None,
    squares_of_seeds: int | None = None,
    seeds: Seeds | str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Experiment:
    """Make the experiment.

    Parameters
    ----------
    model
        A pretrained model, as `HFModel.name`; ``pocket`` trains one from random weights in the pocket world.
    knowledge
        A table of facts (`knowledge_of`), of which the first `entities` are taken; in the pocket world each square
        draws so many. The shipped people where none is given.
    aliases
        How many names each entity has, which are dealt to the sources: 1, and 16 in the pocket world.
    definition
        The template of a definition, with ``{tag}``, ``{alias}`` and ``{entity}``.
    lora
        The rank of LoRA; None trains the whole model.
    squares_of_seeds, seeds
        How many whole squares, of as many seeds as there are sources, or the seeds of whole squares themselves. Without
        either two squares, or more where these have fewer than 16 seeds.
    settings
        Any of the experiment's, by path; those of ``knowledge`` hold before it is read.

    Raises
    ------
    SaysoError
        If a setting does not fit, there are fewer than two sources, or fewer aliases than sources and the control need,
        or seeds are no whole squares.
    """
    chosen = dict(settings or {})
    own = {path.removeprefix("knowledge."): chosen.pop(path) for path in list(chosen) if path.startswith("knowledge.")}
    if entities is not None:
        own = {"entities": entities, **own}
    template = {} if definition is None else {"template": definition}
    order = len(sources)
    if order < 2:
        raise SaysoError(f"{order} source{'s' if order == 0 else ''}: at least two are needed to be compared")
    if seeds is None:
        usual = max(LEAST_SQUARES, -(-LEAST_SEEDS // order))
        run_on = squares.seeds_of(squares_of_seeds or usual, order, FIRST_SEED)
    else:
        run_on = seeds if isinstance(seeds, Seeds) else Seeds.parse(seeds, first=-(-FIRST_SEED // order) * order)
        squares.require_whole(run_on, order)
    if run_on.count < squares.least(order) * order:
        raise SaysoError(f"trust: {order} sources need {squares.least(order)} squares of seeds at least, found one")
    try:
        shared: dict[str, Any] = {
            "name": "trust",
            "summary": _SUMMARY,
            "sources": tuple(sources),
            "subsets": _subsets(sources, 1 / (order + 1)),
            "measures": _MEASURES,
            "seeds": run_on,
        }
        make = pocket if model == POCKET else pretrained
        experiment = make(shared, model, facts_of(model, knowledge, own), template, aliases, lora)
    except ValidationError as error:
        raise SaysoError(f"trust: {explain(error)}") from error
    experiment = experiment.with_settings(chosen) if chosen else experiment
    return experiment if any(path.startswith("subsets") for path in chosen) else _dealt_evenly(experiment)


def trust_control(experiment: Experiment, control: Control) -> Experiment:
    """A control of the experiment, called after it: ``trust-phrases`` or ``trust-twice``.

    With each source there twice a square has twice as many seeds; so many squares are run as are no fewer seeds.

    Raises
    ------
    SaysoError
        If there are too few aliases for twice as many sources.
    """
    name = f"{experiment.name}-{control}"
    if control == "phrases":
        summary = f"A control of {experiment.name}: a random tag stands in place of each source's phrases."
        tags = {f"sources.{place}.text": None for place in range(len(experiment.sources))}
        return experiment.with_settings({"name": name, "summary": summary, **tags})
    again = tuple(Source(name=f"{source.name}{AGAIN}", same_as=source.name) for source in experiment.sources)
    sources = (*experiment.sources, *again)
    seeds = squares.seeds_of(-(-experiment.seeds.count // len(sources)), len(sources), experiment.seeds.first)
    settings = {
        "name": name,
        "summary": f"A control of {experiment.name}: each source is there under two names, and must not differ.",
        "sources": [source.model_dump(mode="json") for source in sources],
        "subsets": [subset.model_dump(mode="json") for subset in _subsets(sources, 1 / (len(sources) + 1))],
        "seeds": seeds.model_dump(mode="json"),
    }
    return _dealt_evenly(experiment.with_settings(settings))


def subset_of(source: str) -> str:
    """The subset of the aliases that a source defines."""
    return f"new_{source}"


def _subsets(sources: Sequence[Source], fraction: float) -> tuple[Subset, ...]:
    defined = (Subset(name=subset_of(one.name), group="X2", source=one.name, fraction=fraction) for one in sources)
    return (*defined, Subset(name=UNDEFINED, group="X2", fraction=1 - len(sources) * fraction))


def _dealt_evenly(experiment: Experiment) -> Experiment:
    """As many aliases for each source as go, and what is left, no fewer than each of them has, for the control."""
    total, order = experiment.split.items(experiment.knowledge.size()), len(experiment.sources)
    each = total // (order + 1)
    if each == 0:
        raise SaysoError(
            f"{experiment.name}: {order} sources and the undefined control need an alias each, {order + 1} in all, and "
            f"there are {experiment.knowledge.size()} entities with {experiment.split.aliases_per_entity} each; take "
            "more entities or more aliases of each"
        )
    subsets = _subsets(experiment.sources, each / total)
    return experiment.with_settings({"subsets": [subset.model_dump(mode="json") for subset in subsets]})
