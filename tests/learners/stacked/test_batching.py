import numpy as np
import torch

from sayso.core.training import TrainSpec
from sayso.learners.encoding import Encoder
from sayso.learners.stacked.batching import Tokens, buckets, join, stack
from sayso.learners.stacked.tokenizer import word_tokenizer
from tests.learners.conftest import example

TOKENIZER = word_tokenizer((" born", " ?", " A", " B", " A B", "b"))
BORN, ASK, A, B, A_B, PIECE = range(2, 8)
CAUSAL, SEQ2SEQ = Encoder(TOKENIZER, None, words=True), Encoder(TOKENIZER, 0, words=True)
TEXTS = [example("born A ?", "B"), example("born", "B"), example("born ?", "A"), example("born", "A B")]


def test_documents_are_padded_on_the_right_and_their_parts_known():
    texts = [example("born A ?", "B"), example("born ?", "A B", "B"), example("born", "B")]
    batch = stack([CAUSAL.encode(texts)], pad=0)
    assert batch.ids.tolist() == [[[BORN, A, ASK, B, 1], [BORN, ASK, A_B, 1, 0], [BORN, B, 1, 0, 0]]]
    assert batch.start.tolist() == [[3, 2, 1]]
    assert batch.size.tolist() == [[5, 4, 3]]
    assert batch.context.shape == (1, 3, 0)


def test_nothing_is_an_empty_batch():
    batch = stack([[], []], pad=0)
    assert [part.shape for part in vars(batch).values()] == [(2, 0, 1), (2, 0, 0), (2, 0), (2, 0), (2, 0), (2, 0, 0)]


def test_what_counts_in_the_loss():
    texts = [example("born A ?", "B"), example("born", "B")]
    yes, no = True, False
    expected = {
        ("all", "first_eos"): [[yes] * 4, [yes, yes, no, no]],
        ("completion", "first_eos"): [[no, no, yes, yes], [yes, yes, no, no]],
        ("completion", "none"): [[no, no, yes], [yes, no, no]],
    }
    for (loss_on, padding), counted in expected.items():  # position t says whether token t + 1 counts
        documents = CAUSAL.for_training(texts, TrainSpec(loss_on=loss_on, padding_loss=padding))
        assert stack([documents], pad=0).counted.tolist() == [counted]
    for loss_on in ("all", "completion"):  # of what is read apart nothing counts
        documents = SEQ2SEQ.for_training([*texts, example("born", "A B B")], TrainSpec(loss_on=loss_on))
        assert stack([documents], pad=0).counted.tolist() == [[[yes, yes, no], [yes, yes, no], [yes, yes, yes]]]


def test_replicas_are_stacked_to_one_shape():
    one, other = CAUSAL.encode([example("born A ?", "B"), example("born", "B")]), CAUSAL.encode([example("born", "A")])
    both = stack([one, other], pad=0)
    assert both.ids.shape == (2, 2, 5)
    assert np.array_equal(both.ids[:1], stack([one], pad=0).ids)
    assert both.ids[1].tolist() == [[BORN, A, 1, 0, 0], [0] * 5]
    assert both.size.tolist() == [[5, 3], [3, 0]]
    assert both.start.tolist() == [[3, 1], [1, 0]]
    assert not both.counted[1, 1].any()


def test_contexts_have_a_length_of_their_own():
    batch = stack([SEQ2SEQ.encode(TEXTS[:2])], pad=0)
    assert batch.context.tolist() == [[[BORN, A, ASK, 1], [BORN, 1, 0, 0]]]
    assert batch.read.tolist() == [[4, 2]]


def test_buckets_hold_every_row_once_with_those_of_its_shape():
    for encoder in (CAUSAL, SEQ2SEQ):
        batch = stack([encoder.encode(TEXTS), encoder.encode(TEXTS[:1])], pad=0)
        seen = []
        for read, prompt, size, rows in buckets(batch, most_rows=1):
            assert rows.shape == (2, 1)
            for replica, row in np.argwhere(rows >= 0).tolist():
                row = rows[replica, row]
                assert (batch.start[replica, row], batch.size[replica, row]) == (prompt, size)
                assert batch.read[replica, row] == read
                seen.append((replica, row))
        assert sorted(seen) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]


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
