"""Tokens as text, of every kind of tokenizer that models have."""

import numpy as np
import pytest
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus
from sayso.data.build import build_corpus
from sayso.learners.encoding import Encoder
from sayso.learners.single.learner import build
from sayso.learners.specs import HFModel
from sayso.learners.stacked.learner import StackedLearner
from sayso.learners.token_texts import token_texts
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES
from tests.tiny_models import question, save_tiny, some_documents
from tests.tokenizer_kinds import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")

PROMPT = question("<|abcde|>", 1, "queen")


@pytest.mark.parametrize("kind", KINDS)
def test_the_texts_of_tokens_hold_the_letters_of_what_is_read(kind, tmp_path):
    KINDS[kind](tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = np.array(tokenizer(PROMPT.prompt, add_special_tokens=False)["input_ids"])
    (texts,) = token_texts(tokenizer, [ids])
    assert len(texts) == len(ids)
    assert all(texts)
    assert "abcde" in "".join(texts).replace(" ", "").replace("▁", "") or tokenizer.unk_token in texts


def test_there_is_a_text_for_each_token_that_activations_count(tmp_path):
    for architecture in ("gpt_neox", "t5"):
        learner = build([Corpus(1, {}, ())], HFModel(name=save_tiny(tmp_path / architecture, architecture)))
        documents = some_documents(5)
        (found,) = learner.prompt_tokens([documents])
        encoder: Encoder = learner._encoder
        lengths = [len(item.context) or item.start for item in encoder.encode(documents)]
        assert [len(texts) for texts in found] == lengths
        assert "".join(found[0]).startswith(documents[0].prompt[:8])
        assert learner.layers() == 2


def test_tokens_of_whole_words_are_words():
    corpus = build_corpus(make_tiny(), 3)
    learner = StackedLearner([corpus], "gpt_neox", ARCHITECTURES["gpt_neox"])
    asked = corpus.eval_sets[0].examples[:2]
    assert learner.prompt_tokens([asked]) == [[tuple(item.prompt.split()) for item in asked]]
