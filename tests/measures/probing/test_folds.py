"""No entity in two folds, balanced classes in each, and what happens otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.measures.probing.crossval import read
from sayso.measures.probing.folds import Folds, make_folds, shuffled

SHARES = {"a": 1, "b": 1, "c": 2}


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(10, 40))
@settings(max_examples=40)
def test_no_entity_is_in_two_folds_and_classes_are_balanced_in_each(seed, count, entities):
    generator = draw(seed)
    about = [f"e{number}" for number in generator.integers(entities, size=400)]
    kinds = generator.choice(["a", "b", "c"], size=400).tolist()
    found = make_folds(about, kinds, SHARES, count, generator, "x")
    assert len(set(found.chosen.tolist())) == len(found.chosen)
    home: dict[str, int] = {}
    for row, fold in zip(found.chosen.tolist(), found.fold.tolist(), strict=True):
        assert home.setdefault(about[row], fold) == fold
    for fold in range(count):
        own = [kinds[row] for row in found.chosen[found.fold == fold]]
        assert own.count("a") == own.count("b") > 0
        assert own.count("c") == 2 * own.count("a")
    again = make_folds(about, kinds, SHARES, count, draw(3), "x")
    assert (again.chosen.tolist(), again.fold.tolist()) == (
        (same := make_folds(about, kinds, SHARES, count, draw(3), "x")).chosen.tolist(),
        same.fold.tolist(),
    )


def test_entities_of_their_own_are_dealt_evenly():
    found = make_folds([f"e{row}" for row in range(40)], ["a"] * 20 + ["b"] * 20, {"a": 1, "b": 1}, 5, draw(), "x")
    assert np.bincount(found.fold).tolist() == [8] * 5


def test_too_few_for_so_many_folds_is_one_line_that_says_how_many_would_do():
    about, kinds = ["e1", "e2", "e3"] * 4, ["a", "b"] * 6
    with pytest.raises(SaysoError) as error:
        make_folds(about, kinds, {"a": 1, "b": 1}, 5, draw(), "tag")
    assert str(error.value) == "tag: there are 6 of a, 6 of b, about 3 entities, too few for 5 folds; set folds to 3"
    with pytest.raises(SaysoError, match=r"there are 1 of a, 0 of b, about 1 entities.*; ask about more aliases"):
        make_folds(["e"], ["a"], {"a": 1, "b": 1}, 5, draw(), "tag")


def entities_with_one_label_each(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Aliases that show whose they are, and nothing else: labels are those of entities, dealt at random."""
    generator = draw(seed)
    entities = np.repeat(np.arange(20), 10)
    signs = generator.normal(size=(20, 30))
    labels = generator.permutation(np.arange(20) % 2 == 0)[entities]
    return signs[entities] + 0.1 * generator.normal(size=(200, 30)), labels, [f"e{number}" for number in entities]


def accuracy(inputs, labels, folds: Folds) -> float:
    return float(read(inputs[None, folds.chosen], folds, labels[None, folds.chosen], [0.01]).accuracy[0, 0])


def test_folds_that_share_entities_would_leak_and_these_do_not():
    found = []
    for seed in range(5):
        inputs, labels, about = entities_with_one_label_each(seed)
        kinds = np.where(labels, "a", "b").tolist()
        apart = make_folds(about, kinds, {"a": 1, "b": 1}, 5, draw(seed), "x")
        mixed = make_folds([str(row) for row in range(200)], kinds, {"a": 1, "b": 1}, 5, draw(seed), "x")
        assert accuracy(inputs, labels, mixed) > 0.9
        found.append(accuracy(inputs, labels, apart))
    assert np.mean(found) < 0.65


def test_labels_are_shuffled_within_folds():
    labels, fold = np.array([True, False] * 20), np.repeat(np.arange(4), 10)
    about = [f"e{row % 7}" for row in range(40)]
    found = shuffled(labels, fold, about, draw())
    assert (found != labels).any()
    for number in range(4):
        assert found[fold == number].sum() == labels[fold == number].sum()


def test_where_entities_have_one_label_their_aliases_keep_one():
    _, labels, about = entities_with_one_label_each()
    fold = np.array([int(name[1:]) % 2 for name in about])
    found = shuffled(labels, fold, about, draw())
    assert (found != labels).any()
    assert all(
        len({bool(label) for label, name in zip(found, about, strict=True) if name == own}) == 1 for own in set(about)
    )
    assert found.sum() == labels.sum()
