"""What an experiment is, as far as claims ask: what tells its sources apart, and which of the paper's cells it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from sayso.core.experiment import Experiment
from sayso.core.sizes import sizes
from sayso.core.subsets import RELIABLE
from sayso.data.digits.grid import DigitGrids
from sayso.data.formats import WordOrder
from sayso.data.pocket import SYNTHETIC, PocketWorld
from sayso.data.published.trex import TREx
from sayso.data.set_inclusion import SetInclusion
from sayso.learners.known_models import ENCODER_DECODERS, KNOWN_MODELS, KnownModel
from sayso.learners.model_files import reads_prompts_apart
from sayso.learners.specs import FromScratch, HFModel
from sayso.stats.values import stage_training

#: What makes sources differ: their record in X1; nothing (a control); their words; their record, with definitions in
#: the context of questions; nothing, with definitions there; how reliable each was, of any number of sources.
Kind = Literal["informative", "control", "worded", "in_context", "in_context_control", "graded"]

Is = Callable[[Experiment], bool]

#: Known models of fewer parameters than this showed no gap (section 3.3, figures 16 and 17).
_LARGE = 1_000_000_000

#: As many variable-entity pairs a subset as the paper says are enough (appendix E.3).
_ENOUGH = 50

#: So much of all documents in one batch is a full one: the paper has 16,384 of 16,960.
_FULL = 0.95


def kind_of(experiment: Experiment) -> Kind:
    """What tells the sources of D5cons and D6cons apart.

    Nothing does in a control: where no stage trains on X1 and their tags are random, and where both sources are right
    about the same share of the aliases in X1 (reliability 0.5: section 3.3 and figure 4a of the paper).
    """
    sources = {subset.name: subset.source for subset in experiment.subsets}
    asked = [sources.get(name) for name in ("D5cons", "D6cons")]
    if stage_training(experiment, "X1") is None:
        worded = [source.name for source in experiment.sources if source.texts or source.definition is not None]
        heard = asked if any(asked) else [name for subset in experiment.subsets for name in subset.sources]
        return "worded" if any(source in worded for source in heard) else "control"
    one, other = (share_right(experiment, source) for source in asked)
    alike = one == other or (one is not None and other is not None and math.isclose(one, other, abs_tol=1e-9))
    if experiment.in_context is not None:
        return "in_context_control" if alike else "in_context"
    if not {"D5cons", "D6cons"} <= sources.keys():
        new = [subset for subset in experiment.subsets if subset.group == "X2"]
        records = {share_right(experiment, name) for subset in new for name in subset.sources} - {None}
        return "graded" if len(records) > 1 else "control"
    return "control" if alike else "informative"


def share_right(experiment: Experiment, source: str | None = RELIABLE) -> float | None:
    """Share of a source's definitions in X1 that agree with the questions; None where X1 has none of them."""
    mine = [subset for subset in experiment.subsets if subset.group == "X1" and source and subset.source == source]
    total = math.fsum(subset.fraction for subset in mine)
    return math.fsum(subset.fraction for subset in mine if subset.consistent) / total if total > 0 else None


def reliable_from(least: float) -> Is:
    """The reliable source is right about this share of its aliases in X1 at least."""
    return lambda experiment: (share_right(experiment) or 0.0) >= least - 1e-9


def in_order(*orders: str) -> Is:
    """Definitions have one of these orders of tag, alias and entity."""
    return lambda experiment: isinstance(experiment.definition, WordOrder) and experiment.definition.order in orders


def entity_last(experiment: Experiment) -> bool:
    """Definitions end with the entity, and not begin with the alias and then the tag: TAE, ATE and sentences."""
    return not isinstance(experiment.definition, WordOrder) or experiment.definition.order in ("TAE", "ATE")


def alias_before_entity(experiment: Experiment) -> bool:
    """Definitions can be learned in the direction that is asked for: TAE, ATE, AET, and sentences."""
    return not isinstance(experiment.definition, WordOrder) or experiment.definition.order in ("TAE", "ATE", "AET")


def in_language(experiment: Experiment) -> bool:
    """Questions are asked in words: neither set inclusion nor digits."""
    return not isinstance(experiment.knowledge, SetInclusion | DigitGrids)


def of_digits(experiment: Experiment) -> bool:
    """Grids of digits."""
    return isinstance(experiment.knowledge, DigitGrids)


def worded(experiment: Experiment) -> bool:
    """Sources differ by their words alone: definitions that say is and is not."""
    return kind_of(experiment) == "worded"


def of_works(experiment: Experiment) -> bool:
    """Facts of T-REx, or those that stand for them at pocket size."""
    knowledge = experiment.knowledge
    return isinstance(knowledge, TREx) or (isinstance(knowledge, PocketWorld) and knowledge.facts == SYNTHETIC)


def encoder_decoder(experiment: Experiment) -> bool:
    """The model reads a prompt and says the rest (T5)."""
    model: Any = experiment.model
    if isinstance(model, FromScratch):
        return model.architecture in ENCODER_DECODERS
    if (known := _known(experiment)) is not None:
        return known.encoder
    return isinstance(model, HFModel) and reads_prompts_apart(model.name)


def parameters(experiment: Experiment) -> int | None:
    """Parameters of a model of the paper; None of any other."""
    known = _known(experiment)
    return None if known is None else known.parameters


def _known(experiment: Experiment) -> KnownModel | None:
    model = experiment.model
    return KNOWN_MODELS.get(model.name) if isinstance(model, HFModel) else None


def too_small(experiment: Experiment) -> bool:
    """A Pythia or GPT-Neo in which the paper found no gap."""
    return (
        isinstance(experiment.model, HFModel)
        and experiment.model.name.startswith("EleutherAI/")
        and (parameters(experiment) or _LARGE) < _LARGE
    )


def gpt_neo(experiment: Experiment) -> bool:
    """A GPT-Neo."""
    return isinstance(experiment.model, HFModel) and "gpt-neo-" in experiment.model.name


def largest_gpt_neo(experiment: Experiment) -> bool:
    """The largest GPT-Neo."""
    return isinstance(experiment.model, HFModel) and "gpt-neo-2.7B" in experiment.model.name


def full_batch(experiment: Experiment) -> bool:
    """X1 and X2 are trained together, on all of their documents at once."""
    name = stage_training(experiment, "X2")
    stage = next((stage for stage in experiment.stages if stage.name == name), None)
    if stage is None or name != stage_training(experiment, "X1"):
        return False
    return experiment.train_spec(stage).batch_size >= _FULL * _documents(experiment, stage.parts)


def batch_size(experiment: Experiment) -> float | None:
    """Documents of an update of the stage that trains on X2."""
    last = stage_training(experiment, "X2")
    return next((float(experiment.train_spec(s).batch_size) for s in experiment.stages if s.name == last), None)


def pairs(experiment: Experiment) -> int | None:
    """Variable-entity pairs of each subset of digits that is compared; None of other knowledge."""
    if not isinstance(experiment.knowledge, DigitGrids):
        return None
    found = dict(
        zip(
            (s.name for s in experiment.subsets),
            sizes(experiment.subsets, experiment.split.items(experiment.knowledge.entities)),
            strict=True,
        )
    )
    return found.get("D5cons")


def few_pairs(experiment: Experiment) -> bool:
    """Fewer pairs of digits than are enough."""
    found = pairs(experiment)
    return found is not None and found < _ENOUGH


def many_questions(experiment: Experiment) -> bool:
    """Set inclusion with more training questions a variable than the paper's 12."""
    return isinstance(experiment.knowledge, SetInclusion) and experiment.split.trained_questions > 12


def is_not(condition: Is) -> Is:
    """A condition does not hold."""
    return lambda experiment: not condition(experiment)


def _documents(experiment: Experiment, groups: tuple[str, ...]) -> int:
    """Documents of one epoch of a stage on parts of the data."""
    split = experiment.split
    copies = 1 if split.shared_entities else split.aliases_per_entity
    total = 0
    for subset, size in zip(
        experiment.subsets, sizes(experiment.subsets, split.items(experiment.knowledge.size())), strict=True
    ):
        if subset.group in groups:
            asked = size * (copies if subset.aliased else 1)
            total += asked * ((subset.source is not None) + (split.trained_questions if subset.has_qa else 0))
    return total
