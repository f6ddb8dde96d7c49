import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.names import pieced_names, random_words, whole_names

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(0, 300))
def test_words_are_different_and_not_taken(seed, count):
    taken = random_words(np.random.default_rng(seed + 1), 300, 2)
    words = random_words(np.random.default_rng(seed), count, 2, taken=taken)
    assert len(set(words)) == len(words) == count
    assert not set(words) & set(taken)
    assert all(re.fullmatch("[a-z]{2}", word) for word in words)


@given(SEEDS, st.integers(0, 300), st.integers(1, 3))
def test_words_are_those_that_one_after_the_other_would_draw(seed, count, length):
    letters = list("abcdefghijklmnopqrstuvwxyz")
    taken = ["ab", "q"]
    count = min(count, 26**length - len(taken))
    one_by_one: list[str] = []
    generator = np.random.default_rng(seed)
    while len(one_by_one) < count:
        word = "".join(generator.choice(letters, length))
        if word not in [*taken, *one_by_one]:
            one_by_one.append(word)
    drawn = np.random.default_rng(seed)
    assert random_words(drawn, count, length, taken=taken) == one_by_one
    assert drawn.bit_generator.state == generator.bit_generator.state


def test_all_words_there_are_can_be_drawn_and_no_more():
    generator = np.random.default_rng(0)
    assert len(random_words(generator, 26, 1)) == 26
    with pytest.raises(ValueError, match="there are not 27 different words of 1 letters"):
        random_words(generator, 27, 1)
    with pytest.raises(ValueError, match="there are not 26"):
        random_words(generator, 26, 1, taken=["a"])


@given(SEEDS, st.integers(0, 200))
def test_whole_names_are_different_tokens(seed, count):
    names, tokens = whole_names(np.random.default_rng(seed), count)
    assert len(set(names)) == count
    assert tokens == tuple(f" {name}" for name in names)
    assert all(re.fullmatch(r"<\|[a-z]{5}\|>", name) for name in names)


@given(SEEDS, st.integers(2, 40), st.data())
def test_pieced_names_are_different_pairs_of_pool_pieces(seed, pool, data):
    count = data.draw(st.integers(0, pool**2))
    names, tokens = pieced_names(np.random.default_rng(seed), count, pool)
    assert len(set(names)) == len(names) == count
    assert len(set(tokens)) == len(tokens) == 2 * pool
    assert all(re.fullmatch(r"<\|[a-z]{5}\|>", name) for name in names)
    assert all(f" {name[:5]}" in tokens and name[5:] in tokens for name in names)


def test_a_pool_that_is_too_small_is_refused():
    names, _ = pieced_names(np.random.default_rng(0), 9, 3)
    assert len(names) == 9
    with pytest.raises(ValueError, match="a pool of 3 makes 9 names, not 10"):
        pieced_names(np.random.default_rng(0), 10, 3)
