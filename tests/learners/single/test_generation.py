"""What generation settings force and forbid is what transformers' own processors of logits make of it."""

import logging
from types import SimpleNamespace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig
from transformers.generation import (
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    LogitsProcessorList,
    NoBadWordsLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
)

from sayso.core.corpus import Corpus
from sayso.learners.single.generation import RIVALS, Rules, ends_of, rules_of
from sayso.learners.single.learner import build
from sayso.learners.single.proving import choose_reader
from sayso.learners.specs import HFModel
from tests.tiny_models import save_tiny, some_documents

TOKENS, MOST = 12, 4
TOKEN = st.integers(0, TOKENS - 1)
SEVERAL = st.lists(TOKEN, min_size=1, max_size=4, unique=True)


def model(*, seq2seq: bool = True, **settings) -> SimpleNamespace:
    return SimpleNamespace(
        config=SimpleNamespace(is_encoder_decoder=seq2seq),
        generation_config=GenerationConfig(eos_token_id=1, **settings),
    )


@settings(max_examples=60)
@given(
    st.none() | TOKEN,
    st.none() | TOKEN | SEVERAL,
    st.none() | SEVERAL,
    st.none() | SEVERAL,
    st.none() | SEVERAL,
    st.data(),
)
def test_what_is_said_is_what_transformers_processors_leave(first, last, bad, never, begin, data):
    chosen = {
        "forced_bos_token_id": first,
        "forced_eos_token_id": last,
        "bad_words_ids": None if bad is None else [[token] for token in bad],
        "suppress_tokens": never,
        "begin_suppress_tokens": begin,
    }
    try:
        made = model(**chosen)
    except ValueError:  # settings that contradict each other
        assume(False)
    rules = rules_of(made, "m", MOST, TOKENS)
    theirs = LogitsProcessorList()  # in the order of `generate`, for a decoder whose text begins with one token
    if bad is not None and bad != [1]:
        theirs.append(NoBadWordsLogitsProcessor([[token] for token in bad], [1]))
    if first is not None:
        theirs.append(ForcedBOSTokenLogitsProcessor(first))
    if last is not None:
        theirs.append(ForcedEOSTokenLogitsProcessor(1 + MOST, last))
    if never is not None:
        theirs.append(SuppressTokensLogitsProcessor(never))
    if begin is not None:
        theirs.append(SuppressTokensAtBeginLogitsProcessor(begin, 1 + (first is not None)))
    logits = torch.tensor(data.draw(st.permutations(range(TOKENS)))).float()[None]
    for place in range(MOST):
        left = theirs(torch.zeros(1, 1 + place).long(), logits.clone())
        if float(left.max()) > -torch.inf:  # else they contradict each other
            said, noted = rules.likeliest(logits, [place])
            best, *others = left[0].sort(descending=True).indices.tolist()
            assert (int(said), noted.tokens) == (best, [best])
            behind = [(token, float(left[0, best] - left[0, token])) for token in others[:RIVALS]]
            allowed = [] if place in dict(rules.forced) else [pair for pair in behind if pair[1] < torch.inf]
            assert [pair for pair in noted.rivals[0] if pair[1] < torch.inf] == allowed


def test_nothing_is_forced_where_nothing_is_set():
    assert rules_of(model(), "m", MOST, TOKENS) == Rules()
    assert rules_of(SimpleNamespace(config=None), "m", MOST, TOKENS) == Rules()  # a model of somebody else's


def test_a_causal_models_text_begins_with_the_prompt():
    assert rules_of(model(seq2seq=False, forced_bos_token_id=3), "m", MOST, TOKENS) == Rules()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"min_length": 56, "no_repeat_ngram_size": 3}, "min_length=56, no_repeat_ngram_size=3"),
        ({"repetition_penalty": 1.1, "num_beams": 4, "do_sample": True}, "repetition_penalty=1.1"),
        ({"bad_words_ids": [[3], [4, 5]]}, "bad_words_ids=[4, 5]"),
    ],
)
def test_settings_for_other_work_are_left_out_and_named(settings, said, caplog):
    with caplog.at_level(logging.WARNING, "sayso"):
        rules_of(model(**settings), "m", MOST, TOKENS)
    assert caplog.messages == [f"model m: answers are greedy; its generation settings {said} are left out"]


def test_tokens_that_a_model_does_not_have_are_left_out_and_named(caplog):
    """Whisper's -1 would have forbidden the last token, one beyond the vocabulary ended a run."""
    made = model(
        forced_bos_token_id=TOKENS + 1,
        forced_eos_token_id=[1, TOKENS],
        suppress_tokens=[3, TOKENS, -1],
        begin_suppress_tokens=[TOKENS, 4],
        bad_words_ids=[[5], [-2]],
    )
    with caplog.at_level(logging.WARNING, "sayso"):
        rules = rules_of(made, "m", MOST, TOKENS)
    assert rules == Rules(((MOST - 1, 1),), (3, 5), (4,), 0)
    assert caplog.messages == [
        "model m: it has tokens 0 to 11; of its settings these are left out: forced_bos_token_id 13, "
        "forced_eos_token_id 12, suppress_tokens 12 -1, begin_suppress_tokens 12, bad_words_ids -2"
    ]
    assert rules_of(model(forced_eos_token_id=TOKENS), "m", MOST, TOKENS) == Rules()


def test_a_saved_model_whose_settings_name_such_tokens_is_scored(tmp_path):
    name = save_tiny(tmp_path)
    settings = GenerationConfig.from_pretrained(name)
    settings.suppress_tokens = [5, 100_000, -1]
    settings.begin_suppress_tokens = [100_000]
    settings.save_pretrained(name)
    learner = build([Corpus(1, {}, ())], HFModel(name=name))
    assert (learner.reader.rules.never, learner.reader.rules.never_first) == ((5,), ())
    assert len(learner.scores([some_documents(5)])[0].loss) == 5


def test_a_reader_is_made_with_its_rules(tmp_path):
    learner = build([Corpus(1, {}, ())], HFModel(name=save_tiny(tmp_path)))
    reader = choose_reader(learner.model, "m", range(10, 40), 0, learner.device, Rules(never=(7,)))
    assert reader.rules == Rules(never=(7,))


@pytest.mark.parametrize(("ids", "ends"), [(None, {9}), (3, {3, 9}), ([3, 4], {3, 4, 9}), ((3, 4), {3, 4, 9})])
def test_an_answer_ends_with_the_tokenizers_end_and_with_the_models(ids, ends):
    assert ends_of(SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=ids)), 9) == ends
    assert ends_of(SimpleNamespace(), 9) == {9}
