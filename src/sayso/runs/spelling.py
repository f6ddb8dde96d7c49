"""What a model's tokenizer makes of facts, before anything is trained on them."""

from __future__ import annotations

from collections.abc import Iterator

from sayso.core.experiment import Experiment
from sayso.data.facts import FactBase
from sayso.data.tables.check import Finding
from sayso.learners.specs import HFModel


def check_spelling(knowledge: FactBase, experiment: Experiment, model: HFModel) -> Iterator[Finding]:
    """Find what a tokenizer cannot spell or tell apart, and answers that are longer than an answer may be.

    Names and answers are those of all entities, which are asked about as the experiment does.

    Raises
    ------
    SaysoError
        If the facts cannot be read, or the model's configuration and tokenizer cannot be had.
    """
    from sayso.learners.single.pretrained import load_config, load_tokenizer
    from sayso.learners.single.spelling import spelling

    entities = knowledge.first()
    found = spelling(
        load_tokenizer(model),
        names=(entity.name for entity in entities),
        answers=(pair.answers for entity in entities for pair in entity.questions),
        seq2seq=load_config(model).is_encoder_decoder,
    )
    (name, longest), (answer, most) = found.names.longest, found.answers.longest
    yield Finding(
        "note", f"in tokens of {model.name}: longest name {longest} ({name!r}), longest answer {most} ({answer!r})"
    )
    yield from (Finding("error", line) for line in found.errors())
    yield from (Finding("warning", line) for line in found.warnings())
    limit = experiment.model.max_new_tokens if isinstance(experiment.model, HFModel) else None
    if limit is not None and (long := found.answers.over(limit)):
        text, tokens = long[0]
        yield Finding(
            "warning",
            f"{len(long):,} of {len(found.answers.texts):,} answers have more tokens than the {limit} that an answer "
            f"may have and can never match; the first is {text!r}, of {tokens}; --set model.max_new_tokens=null takes "
            "as many as the longest needs",
        )
