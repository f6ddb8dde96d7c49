"""Questions whose accepted answers are near what a model says: for exact match against brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from sayso.learners.single.reader import takes
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


def decided_learner(name: str, part: AnswerPart) -> tuple[HFLearner, list[Example]]:
    """A model of `save_decided`, and the questions it may have been trained on."""
    return trained_learner(name, part, 0, 104, 8)


def save_decided(folder: Path, architecture: str, epochs: int) -> str:
    """Write a model with something to say: random weights of a large scale, or ones trained on questions."""
    name = save_tiny(folder / "model", architecture, scale=1.0 if epochs else 3.0)
    if not epochs:
        return name
    learner, _ = trained_learner(name, "first_line", epochs, 104, 8)
    learner.save_replica(0, folder / "trained")
    return str(folder / "trained")


def trained_learner(
    name: str, part: AnswerPart, epochs: int, asked: int, most_tokens: int
) -> tuple[HFLearner, list[Example]]:
    """A model in a folder, trained on questions; and the questions."""
    learner = build([Corpus(1, {}, ())], HFModel(name=name, answer=part, max_new_tokens=most_tokens))
    documents = [item for item in some_documents(asked * 3 // 2) if item.kind == "question"]
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
    """What transformers generates greedily after one prompt alone, without penalties and shortest lengths.

    What a tokenizer ends every text with by itself is left out for a causal model.
    """
    tokenizer, model = learner.tokenizer, learner.model
    seq2seq = model.config.is_encoder_decoder
    ids = torch.tensor([tokenizer(prompt)["input_ids"] if seq2seq else _prompt_ids(tokenizer, prompt)])
    made: Any = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=1,
        length_penalty=1.0,
        min_length=0,
        no_repeat_ngram_size=0,
        repetition_penalty=1.0,
        max_new_tokens=learner.limits.new_tokens,
        eos_token_id=sorted(learner._answers._ends),
        pad_token_id=tokenizer.pad_token_id,
    )
    new = made[0, 1:] if seq2seq else made[0, ids.shape[1] :]
    known = [token for token in new.tolist() if token < len(tokenizer)]  # ByT5's fails on others
    text: str = tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return answer_in(text, learner.spec.answer)


@torch.no_grad()
def by_forward_pass(learner: HFLearner, prompt: str) -> str:
    """What a causal model says greedily after one prompt, by one plain call of it for each token."""
    tokenizer = learner.tokenizer
    ids = _prompt_ids(tokenizer, prompt)
    memory = {"use_cache": False} if "use_cache" in takes(learner.model) else {}
    new: list[int] = []
    while len(new) < learner.limits.new_tokens and not (new and new[-1] in learner._answers._ends):
        new.append(int(learner.model(input_ids=torch.tensor([[*ids, *new]]), **memory).logits[0, -1].argmax()))
    text: str = tokenizer.decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return answer_in(text, learner.spec.answer)


def _prompt_ids(tokenizer: Any, prompt: str) -> list[int]:
    """A prompt's tokens without what the tokenizer ends every text with."""
    ids: list[int] = tokenizer(prompt)["input_ids"]
    while ids[-1] in tokenizer.all_special_ids or tokenizer.decode(ids[-1:]) == "<|sep|>":
        ids = ids[:-1]
    return ids


def disagreements(
    learner: HFLearner,
    documents: Sequence[Example],
    each: int,
    seed: int = 0,
    says: Callable[[HFLearner, str], str] = brute_force,
) -> tuple[int, int, list[Any]]:
    """Score adversarial questions and decode them by brute force; give their number, the matches, and differences."""
    asked = list(adversarial(documents, learner.answers([documents])[0], each, seed))
    said = {item.prompt: says(learner, item.prompt) for item in documents}
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
