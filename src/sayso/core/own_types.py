"""The names that types of sayso's own go by in JSON: short, and the same wherever their modules are moved to.

A type of a user's own is written ``module:Class``. Names are looked up here as text, so that nothing is imported to
know whose a type is.
"""

from __future__ import annotations

from typing import Any

from sayso.core.errors import SaysoError, nearest

#: Name -> where it is, as ``module:Class``; every `Component` of sayso's that is not abstract.
OWN_TYPES = {
    # knowledge
    "CVDB": "sayso.data.published.cvdb:CVDB",
    "DigitGrids": "sayso.data.digits.grid:DigitGrids",
    "Notables": "sayso.data.notables:Notables",
    "PocketWorld": "sayso.data.pocket:PocketWorld",
    "SetInclusion": "sayso.data.set_inclusion:SetInclusion",
    "TREx": "sayso.data.published.trex:TREx",
    "Table": "sayso.data.tables.table:Table",
    # definitions and questions
    "QuestionAndAnswer": "sayso.data.formats:QuestionAndAnswer",
    "Sentence": "sayso.data.formats:Sentence",
    "Statement": "sayso.data.formats:Statement",
    "WordOrder": "sayso.data.formats:WordOrder",
    # models
    "ConvNeXtV2": "sayso.learners.grids.specs:ConvNeXtV2",
    "FromScratch": "sayso.learners.specs:FromScratch",
    "GridConvNet": "sayso.learners.grids.specs:GridConvNet",
    "GridMLP": "sayso.learners.grids.specs:GridMLP",
    "HFModel": "sayso.learners.specs:HFModel",
    # measures
    "Belief": "sayso.measures.belief:Belief",
    "ExactMatch": "sayso.measures.exact_match:ExactMatch",
    "ExactMatchByAttribute": "sayso.measures.by_attribute:ExactMatchByAttribute",
    "ExactMatchByEntity": "sayso.measures.by_entity:ExactMatchByEntity",
    "F1": "sayso.measures.f1:F1",
    "GradientAlignment": "sayso.measures.gradient_alignment:GradientAlignment",
    "DocumentLoss": "sayso.measures.document_loss:DocumentLoss",
    "MeanLoss": "sayso.measures.losses:MeanLoss",
    "Predictions": "sayso.measures.predictions:Predictions",
    "Probes": "sayso.measures.probing.probes:Probes",
    "Steered": "sayso.measures.probing.steered:Steered",
    "StepEffect": "sayso.measures.step_effect:StepEffect",
}


def written_name(module: str, name: str) -> str:
    """How a class is written in JSON.

    >>> written_name("sayso.learners.specs", "HFModel"), written_name("mine", "HFModel")
    ('HFModel', 'mine:HFModel')
    """
    dotted = f"{module}:{name}"
    return name if OWN_TYPES.get(name) == dotted else dotted


def has_foreign(data: Any) -> bool:
    """Whether plain data names a type of a user's own."""
    if isinstance(data, dict):
        written = data.get("type")
        return (isinstance(written, str) and _is_foreign(written)) or any(map(has_foreign, data.values()))
    return isinstance(data, list) and any(map(has_foreign, data))


def _is_foreign(written: str) -> bool:
    module = written.rpartition(":")[0]
    return bool(module) and module.partition(".")[0] != "sayso"


def own_location(written: str) -> str | None:
    """Where a type of sayso's own is, as ``module:Class``; None if the type is a user's.

    Spellings of earlier versions, which had the module before the name, are understood wherever that module was.

    >>> own_location("HFModel"), own_location("sayso.learners.hf:HFModel"), own_location("mine:HFModel")
    ('sayso.learners.specs:HFModel', 'sayso.learners.specs:HFModel', None)

    Raises
    ------
    SaysoError
        If it would be one of sayso's own, and there is none of that name.
    """
    if _is_foreign(written):
        return None
    name = written.rpartition(":")[2]
    if name not in OWN_TYPES:
        raise SaysoError(f"no type '{name}'{nearest(name, OWN_TYPES)}; a type of your own is written module:Class")
    return OWN_TYPES[name]
