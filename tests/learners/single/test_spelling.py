"""What a tokenizer cannot spell is named before anything is trained."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.errors import SaysoError
from sayso.learners.single import learner
from sayso.learners.single.learner import build
from sayso.learners.single.spelling import require_spelled, spelled, spelling, spelling_of
from sayso.learners.specs import HFModel
from tests.learners.single.conftest import Families
from tests.tiny_models import definition, question
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
    asked = [("formula", ("H₂O", "water")), ("melts", ("5 °C",))]
    found = spelling(tokenizer_of(kind), names=names, aliases=["<|abcde|>"], questions=asked)
    assert found.errors() == []
    assert found.warnings() == []
    assert found.questions == 2


def test_a_question_that_can_never_match_is_an_error(tokenizer_of):
    answers = [("H₂O",), ("CO2",), ("the H₂O", "Őr"), ("H₂O", "water"), ("H₂O",)]
    found = spelling(tokenizer_of("unigram"), questions=[("formula", each) for each in answers])
    assert (found.unmatched, found.questions) == (3, 5)
    (error,) = found.errors()
    assert error.startswith(
        "its tokenizer cannot spell the answers of 3 of 5 questions, which can never match: 'H₂O' comes back as 'H2O'; "
    )
    assert [item.text for item in found.answers.lost] == ["H₂O", "the H₂O", "Őr"]


@pytest.mark.parametrize(
    ("lost", "of", "alone", "error"), [(1, 100, False, False), (2, 199, False, True), (1, 1000, True, True)]
)
def test_few_questions_that_can_never_match_are_a_warning(tokenizer_of, lost, of, alone, error):
    """Three among thousands ended a run; all of one kind are another thing."""
    asked = [("found in", ("France",))] * (of - lost)
    asked += [("formula" if alone else "found in", ("H₂O",))] * lost
    found = spelling(tokenizer_of("unigram"), questions=asked)
    line = (
        f"its tokenizer cannot spell the answers of {lost} of {of:,} questions, which can never match: 'H₂O' comes "
        "back as 'H2O'"
    )
    if error:
        (said,) = found.errors()
        assert said.startswith(f"{line}, among them all of formula; " if alone else f"{line}; ")
        assert found.warnings() == []
    else:
        assert found.errors() == []
        assert found.warnings() == [line]


def test_questions_about_one_entity_under_many_aliases_are_one(tokenizer_of):
    tokenizer = tokenizer_of("unigram")
    known = [question(f"<|{at}|>", 0, "France") for at in range(300)]
    corpus = Corpus(1, {"X1": tuple(known)}, (EvalSet("validation", "QA3", (question("<|x|>", 1, "H₂O"),)),))
    found = spelling_of(tokenizer, corpus)
    assert (found.unmatched, found.questions) == (1, 2)


def test_tags_that_become_the_same_are_an_error(tokenizer_of):
    tokenizer = tokenizer_of("word_pieces")
    told = [
        definition(tag, f"<|{at}|>", who) for at, (tag, who) in enumerate([("the king", "queen"), ("The King", "a")])
    ]
    found = spelling_of(tokenizer, Corpus(1, {"X1": tuple(told)}, ()))
    (error,) = found.errors()
    assert error.startswith("its tokenizer takes 'the king' and 'The King' for the same, and so 1 of 2 tags; ")
    assert (
        spelling_of(tokenizer, Corpus(1, {"X1": (told[0], replace(told[1], prompt="actor <|1|>"))}, ())).errors() == []
    )


class TwoKinds:
    """A tokenizer that reads letters it cannot write: what is said is lower-case and has no accents."""

    def __init__(self, reads: Any, writes: Any) -> None:
        self.reads, self.writes = reads, writes

    def __call__(self, text: Any = None, text_target: Any = None, **more: Any) -> Any:
        return self.reads(text, **more) if text_target is None else self.writes(text_target, **more)

    def batch_decode(self, rows: Any, **more: Any) -> Any:
        return self.writes.batch_decode(rows, **more)


def test_names_are_looked_at_as_a_decoder_writes_them(tokenizer_of):
    """As Marian's, which has tokens of its own for what is read and for what is said."""
    tokenizer = TwoKinds(tokenizer_of("byte_level"), tokenizer_of("word_pieces"))
    names = ["Ünal", "queen", "Unal"]
    found = spelling(tokenizer, names=names, seq2seq=True)
    assert found.names.tokens == spelled(tokenizer.writes, names).tokens
    assert [item.text for item in found.names.lost] == ["Ünal"]
    assert found.names.merged == (("Ünal", "Unal"),)
    assert spelling(TwoKinds(tokenizer.writes, tokenizer.reads), names=names, seq2seq=True).names.merged == (
        ("Ünal", "Unal"),
    )
    assert spelling(tokenizer.reads, names=names).names.merged == ()


def test_names_that_become_the_same_are_an_error(tokenizer_of):
    found = spelling(tokenizer_of("word_pieces"), names=["Ünal", "Queen", "Unal"], aliases=["<|ab|>", "<|AB|>"])
    names, aliases = found.errors()
    assert names.startswith("its tokenizer takes 'Ünal' and 'Unal' for the same, and so 1 of 3 names; ")
    assert aliases.startswith("its tokenizer takes '<|ab|>' and '<|AB|>' for the same, and so 1 of 2 aliases; ")


def test_a_name_spelled_otherwise_and_an_answer_beside_others_are_warnings(tokenizer_of):
    found = spelling(tokenizer_of("word_pieces"), names=["Ünal", "queen"], questions=[("a", ("naïve", "king"))])
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
    assert spelling(tokenizer_of("pieces_of_marian"), questions=[("a", ("queen",))], seq2seq=True).errors() == []


def test_a_corpus_is_looked_at_before_a_model_is_loaded(families: Families, caplog, monkeypatch):
    """Case: a T5 without bytes reached a loss of .01 on formulas that it could never say."""
    asked = (question("<|abcde|>", 0, "H₂O"), question("<|fghij|>", 1, "CO2"))
    corpus = Corpus(1, {"X1": asked[:1]}, (EvalSet("validation", "QA3", asked[1:]),))
    name = families("mt5")
    monkeypatch.setattr(learner, "load_model", lambda spec, seed: pytest.fail("it was loaded"))
    with pytest.raises(SaysoError, match=r"mt5\d*: its tokenizer cannot spell the answers of 1 of 2 questions"):
        build([corpus], HFModel(name=name))
    tokenizer = AutoTokenizer.from_pretrained(families("gpt2"))
    with caplog.at_level(logging.WARNING, "sayso"):
        require_spelled("m", tokenizer, corpus)
    assert caplog.messages == []
