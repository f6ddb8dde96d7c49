import itertools

import numpy as np
import pytest

from sayso.core.examples import Example
from sayso.learners.encoding import Document, Encoder
from sayso.learners.stacked.accepted import Accepted
from sayso.learners.stacked.tokenizer import word_tokenizer
from tests.learners.conftest import example

#: 'ab' is one token or two, 'a b' too; 'a' begins both.
TOKENS = (" q", " a", " ab", "b", " b", " a b", "bb", " bb")
TOKENIZER = word_tokenizer(TOKENS)
END = TOKENIZER.eos_token_id
ENCODER = Encoder(TOKENIZER, None, words=True)


def encode(*examples: Example) -> list[Document]:
    return ENCODER.encode(examples)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([" ab"], True),
        ([" a"], True),
        ([" a", "b"], True),
        ([" a", " b"], False),
        ([" b"], True),
        ([" q"], False),
        ([" a", "bb"], False),
        ([" b", "b"], True),
        ([" ab", "b"], False),
    ],
)
def test_what_begins_an_accepted_answer_is_doubtful(said, expected):
    ids = TOKENIZER.convert_tokens_to_ids(said)
    question = example("q", "bb", "ab")
    batch = encode(question)
    batch[0].ids[1 : len(ids)] = ids[:-1]  # what greedy decoding said up to its first unexpected token
    found = Accepted(TOKENIZER).doubtful([question], batch, np.array([len(ids)]), np.array([ids[-1]]))
    assert bool(found) == expected


@pytest.mark.parametrize(("said", "expected"), [([" ab"], True), ([" a", "b"], True), ([" a"], False)])
def test_an_answer_that_has_ended_is_accepted_or_not(said, expected):
    ids = TOKENIZER.convert_tokens_to_ids(said)
    question = example("q", "bb bb bb", "ab")
    batch = encode(question)
    batch[0].ids[1 : 1 + len(ids)] = ids
    found = Accepted(TOKENIZER).doubtful([question], batch, np.array([1 + len(ids)]), np.array([END]))
    assert bool(found) == expected


def test_what_came_out_as_expected_is_not_doubtful():
    questions = [example("q", "ab"), example("q", "a b")]
    batch = encode(*questions)
    assert (
        Accepted(TOKENIZER).doubtful(
            questions, batch, np.array([len(item.ids) for item in batch]), np.zeros(2, dtype=np.int64)
        )
        == []
    )


def test_no_completion_that_may_be_accepted_is_ever_ruled_out():
    """All sequences of up to three tokens that spell an accepted answer are doubtful at each of their tokens."""
    answers = ("bb", "ab", "a b")
    question = example("q", *answers)
    checked = 0
    for length in (1, 2, 3):
        for tokens in itertools.product(range(2, len(TOKENIZER)), repeat=length):
            if TOKENIZER.decode(list(tokens)).strip() not in answers:
                continue
            said = (*tokens, END)
            for stop in range(1, len(said) + 1):
                batch = encode(example("q", "bb bb bb"))
                batch[0].ids[1:stop] = said[: stop - 1]
                at = (np.array([stop]), np.array([said[stop - 1]]))
                assert Accepted(TOKENIZER).doubtful([question], batch, *at) == [0], (tokens, stop)
                checked += 1
    assert checked >= 12
