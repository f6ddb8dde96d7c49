"""Log-probabilities of candidate answers, against transformers' own forward pass of one candidate at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.data.build import build_corpus
from sayso.learners.candidates import written
from sayso.learners.single import learner as single
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.plain import PlainReader
from sayso.learners.specs import HFModel
from sayso.learners.stacked.learner import StackedLearner
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES, AUTO_CLASS
from tests.tiny_models import save_tiny, some_documents

QUESTIONS = [item for item in some_documents(60) if item.kind == "question"][:6]
ANSWERS = ("queen", "The king of France", "19 century", "Ünal", "a")


def bare(tokenizer: Any, ids: list[int]) -> list[int]:
    """Without the end of text that some tokenizers add."""
    return ids[:-1] if ids[-1] == tokenizer.eos_token_id else ids


def plain(model: Any, tokenizer: Any, example: Example, answer: str, *, seq2seq: bool) -> float:
    """Log-probability of the answer's tokens after the prompt."""
    before = example.completion.partition(example.answers[0])[0]
    with torch.no_grad():
        if seq2seq:
            label = bare(tokenizer, tokenizer(text_target=before + answer).input_ids)
            given = tokenizer(example.prompt, return_tensors="pt").input_ids
            logits = model(input_ids=given, labels=torch.tensor([label])).logits[0]
            ids = label
        else:
            prompt = bare(tokenizer, tokenizer(example.prompt).input_ids)
            text = bare(tokenizer, tokenizer(example.prompt + before + answer).input_ids)
            logits = model(input_ids=torch.tensor([text])).logits[0, len(prompt) - 1 : -1]
            ids = text[len(prompt) :]
    told = logits.double().log_softmax(-1)
    return float(sum(told[at, token] for at, token in enumerate(ids)))


def learner_of(folder: str | Path, **settings: Any) -> HFLearner:
    return build([Corpus(1, {}, ())], HFModel(name=str(folder), **settings))


def read_plainly(model: Any, name: str, ordinary: Any, pad: int, device: Any, *rest: Any, **more: Any) -> PlainReader:
    """What a model of an unknown family is read with."""
    return PlainReader(model, pad, device, "one length")


@pytest.mark.parametrize(
    ("architecture", "how"),
    [("gpt_neox", "packed"), ("gpt2", "packed"), ("gpt_neo", "bucketed"), ("t5", "bucketed"), ("gpt2", "plain")],
)
def test_candidates_of_one_model_are_those_of_plain_passes(
    architecture: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if how == "plain":
        monkeypatch.setattr(single, "choose_reader", read_plainly)
    learner = learner_of(save_tiny(tmp_path, architecture, scale=4.0))
    assert learner.reader.name == how
    asked = [ANSWERS[: 1 + at] if at else () for at in range(len(QUESTIONS))]
    alone, (found,) = learner.scores([QUESTIONS])[0], learner.scores([QUESTIONS], [asked])
    assert alone.choices is None
    np.testing.assert_array_equal(found.loss, alone.loss)
    np.testing.assert_array_equal(found.match, alone.match)
    assert found.choices is not None
    for example, own, values in zip(QUESTIONS, asked, found.choices, strict=True):
        right = [
            plain(learner.model, learner.tokenizer, example, answer, seq2seq=architecture == "t5") for answer in own
        ]
        np.testing.assert_allclose(values, right, atol=2e-4)


def test_candidates_of_one_model_do_not_depend_on_what_else_is_asked(tmp_path: Path):
    learner = learner_of(save_tiny(tmp_path, scale=4.0))
    together = learner.scores([QUESTIONS], [[ANSWERS] * len(QUESTIONS)])[0].choices or []
    for example, values in zip(QUESTIONS, together, strict=True):
        for place, answer in enumerate(ANSWERS):
            (alone,) = learner.scores([[example]], [[[answer]]])[0].choices or []
            np.testing.assert_allclose(alone, values[place : place + 1], rtol=1e-5)


def test_a_candidate_given_twice_counts_twice_and_is_read_once(tmp_path: Path):
    learner = learner_of(save_tiny(tmp_path, scale=4.0))
    (twice,) = learner.scores([QUESTIONS[:1]], [[("queen", "a", "queen")]])[0].choices or []
    assert twice[0] == twice[2] != twice[1]
    assert len(written(QUESTIONS[:1], [("queen", "a", "queen")]).examples) == 2


def test_candidates_in_bfloat16_are_near_those_of_float32(tmp_path: Path):
    folder, asked = save_tiny(tmp_path, scale=3.0), [ANSWERS] * len(QUESTIONS)
    exact = learner_of(folder).scores([QUESTIONS], [asked])[0]
    rough = learner_of(folder, evaluation_precision="bfloat16").scores([QUESTIONS], [asked])[0]
    np.testing.assert_array_equal(rough.match, exact.match)
    for near, right in zip(rough.choices or [], exact.choices or [], strict=True):
        np.testing.assert_allclose(near, right, rtol=0.05, atol=0.1)
        assert not np.array_equal(near, right)


TINY = make_tiny()
CORPORA = [build_corpus(TINY, seed) for seed in (3, 4)]


def some_questions(corpus: Corpus, count: int = 12) -> list[Example]:
    return [e for item in corpus.eval_sets if item.name in ("validation", "train_qa") for e in item.examples][:count]


def columns(examples: Sequence[Example], count: int) -> list[list[str]]:
    answers = sorted({example.answers[0] for example in examples})
    return [[example.answers[0], *(a for a in answers if a != example.answers[0])][:count] for example in examples]


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_candidates_of_replicas_are_those_of_plain_passes_and_come_of_the_same_pass(architecture: str, tmp_path: Path):
    stacked = StackedLearner(CORPORA, architecture, ARCHITECTURES[architecture])
    examples = [some_questions(corpus) for corpus in CORPORA]
    asked = [columns(own, 3 + at) for at, own in enumerate(examples)]
    passes: list[int] = []
    own_pass = stacked._score_rows

    def counted(*given: Any) -> Any:
        passes.append(1)
        return own_pass(*given)

    stacked._score_rows = counted  # type: ignore[method-assign,assignment]
    alone = stacked.scores(examples)
    once = len(passes)
    found = stacked.scores(examples, asked)
    assert len(passes) == 2 * once
    for replica, (own, before) in enumerate(zip(found, alone, strict=True)):
        np.testing.assert_array_equal(own.loss, before.loss)
        folder = tmp_path / str(replica)
        stacked.save_replica(replica, folder)
        model = AUTO_CLASS[architecture].from_pretrained(folder).eval()
        tokenizer = stacked.tokenizers[replica]
        assert own.choices is not None
        for example, texts, values in zip(examples[replica], asked[replica], own.choices, strict=True):
            right = [plain(model, tokenizer, example, text, seq2seq=architecture == "t5") for text in texts]
            np.testing.assert_allclose(values, right, atol=1e-4)


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_a_replica_gives_its_candidates_what_its_weights_give_them_alone(architecture: str, tmp_path: Path):
    stacked = StackedLearner(CORPORA, architecture, ARCHITECTURES[architecture])
    examples = [some_questions(corpus, 6) for corpus in CORPORA]
    asked = [columns(own, 4) for own in examples]
    for replica, found in enumerate(stacked.scores(examples, asked)):
        folder = tmp_path / str(replica)
        stacked.save_replica(replica, folder)
        (single_,) = learner_of(folder).scores([examples[replica]], [asked[replica]])
        for ours, theirs in zip(found.choices or [], single_.choices or [], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_example_without_candidates_has_none():
    stacked = StackedLearner(CORPORA[:1], "gpt_neox", ARCHITECTURES["gpt_neox"])
    one, other = some_questions(CORPORA[0], 2)
    choices = stacked.scores([[one, other]], [[(), (one.answers[0],)]])[0].choices or []
    assert [len(values) for values in choices] == [0, 1]
    assert stacked.scores([[]], [[]])[0].choices == []


def test_candidates_of_several_tokens_are_summed_and_do_not_depend_on_the_others():
    stacked = StackedLearner(CORPORA[:1], "gpt_neox", ARCHITECTURES["gpt_neox"])
    (examples,) = [some_questions(CORPORA[0], 4)]
    one, other = examples[0].answers[0], examples[1].answers[0]
    first = stacked.scores([examples], [[[one, other]] * 4])[0].choices
    mixed = stacked.scores([examples], [[[one, other, f"{one} {other}"]] * 4])[0].choices
    assert first is not None
    assert mixed is not None
    for short, long, example in zip(first, mixed, examples, strict=True):
        np.testing.assert_allclose(long[:2], short, atol=1e-5)
        after = replace(example, prompt=f"{example.prompt} {one}")
        (then,) = stacked.scores([[after]], [[[other]]])[0].choices or []
        np.testing.assert_allclose(long[2], short[0] + then[0], atol=1e-5)
