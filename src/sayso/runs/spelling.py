"""What a model's tokenizer makes of facts, before anything is trained on them."""

from __future__ import annotations

from collections.abc import Iterator

from sayso.core.examples import EntityFacts, Example
from sayso.core.experiment import Experiment
from sayso.core.protocols import QuestionFormat
from sayso.data.check import Finding
from sayso.data.facts import ATTRIBUTION, FactBase
from sayso.learners.specs import HFModel


def check_spelling(knowledge: FactBase, experiment: Experiment, model: HFModel) -> Iterator[Finding]:
    """Find what a tokenizer cannot spell or tell apart, and answers that are longer than an answer may be.

    Names and answers are those of all entities, asked about as the experiment does; tags are the texts that its sources
    are given (random ones differ from each other in every seed).

    Raises
    ------
    SaysoError
        If the facts cannot be read, or the model's configuration and tokenizer cannot be had.
    """
    from sayso.learners.encoding import Encoder
    from sayso.learners.single.limits import what_cannot_match
    from sayso.learners.single.pretrained import load_config, load_tokenizer
    from sayso.learners.single.spelling import spelling

    entities = knowledge.first()
    tokenizer, seq2seq = load_tokenizer(model), load_config(model).is_encoder_decoder
    found = spelling(
        tokenizer,
        names=(entity.name for entity in entities),
        tags=(text for source in experiment.sources for text in source.texts),
        questions=((pair.attribute, pair.answers) for entity in entities for pair in entity.questions),
        seq2seq=seq2seq,
    )
    (name, longest), (answer, most) = found.names.longest, found.answers.longest
    yield Finding(
        "note", f"in tokens of {model.name}: longest name {longest} ({name!r}), longest answer {most} ({answer!r})"
    )
    yield from (Finding("error", line) for line in found.errors())
    yield from (Finding("warning", line) for line in found.warnings())
    limit = experiment.model.max_new_tokens if isinstance(experiment.model, HFModel) else None
    if limit is not None and experiment.questions is not None:
        encoder = Encoder(tokenizer, tokenizer.eos_token_id if seq2seq else None)  # which token begins does not matter
        if line := what_cannot_match(limit, encoder, list(_asked(entities, experiment.questions))):
            yield Finding("warning", line)


def _asked(entities: tuple[EntityFacts, ...], written: QuestionFormat) -> Iterator[Example]:
    """An example for each way an answer is written, names among them: they answer who somebody is."""
    seen: set[str] = set()
    for entity in entities:
        pairs = [(pair.question, answer) for pair in entity.questions for answer in pair.answers]
        for asked, answer in [*pairs, (ATTRIBUTION["who"], entity.name)]:
            prompt, completion = written.write(asked.replace("[X]", entity.name), answer)
            if completion not in seen:
                seen.add(completion)
                yield Example(prompt, completion, (answer,), "question", "", "", entity.name)
