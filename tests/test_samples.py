import json

import pytest

import sayso
from sayso import SaysoError
from sayso.samples import sample_documents


def test_samples_are_the_documents_of_a_seed(tiny):
    first = [(where, document.text) for where, document in sayso.samples(tiny, seed=2)]
    assert first == [(where, document.text) for where, document in sayso.samples(tiny, seed=2)]
    assert first != [(where, document.text) for where, document in sayso.samples(tiny, seed=3)]
    assert {where for where, _ in first} >= {"world", "X1", "X2", "validation"}


def test_samples_of_an_unknown_subset_are_an_error(tiny):
    with pytest.raises(SaysoError, match="no subset 'D5con'; did you mean 'D5cons'"):
        sayso.samples(tiny, subset="D5con")


def test_a_few_samples_of_each_kind_show_everything(tiny):
    found = sample_documents(tiny, each=1)
    assert len({(where, subset) for where, subset, _ in found}) >= 20
    assert json.loads(json.dumps(found)) == [list(row) for row in found]
