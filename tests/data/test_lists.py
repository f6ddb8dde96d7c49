from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from sayso.data.lists import different_lists, lists_about, subsets


def test_all_sets_of_a_length_are_equally_likely():
    rows = 20_000
    found = Counter(map(frozenset, subsets(np.random.default_rng(0), 6, 3, rows).tolist()))
    assert found.keys() == set(map(frozenset, itertools.combinations(range(6), 3)))
    assert sum((count - rows / 20) ** 2 / (rows / 20) for count in found.values()) < 43.8  # chi-square, 19 df, p=.001


def test_every_place_in_a_list_is_as_likely_for_every_integer():
    rows = 20_000
    fit = np.full((rows, 1), 2)
    lists = lists_about(np.random.default_rng(0), 5, 3, fit, np.ones(rows, dtype=bool))
    for place in range(3):
        count = np.bincount(lists[:, place], minlength=5)
        assert abs(count[2] - rows / 3) < 300
        assert np.abs(count[[0, 1, 3, 4]] - rows / 6).max() < 300


@pytest.mark.parametrize("besides", [False, True])
def test_every_list_there_is_can_be_used_up(besides):
    generator = np.random.default_rng(0)
    fit = np.array([[0], [3]])
    before = different_lists(generator, 4, 2, fit, 4) if besides else None
    lists = different_lists(generator, 4, 2, fit, 2 if besides else 6, besides=before)
    every = lists if before is None else np.concatenate([before, lists], axis=1)
    for own in every.tolist():
        assert set(map(frozenset, own)) == set(map(frozenset, itertools.combinations(range(4), 2)))
