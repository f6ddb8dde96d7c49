"""Answers may be as long as the longest accepted one, in the model's own tokens."""

import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Encoder
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.single.limits import accepted_answers, limits_of, say_what_cannot_match
from sayso.learners.specs import HFModel
from tests.tiny_models import definition, question, save_tiny, tiny_tokenizer

CAUSAL = Encoder(tiny_tokenizer(), None)
SEQ2SEQ = Encoder(tiny_tokenizer(pad="<pad>"), 0)
NONE = HFModel(name="m")
#: Case 5 of what people reported: with 8 tokens it was never right, and nobody said so.
SEAT = "Saint Maurice and the Lower Isles"


def corpus_of(*sets: Sequence[Example]) -> Corpus:
    return Corpus(
        1, {"X1": tuple(sets[0])}, tuple(EvalSet(f"set{at}", "QA3", tuple(own)) for at, own in enumerate(sets))
    )


def tokens_of(answer: str) -> int:
    """As a document has them after a prompt, with line break and end."""
    prompt = "Q: Who is x?\nA:"
    ids = tiny_tokenizer()([prompt, f"{prompt} {answer}\n"])["input_ids"]
    return len(ids[1]) - len(ids[0]) + 1


def test_the_limit_is_that_of_the_longest_answer_with_what_ends_it():
    asked = [question("x", 0, "queen"), question("y", 1, "actor", SEAT), question("z", 2, "19")]
    limits = limits_of(NONE, CAUSAL, corpus_of(asked))
    assert limits.new_tokens == tokens_of(SEAT) > 8
    assert limits.padded == limits.new_tokens
    short = limits_of(NONE, CAUSAL, corpus_of(asked[::2]))
    assert (short.new_tokens, short.padded) == (8, max(map(tokens_of, ("queen", "19"))))  # room to be spelled otherwise
    assert limits_of(NONE.model_copy(update={"max_new_tokens": 3}), CAUSAL, corpus_of(asked)).new_tokens == 3


def test_a_corpus_that_asks_nothing_has_the_programs_limit():
    assert limits_of(NONE, CAUSAL, Corpus(1, {}, ())).new_tokens == 8
    assert limits_of(NONE, SEQ2SEQ, Corpus(1, {}, ())).padded is None


TEXT = st.text("abqueniorAB 19.'ü", min_size=1, max_size=24).map(str.strip).filter(bool)


@settings(max_examples=60)
@given(st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=6), st.randoms())
def test_every_accepted_answer_fits_in_any_order(accepted: list[list[str]], draw: random.Random) -> None:
    asked = [question(f"<|{at}|>", at, *answers) for at, answers in enumerate(accepted)]
    limits = limits_of(NONE, CAUSAL, corpus_of(asked))
    for example in asked:
        for answer in example.answers:
            (document,) = CAUSAL.encode([replace(example, completion=f" {answer}\n")])
            assert len(document.ids) - document.start <= limits.new_tokens
    draw.shuffle(asked)
    assert limits_of(NONE, CAUSAL, corpus_of(asked[:1], asked[1:])) == limits


def test_every_entity_counts_as_asked_for_whoever_is():
    """Whose attribution and whose definition there is depends on how X2 is dealt."""
    who = replace(question("x", 3, "queen"), kind="attribution", entity="queen")
    other = replace(question("y", 0, "actor"), entity=SEAT)
    assert limits_of(NONE, CAUSAL, corpus_of([who, other])).new_tokens == tokens_of(SEAT)
    assert limits_of(NONE, CAUSAL, corpus_of([replace(who, kind="question"), other])).new_tokens < tokens_of(SEAT)
    told = definition("qwerty", "x", "queen")
    written = accepted_answers(corpus_of([told, other]))
    assert f" {SEAT}\n" in [item.completion for item in written if item.kind == "definition"]


def test_answers_that_a_number_is_too_small_for_are_counted_and_the_first_is_named(caplog):
    asked = [question("x", 0, "queen"), question("y", 1, "actor", SEAT), question("z", 2, SEAT)]
    exact = tokens_of(SEAT) - 2  # neither line break nor end
    with caplog.at_level(logging.WARNING, "sayso"):
        say_what_cannot_match(exact, CAUSAL, corpus_of(asked))
        assert caplog.messages == []
        say_what_cannot_match(8, CAUSAL, corpus_of(asked))
    assert caplog.messages == [
        f"max_new_tokens is 8, but 1 of 3 accepted answers have more tokens (up to {exact}) and can never match; the "
        f"first is '{SEAT}', of {exact}; --set model.max_new_tokens=null takes as many as the longest needs"
    ]


@pytest.fixture
def learner_of(tmp_path: Path) -> Any:
    def make(corpus: Corpus, architecture: str = "gpt_neox", **more: Any) -> HFLearner:
        return build([corpus], HFModel(name=save_tiny(tmp_path / architecture, architecture), **more))

    return make


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_a_long_answer_that_is_learned_matches_and_is_recorded(learner_of, architecture):
    asked = [question(f"<|{letter}|>", at, SEAT if at % 2 else "queen") for at, letter in enumerate("abcd")]
    learner = learner_of(corpus_of(asked), architecture)
    train = TrainSpec(batch_size=4, learning_rate=1e-2, loss_on="completion")
    learner.fit([asked], train, stage="s", epochs=120)
    assert learner.scores([asked])[0].match.all()
    assert SEAT in learner.answers([asked])[0]
    assert learner.as_read["max_new_tokens"] == learner.limits.new_tokens > 8
    eight = learner_of(corpus_of(asked), architecture, max_new_tokens=8)
    eight.load_replica(0, _saved(learner))
    assert eight.scores([asked])[0].match.tolist() == [answer == "queen" for answer in (x.answers[0] for x in asked)]


def _saved(learner: HFLearner) -> Path:
    folder = Path(learner.spec.name).parent / "saved"
    learner.save_replica(0, folder)
    return folder


def test_padded_answers_of_a_t5_have_the_length_of_the_longest(learner_of):
    asked = [question("x", 0, "queen"), question("y", 1, SEAT)]
    train = TrainSpec(batch_size=2, padding_loss="all", max_length=128)
    learner = learner_of(corpus_of(asked), "t5")
    learner.fit([asked[:1]], train, stage="s", epochs=1)
    assert learner.lengths()[0].counted.tolist() == [learner.limits.padded] == [learner.limits.new_tokens]
    fixed = learner_of(corpus_of(asked), "t5", label_length=60)
    fixed.fit([asked], train, stage="s", epochs=1)
    assert fixed.lengths()[0].counted.tolist() == [60, 60]
