"""Every document is a path of the row, and what several begin with stands in it once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.learners.encoding import Document
from sayso.learners.single.packing import Packed, pack, tokens_needed

TEXTS = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=9), min_size=1, max_size=12)


def document(ids: list[int], real: int | None = None) -> Document:
    return Document(np.array([]), np.array(ids), 1, real or len(ids), 1)


def beginnings(texts: list[list[int]], most: int) -> int:
    """How many tokens there are when each beginning of at most so many tokens stands once."""
    shared = {tuple(text[: at + 1]) for text in texts for at in range(min(most, len(text) - 1))}
    return len(shared) + sum(max(0, len(text) - 1 - most) for text in texts)


@given(TEXTS, st.integers(0, 9))
def test_documents_are_paths_and_beginnings_stand_once(texts, most):
    row = pack([document(text) for text in texts], most)
    assert len(row.ids) == beginnings(texts, most)
    for text, path, length in zip(texts, row.paths, row.lengths, strict=True):
        own = path[:length]
        assert row.ids[own].tolist() == text[:-1]
        assert row.positions[own].tolist() == list(range(length))
        assert (path[length:] == -1).all()
    assert row.shared == (len(row.ids) < sum(len(text) - 1 for text in texts))


@given(TEXTS, st.integers(0, 9))
def test_tokens_share_a_place_only_with_all_before_them(texts, most):
    row = pack([document(text) for text in texts], most)
    for at, one in enumerate(row.paths):
        for other in row.paths[:at]:
            same = (one == other) & (one >= 0)
            shared = int(same.sum())
            assert same[:shared].all()
            assert shared <= most


@given(TEXTS, st.integers(0, 9))
def test_places_lead_to_tokens_and_back(texts, most):
    row = pack([document(text) for text in texts], most)
    places = row.places()
    assert len(places) == sum(block.documents * block.width for block in row.blocks)
    assert places[row.first].tolist() == list(range(len(row.ids)))
    tight, first = row.without_padding()
    assert len(tight) == row.lengths.sum()
    assert tight[first].tolist() == list(range(len(row.ids)))
    ends = np.cumsum(row.lengths[row.order])
    for number, end in zip(row.order, ends, strict=True):
        length = row.lengths[number]
        assert tight[end - length : end].tolist() == row.paths[number, :length].tolist()


@given(TEXTS, st.integers(0, 9))
def test_how_many_tokens_a_row_needs_is_known_before(texts, most):
    documents = [document(text) for text in texts]
    order, added = tokens_needed(documents, most)
    assert sorted(order.tolist()) == list(range(len(texts)))
    assert added.sum() == len(pack(documents, most).ids)


@given(TEXTS, st.integers(0, 9), st.integers(1, 20))
def test_a_row_is_filled_up_with_documents_of_padding(texts, most, tile):
    documents = [document(text) for text in texts]
    row, bare = pack(documents, most, tile=tile, pad=7), pack(documents, most)
    filled = -len(bare.ids) % tile
    assert len(row.ids) == len(bare.ids) + filled
    assert row.ids[: len(bare.ids)].tolist() == bare.ids.tolist()
    assert (row.ids[len(bare.ids) :] == 7).all()
    assert row.paths[: len(texts)].tolist() == bare.paths.tolist()
    more = row.paths[len(texts) :]
    assert more[more >= 0].tolist() == list(range(len(bare.ids), len(row.ids)))
    assert row.lengths[len(texts) :].sum() == filled
    assert row.positions.max() <= row.lengths.max()
    assert row.places()[row.first].tolist() == list(range(len(row.ids)))


def test_documents_of_very_different_lengths_are_not_all_padded_to_the_longest():
    texts = [[1, 2, 3]] * 30 + [list(range(100))]
    row = pack([document(text) for text in texts], 0)
    assert [(block.documents, block.width) for block in row.blocks] == [(30, 2), (1, 99)]
    assert paddings(row) == 0
    alike = pack([document(list(range(size))) for size in range(10, 16)], 0)
    assert [(block.documents, block.width) for block in alike.blocks] == [(6, 14)]


def paddings(row: Packed) -> int:
    return sum(block.documents * block.width for block in row.blocks) - int(row.lengths.sum())


def test_padding_that_is_read_is_told_and_never_shared():
    padded = [document([1, 2, 3, 0, 0, 0], 3), document([1, 2, 3, 0, 0, 0], 4)]
    row = pack(padded, 9)
    assert len(row.ids) == 7  # the first three tokens stand once
    (block,) = row.blocks
    assert block.real is not None
    assert block.real.tolist() == [3, 4]


@pytest.mark.parametrize("most", [0, 3])
def test_one_document_is_a_row_of_its_own(most):
    row = pack([document([5, 6, 7])], most)
    assert row.ids.tolist() == [5, 6]
    assert not row.shared
