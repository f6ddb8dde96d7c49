import numpy as np
import pytest

from sayso.core.errors import SaysoError
from sayso.learners.stacked.batching import Batch, buckets, encode, stack
from sayso.learners.stacked.tokenizer import word_tokenizer
from tests.learners.conftest import example

TOKENS = (" born", " ?", " A", " B", " A B", "b")
TOKENIZER = word_tokenizer(TOKENS)
BORN, ASK, A, B, A_B, PIECE = range(2, 8)


def test_documents_are_padded_on_the_right_and_their_parts_known():
    batch = encode(TOKENIZER, [example("born A ?", "B"), example("born ?", "A B", "B"), example("born", "B")])
    assert batch.ids.tolist() == [[BORN, A, ASK, B, 1], [BORN, ASK, A_B, 1, 0], [BORN, B, 1, 0, 0]]
    assert batch.prompt.tolist() == [3, 2, 1]
    assert batch.size.tolist() == [5, 4, 3]


def test_nothing_is_an_empty_batch():
    assert [part.shape for part in vars(encode(TOKENIZER, [])).values()] == [(0, 1), (0,), (0,), (0, 0)]


def test_what_counts_in_the_loss():
    batch = encode(TOKENIZER, [example("born A ?", "B"), example("born", "B")])
    # position t says whether token t + 1 counts
    assert batch.counted("all").tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.counted("completion").tolist() == [[False, False, True, True], [True, True, False, False]]


@pytest.mark.parametrize("document", [example("born C ?", "B"), example("born A ?", "C"), example("bornA ?", "B")])
def test_an_unknown_word_is_an_error_that_shows_the_document(document):
    with pytest.raises(SaysoError, match="holds a word that is not in the vocabulary") as caught:
        encode(TOKENIZER, [example("born", "A"), document])
    assert document.text in str(caught.value)


def test_a_token_that_is_partly_prompt_and_partly_completion_is_an_error():
    with pytest.raises(SaysoError, match="partly prompt and partly completion"):
        encode(TOKENIZER, [example("born A", "B")])  # 'A B' is a token


def test_batches_of_replicas_are_stacked_to_one_shape():
    one = encode(TOKENIZER, [example("born A ?", "B"), example("born", "B")])
    other = encode(TOKENIZER, [example("born", "A")])
    both = stack([one, other], pad=0)
    assert both.ids.shape == (2, 2, 5)
    assert np.array_equal(both.ids[0], one.ids)
    assert both.ids[1].tolist() == [[BORN, A, 1, 0, 0], [0] * 5]
    assert both.size.tolist() == [[5, 3], [3, 0]]
    assert both.prompt.tolist() == [[3, 1], [1, 0]]
    assert both.context.shape == (2, 2, 0)
    assert both.counted("completion")[0].tolist() == one.counted("completion").tolist()
    assert [part.tolist() for part in vars(both.replica(0)).values()] == [part.tolist() for part in vars(one).values()]


def test_buckets_hold_every_row_once_with_those_of_its_shape():
    texts = [example("born A ?", "B"), example("born", "B"), example("born ?", "A"), example("born", "A B")]
    plain = [stack([encode(TOKENIZER, texts), encode(TOKENIZER, texts[:1])], pad=0)]
    plain.append(Batch(plain[0].ids, plain[0].prompt, plain[0].size, plain[0].ids[..., :3] % 3))
    for batch in plain:
        seen = []
        for read, prompt, size, rows in buckets(batch, 0, most_rows=1):
            assert rows.shape == (2, 1)
            for replica, row in np.argwhere(rows >= 0).tolist():
                row = rows[replica, row]
                assert (batch.prompt[replica, row], batch.size[replica, row]) == (prompt, size)
                assert (batch.context[replica, row] != 0).sum() == read
                seen.append((replica, row))
        assert sorted(seen) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
