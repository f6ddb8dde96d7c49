import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.learners.encoding import Document
from sayso.learners.single.grouping import group

NONE = np.array([], dtype=np.int64)

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=9), min_size=1, max_size=24)


def documents_of(sequences: list[list[int]]) -> list[Document]:
    return [Document(NONE, np.array(ids), len(ids) - 1, len(ids), 1) for ids in sequences]


def computed(documents: list[Document], found) -> int:
    widths = [max(len(documents[row].ids) for row in part.rows) - part.shared for part in found]
    return sum(part.shared + len(part.rows) * width for part, width in zip(found, widths, strict=True))


@settings(max_examples=200)
@given(SEQUENCES, st.sampled_from([0.0, 1.0, 5.0, 1000.0]), st.sampled_from([None, 1, 4]), st.booleans())
def test_every_document_is_in_one_group_of_which_it_shares_the_beginning(sequences, overhead, most, share):
    documents = documents_of(sequences)
    found = group(documents, overhead=overhead, most_rows=most, share=share)
    assert sorted(row for part in found for row in part.rows) == list(range(len(documents)))
    for part in found:
        assert most is None or len(part.rows) <= most
        assert len({tuple(documents[row].ids[: part.shared]) for row in part.rows}) == 1
        assert all(part.shared < documents[row].start for row in part.rows)
        assert share or part.shared == 0


@settings(max_examples=100)
@given(SEQUENCES)
def test_passes_that_cost_nothing_leave_no_padding(sequences):
    documents = documents_of(sequences)
    found = group(documents, overhead=0, most_rows=None, share=False)
    assert computed(documents, found) == sum(map(len, sequences))


@settings(max_examples=100)
@given(SEQUENCES, st.sampled_from([1.0, 4.0]))
def test_sharing_and_grouping_never_cost_more_than_one_padded_pass(sequences, overhead):
    documents = documents_of(sequences)
    padded = len(sequences) * max(map(len, sequences)) + overhead
    plain = group(documents, overhead=overhead, most_rows=None, share=False)
    assert computed(documents, plain) + overhead * len(plain) <= padded


def test_what_many_begin_with_is_computed_once():
    sequences = [[7, 7, 7, 7, row, 1, 2] for row in range(8)] + [[9, row, 3, 4, 5] for row in range(3)]
    documents = documents_of(sequences)
    found = group(documents, overhead=4, most_rows=None, share=True)
    assert {(len(part.rows), part.shared) for part in found} == {(8, 4), (3, 0)}


def test_passes_that_cost_much_are_few():
    documents = documents_of([[7] * 4 + [row] * (1 + row % 3) for row in range(12)])
    assert len(group(documents, overhead=1000, most_rows=None, share=True)) == 1
