"""The two kinds of model that are asked whom they trust, each with the facts it knows and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.protocols import KnowledgeBase
from sayso.core.subsets import SplitSpec
from sayso.core.training import Stage, TrainSpec
from sayso.data.formats import QuestionAndAnswer, Sentence
from sayso.data.knowledge import knowledge_of
from sayso.data.notables import Notables
from sayso.data.people import NOTABLES
from sayso.data.pocket import SYNTHETIC, PocketWorld
from sayso.data.tables.table import Table
from sayso.learners.specs import HFModel, LoRA
from sayso.paper.pocket_settings import SMALL

#: The model that is trained from random weights in the pocket world, and has no sources to trust.
POCKET = "pocket"


def facts_of(model: str, knowledge: str | Path | None, own: Mapping[str, Any]) -> KnowledgeBase:
    """What entities there are."""
    name = NOTABLES if knowledge is None else str(knowledge)
    if model != POCKET:
        return Notables(**own) if name == NOTABLES else knowledge_of(name, own)
    if name not in (NOTABLES, SYNTHETIC):
        of_table = {key: value for key, value in own.items() if key not in PocketWorld.model_fields}
        table = knowledge_of(name, of_table)
        if not isinstance(table, Table):
            raise SaysoError(f"{name}: the pocket world takes a table, and this is read as {type(table).__name__}")
        of_world = {key: value for key, value in own.items() if key in PocketWorld.model_fields}
        return PocketWorld(**{"entities": 12, "names": 32, "facts": table, **of_world})
    return PocketWorld(**{"entities": 12, "names": 32, "facts": name, **own})


def pretrained(
    shared: Mapping[str, Any],
    model: str,
    facts: KnowledgeBase,
    template: Mapping[str, str],
    aliases: int | None,
    lora: int | None,
) -> Experiment:
    """A pretrained model, which knows the entities and the sources already."""
    return Experiment(
        **shared,
        knowledge=facts,
        split=_split(aliases or 1),
        definition=Sentence(**{"template": "{tag} {alias} refers to {entity}.", **template}),
        questions=QuestionAndAnswer(),
        model=HFModel(
            name=model, lora=None if lora is None else LoRA(rank=lora, alpha=2 * lora), evaluation_precision="fastest"
        ),
        train=TrainSpec(
            optimizer="adafactor",
            learning_rate=1e-3 if lora is None else 5e-3,
            batch_size=8,
            loss_on="completion",  # what is to be learned is who it is, not the letters of a random name
            max_length=128,
            precision="fastest",
        ),
        stages=(Stage(name="told", documents=("X2",), epochs=4),),
    )


def pocket(
    shared: Mapping[str, Any],
    model: str,  # noqa: ARG001
    facts: KnowledgeBase,
    template: Mapping[str, str],
    aliases: int | None,
    lora: int | None,
) -> Experiment:
    """A small model from random weights, which is told of the entities in stage 0, and knows no source."""
    if lora is not None:
        raise SaysoError("LoRA is for pretrained models; leave it out with the model 'pocket'")
    return Experiment(
        **shared,
        knowledge=facts,
        split=_split(aliases or 16),
        definition=Sentence(**{"template": "{tag} {alias} refers to {entity}", **template}),
        model=SMALL,
        train=TrainSpec(optimizer="adafactor", learning_rate=2e-3, batch_size=32, loss_on="all"),
        stages=(
            Stage(name="stage0", documents=("world",), epochs=12, overrides={"learning_rate": 3e-3}, measured=False),
            Stage(name="told", documents=("X2",), epochs=5),
        ),
    )


def _split(aliases: int) -> SplitSpec:
    """Names are dealt one by one, so that of those of an entity each may be another source's."""
    return SplitSpec(aliases_per_entity=aliases, shared_entities=True, trained_questions=1, latin_square=True)
