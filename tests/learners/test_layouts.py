from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoConfig

from sayso.learners.encoding import Encoder
from sayso.learners.layouts import Causal, SequenceToSequence, layout_of
from sayso.learners.stacked.batching import encode
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.learners.stacked.tokens import Tokens, join
from tests.learners.conftest import example

TOKENIZER = word_tokenizer((" born", " ?", " A", " B", " A B", "b"))
PAD, END, BORN, ASK, A, B, A_B, PIECE = range(8)
EXAMPLES = [example("born A ?", "B"), example("born ?", "A B B", "B"), example("born", "B")]


def test_a_sequence_to_sequence_model_reads_the_prompt_and_writes_the_rest():
    batch = SequenceToSequence().arrange(encode(TOKENIZER, EXAMPLES), TOKENIZER)
    assert batch.context.tolist() == [[BORN, A, ASK, END], [BORN, ASK, END, PAD], [BORN, END, PAD, PAD]]
    assert batch.ids.tolist() == [[PAD, B, END, PAD], [PAD, A_B, B, END], [PAD, B, END, PAD]]
    assert batch.prompt.tolist() == [1, 1, 1]
    assert batch.size.tolist() == [3, 4, 3]


def test_it_is_the_layout_of_models_from_the_hub():
    batch = SequenceToSequence().arrange(encode(TOKENIZER, EXAMPLES), TOKENIZER)
    examples = [replace(each, completion=each.completion.strip()) for each in EXAMPLES]  # it puts the space itself
    for row, document in enumerate(Encoder(TOKENIZER, decoder_start=PAD).encode(examples)):
        assert batch.ids[row, : batch.size[row]].tolist() == document.ids.tolist()
        assert batch.context[row, : len(document.context)].tolist() == document.context.tolist()


@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_what_counts_is_the_completion_whatever_the_loss_is_on(loss_on):
    batch = SequenceToSequence().arrange(encode(TOKENIZER, EXAMPLES), TOKENIZER)
    yes, no = True, False
    assert batch.counted(loss_on).tolist() == [[yes, yes, no], [yes, yes, yes], [yes, yes, no]]
    assert batch.counted(loss_on, end=False).tolist() == [[yes, no, no], [yes, yes, no], [yes, no, no]]


def test_a_causal_model_reads_documents_as_they_are():
    batch = encode(TOKENIZER, EXAMPLES)
    assert Causal().arrange(batch, TOKENIZER) is batch


def test_nothing_is_an_empty_batch():
    batch = SequenceToSequence().arrange(encode(TOKENIZER, []), TOKENIZER)
    assert [part.shape for part in vars(batch).values()] == [(0, 1), (0,), (0,), (0, 1)]
    assert batch.counted("all").shape == (0, 0)


def test_the_contexts_padding_is_masked_and_nothing_else():
    batch = SequenceToSequence().arrange(encode(TOKENIZER, EXAMPLES), TOKENIZER)
    given = SequenceToSequence().arguments(Tokens.of(batch, torch.device("cpu")), PAD)
    assert np.array_equal(given["attention_mask"][:, 0, 0] == 0, batch.context != PAD)
    assert given["attention_mask"].isfinite().all()


@pytest.mark.parametrize(
    ("architecture", "config", "expected"),
    [
        ("gpt_neox", {}, Causal),
        ("t5", {}, SequenceToSequence),
        ("bart", {}, SequenceToSequence),
        ("bart", {"is_encoder_decoder": False, "is_decoder": True}, Causal),
        ("bert", {}, type(None)),
        ("vit", {}, type(None)),
    ],
)
def test_a_configuration_says_of_which_kind_a_model_is(architecture, config, expected):
    assert type(layout_of(AutoConfig.for_model(architecture, **config))) is expected


def test_rows_are_joined_and_taken_with_their_contexts():
    one = Tokens(torch.tensor([[[1, 2]]]), torch.tensor([[[3]]]))
    other = Tokens(torch.tensor([[[4]]]), torch.tensor([[[5, 6]]]))
    both = one.above(other)
    assert (both.ids.tolist(), both.context.tolist()) == ([[[1, 2], [4, 0]]], [[[3, 0], [5, 6]]])
    below = both.at(torch.tensor([[0]]), torch.tensor([[1]]))
    assert (below.ids.tolist(), below.context.tolist()) == ([[[4, 0]]], [[[5, 6]]])
    assert both.written(-1).ids.tolist() == [[[1], [4]]]
    assert join(torch.ones(1, 1, 1, dtype=torch.bool), torch.ones(1, 1, 2, dtype=torch.bool)).tolist() == [
        [[True, False], [True, True]]
    ]
