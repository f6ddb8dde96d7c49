"""What a tokenizer cannot spell is named before anything is trained."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.errors import SaysoError
from sayso.learners.single.learner import build
from sayso.learners.single.spelling import require_spelled, spelled, spelling
from sayso.learners.specs import HFModel
from tests.learners.single.conftest import Families
from tests.tiny_models import question
from tests.tokenizer_kinds import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")


@pytest.fixture
def tokenizer_of(tmp_path) -> Callable[[str], Any]:
    def made(kind: str) -> Any:
        KINDS[kind](tmp_path)
        return AutoTokenizer.from_pretrained(tmp_path)

    return made


@pytest.mark.parametrize("kind", ["byte_level", "pieces_of_llama", "bytes_in_python"])
def test_bytes_spell_everything(tokenizer_of, kind):
    names = ["Ünal", "Unal", "Győr", "Москва", "王小明", "O'Brien", "Łódź-Nord", "𝔄 🙂", "A  b"]
    found = spelling(tokenizer_of(kind), names=names, aliases=["<|abcde|>"], answers=[("H₂O", "water"), ("5 °C",)])
    assert found.errors() == []
    assert found.warnings() == []
    assert found.questions == 2


def test_a_question_that_can_never_match_is_an_error(tokenizer_of):
    found = spelling(
        tokenizer_of("unigram"), answers=[("H₂O",), ("CO2",), ("the H₂O", "Őr"), ("H₂O", "water"), ("H₂O",)]
    )
    assert found.questions == 4
    (error,) = found.errors()
    assert error.startswith(
        "its tokenizer cannot spell the answers of 2 of 4 questions, which can never match: 'H₂O' comes back as 'H2O'; "
    )
    assert [item.text for item in found.answers.lost] == ["H₂O", "the H₂O", "Őr"]


def test_names_that_become_the_same_are_an_error(tokenizer_of):
    found = spelling(tokenizer_of("word_pieces"), names=["Ünal", "Queen", "Unal"], aliases=["<|ab|>", "<|AB|>"])
    names, aliases = found.errors()
    assert names.startswith("its tokenizer takes 'Ünal' and 'Unal' for the same, and so 1 of 3 names; ")
    assert aliases.startswith("its tokenizer takes '<|ab|>' and '<|AB|>' for the same, and so 1 of 2 aliases; ")


def test_a_name_spelled_otherwise_and_an_answer_beside_others_are_warnings(tokenizer_of):
    found = spelling(tokenizer_of("word_pieces"), names=["Ünal", "queen"], answers=[("naïve", "king")])
    assert found.errors() == []
    assert found.warnings() == [
        "its tokenizer spells 1 of 2 names otherwise ('Ünal' comes back as 'unal'): attribution to them never matches",
        "its tokenizer spells 1 of 2 accepted answers otherwise ('naïve' comes back as 'naive'): they never match",
    ]


def test_lengths_are_those_of_texts_after_other_words(tokenizer_of):
    tokenizer = tokenizer_of("bytes_in_python")
    found = spelled(tokenizer, ["a", "queen", "queen", "Őr"])
    assert found.texts == ("a", "queen", "Őr")
    assert found.tokens == (2, 6, 4)
    assert found.longest == ("queen", 6)
    assert found.over(3) == [("queen", 6), ("Őr", 4)]
    assert spelled(tokenizer, []).longest == ("", 0)


def test_answers_of_a_decoder_are_looked_at_as_it_writes_them(tokenizer_of):
    assert spelling(tokenizer_of("pieces_of_marian"), answers=[("queen",)], seq2seq=True).errors() == []


def test_a_corpus_is_looked_at_before_a_model_is_trained(families: Families, caplog):
    """Case: a T5 without bytes reached a loss of .01 on formulas that it could never say."""
    asked = (question("<|abcde|>", 0, "H₂O"), question("<|fghij|>", 1, "CO2"))
    corpus = Corpus(1, {"X1": asked[:1]}, (EvalSet("validation", "QA3", asked[1:]),))
    name = families("mt5")
    with pytest.raises(SaysoError, match=r"mt5\d*: its tokenizer cannot spell the answers of 1 of 2 questions"):
        build([corpus], HFModel(name=name))
    tokenizer = AutoTokenizer.from_pretrained(families("gpt2"))
    with caplog.at_level(logging.WARNING, "sayso"):
        require_spelled("m", tokenizer, corpus)
    assert caplog.messages == []
