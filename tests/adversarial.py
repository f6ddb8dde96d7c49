"""Questions whose accepted answers are near what a model says: for exact match against brute force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sayso.core.answers import AnswerPart, answer_in, is_match
from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.specs import HFModel
from tests.tiny_models import save_tiny, some_documents

#: Changes that normalisation undoes, or only seems to.
CHANGES = (
    lambda text: text,
    str.upper,
    str.lower,
    str.capitalize,
    lambda text: f"the {text}",
    lambda text: f"A {text}!",
    lambda text: f"an.{text}",
    lambda text: text.replace(" ", "  "),
    lambda text: text.replace(" ", "-"),
    lambda text: text.replace(" ", ", the "),
    lambda text: f"{text}.",
    lambda text: f"{text} x",
    lambda text: text[: max(1, len(text) // 2)],
    lambda text: text[1:],
    lambda text: "".join(reversed(text)),
    lambda text: "",
    lambda text: "the",
)


def decided_learner(folder: Path, architecture: str, part: AnswerPart, epochs: int) -> tuple[HFLearner, list[Example]]:
    """A model with something to say: random weights of a large scale, or ones trained on questions; and questions."""
    name = save_tiny(folder, architecture, scale=1.0 if epochs else 3.0)
    learner = build([Corpus(1, {}, ())], HFModel(name=name, answer=part))
    documents = [item for item in some_documents(156) if item.kind == "question"]
    if epochs:
        learner.fit([documents], TrainSpec(batch_size=32, learning_rate=5e-3), stage="s", epochs=epochs)
    return learner, documents


def adversarial(documents: Sequence[Example], said: Sequence[str], each: int, seed: int) -> Iterator[Example]:
    """Ask each question several times, accepting changed forms of what was said and of the answer trained on."""
    draw = np.random.default_rng(seed)
    for document, answer in zip(documents, said, strict=True):
        for _ in range(each):
            count = 1 + int(draw.integers(3))
            sources = (answer, document.answers[0])
            accepted = [CHANGES[int(draw.integers(len(CHANGES)))](sources[int(draw.integers(2))]) for _ in range(count)]
            yield replace(document, completion=f" {accepted[0]}\n", answers=tuple(accepted))


def brute_force(learner: HFLearner, prompt: str) -> str:
    """What transformers generates greedily after one prompt alone."""
    tokenizer, model = learner.tokenizer, learner.model
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    made: Any = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=1,
        max_new_tokens=learner.limits.new_tokens,
        pad_token_id=tokenizer.pad_token_id,
    )
    new = made[0, 1:] if model.config.is_encoder_decoder else made[0, ids.shape[1] :]
    text: str = tokenizer.decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return answer_in(text, learner.spec.answer)


def disagreements(
    learner: HFLearner, documents: Sequence[Example], each: int, seed: int = 0
) -> tuple[int, int, list[Any]]:
    """Score adversarial questions and decode them by brute force; give their number, the matches, and differences."""
    asked = list(adversarial(documents, learner.answers([documents])[0], each, seed))
    said = {item.prompt: brute_force(learner, item.prompt) for item in documents}
    match = learner.scores([asked])[0].match
    answers = learner.answers([asked])[0]
    wanted = [is_match(said[item.prompt], item.answers) for item in asked]
    rows = zip(asked, wanted, match, answers, strict=True)
    differ = [
        (item.answers, said[item.prompt], answer)
        for item, right, found, answer in rows
        if right != found or answer != said[item.prompt]
    ]
    return len(asked), sum(wanted), differ
