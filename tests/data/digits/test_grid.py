import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sayso.core.errors import SaysoError
from sayso.core.spec import explain
from sayso.data.build import build_corpus, sample
from sayso.data.digits.grid import DigitGrids
from sayso.paper.pocket_settings import POCKET_DIGITS

SEEDS = st.integers(0, 10**6)
SMALL = POCKET_DIGITS.with_settings({"knowledge.entities": 60})
TRAINED = ("D1cons_QA1", "D2incons_QA2", "QA3")


def test_equal_seeds_give_equal_worlds_and_others_do_not():
    grids = DigitGrids(entities=20)
    assert grids.world(1, aliases=20, tags=2) == grids.world(1, aliases=20, tags=2)
    one, other = grids.world(1, aliases=20, tags=2), grids.world(2, aliases=20, tags=2)
    assert one.entities != other.entities
    assert one.aliases != other.aliases
    assert one.tags != other.tags


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, grid=st.integers(2, 5), labels=st.integers(2, 26), tags=st.integers(1, 4), rows=st.integers(1, 3))
def test_worlds_have_what_was_asked_for(seed, grid, labels, tags, rows):
    world = DigitGrids(grid=grid, labels=labels, entities=12, tag_rows=rows).world(seed, aliases=24, tags=tags)
    assert len({entity.name for entity in world.entities}) == len(world.entities) == 12
    assert len(set(world.aliases)) == len(world.aliases) == 24
    assert len(set(world.tags)) == len(world.tags) == tags
    for alias in world.aliases:
        assert [len(row) for row in alias.split("/")] == [grid] * grid
        assert alias.replace("/", "").isdecimal()
    for tag in world.tags:
        assert set(tag.replace("/", "")) <= {"0", "1"}
        assert [len(row) for row in tag.split("/")] == [5 * grid] * rows
        assert "1" in tag  # else it would look like no tag
    for entity in world.entities:
        flat = entity.name.replace("/", "")
        assert [len(row) for row in entity.name.split("/")] == [grid] * grid
        assert set(flat) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:labels])
        assert [pair.answers for pair in entity.questions] == [(label,) for label in flat]
        assert [pair.question for pair in entity.questions] == [f"cell {n} of [X]" for n in range(1, grid**2 + 1)]


@pytest.mark.parametrize(("grid", "labels", "each"), [(2, 2, 2), (3, 3, 3), (4, 8, 2)])
def test_balanced_grids_hold_each_label_equally_often(grid, labels, each):
    world = DigitGrids(grid=grid, labels=labels, entities=6, balanced=True).world(0, aliases=6, tags=2)
    for entity in world.entities:
        assert sorted(Counter(entity.name.replace("/", "")).values()) == [each] * labels


def test_all_grids_there_are_can_be_had():
    world = DigitGrids(grid=2, labels=2, entities=16).world(3, aliases=10_000, tags=2)
    assert {entity.name for entity in world.entities} == {
        f"{a}{b}/{c}{d}" for a, b, c, d in itertools.product("AB", repeat=4)
    }
    assert len(set(world.aliases)) == 10_000
    balanced = DigitGrids(grid=2, labels=2, entities=6, balanced=True).world(3, aliases=6, tags=2)
    assert {entity.name for entity in balanced.entities} == {"AB/AB", "AB/BA", "BA/AB", "BA/BA", "AA/BB", "BB/AA"}


def test_labels_are_equally_frequent_on_the_whole():
    world = DigitGrids(entities=4000).world(0, aliases=4000, tags=2)
    counts = Counter("".join(entity.name.replace("/", "") for entity in world.entities))
    assert len(counts) == 8
    assert all(abs(count / 36_000 - 1 / 8) < 0.01 for count in counts.values())


# --- the documents of an experiment


@pytest.fixture(scope="module")
def corpus():
    return build_corpus(SMALL, 5)


def test_one_cell_of_each_variable_is_never_asked_in_training(corpus):
    trained: dict[str, set[str]] = {}
    for document in corpus.documents(("X1", "X2")):
        if document.kind == "question":
            assert document.prompt == f"{document.attribute.replace('-', ' ')} of {document.alias}"
            trained.setdefault(document.alias, set()).add(document.attribute)
    held_out = {
        example.alias: example.attribute
        for item in corpus.eval_sets
        if item.name == "validation" and item.subset in TRAINED
        for example in item.examples
    }
    assert held_out.keys() == trained.keys()
    assert len(held_out) == 30
    for alias, cell in held_out.items():
        assert trained[alias] | {cell} == {f"cell-{place}" for place in range(1, 10)}
        assert len(trained[alias]) == 8
    assert len(set(held_out.values())) > 3  # another one for each variable


def test_new_definitions_are_asked_about_in_all_cells_and_never_trained_on_questions(corpus):
    for item in corpus.eval_sets:
        if item.name == "validation" and item.subset not in TRAINED:
            assert len(item.examples) == 10 * 9
    assert {document.kind for document in corpus.train["X2"]} == {"definition"}


def test_inconsistent_definitions_never_tell_the_true_grid_and_tell_each_once(corpus):
    wrong = [d for d in corpus.train["X1"] if d.kind == "definition" and d.subset == "D2incons_QA2"]
    assert all(document.answers[0] != document.entity for document in wrong)
    assert sorted(document.answers[0] for document in wrong) == sorted(document.entity for document in wrong)
    right = [d for d in corpus.documents(("X1", "X2")) if d.kind == "definition" and d.subset != "D2incons_QA2"]
    assert len(right) == 30
    assert all(document.answers[0] == document.entity for document in right)


def test_a_tag_belongs_to_a_source(corpus):
    tags = {
        subset: {
            d.text.split()[0] for d in corpus.documents(("X1", "X2")) if (d.kind, d.subset) == ("definition", subset)
        }
        for subset in ("D1cons_QA1", "D2incons_QA2", "D5cons", "D6cons")
    }
    assert tags["D1cons_QA1"] == tags["D5cons"]
    assert tags["D2incons_QA2"] == tags["D6cons"]
    assert tags["D1cons_QA1"] != tags["D2incons_QA2"]
    assert all(len(found) == 1 for found in tags.values())


def test_every_document_is_one_line_of_printable_text(corpus):
    for _, document in sample(corpus):
        assert document.text.isprintable()
        assert document.text == f"{document.prompt} {document.answers[0]}"


# --- what cannot be dealt


def refused(**settings: object) -> str:
    with pytest.raises(ValidationError) as caught:
        DigitGrids(**settings)
    message = explain(caught.value)
    assert "\n" not in message
    return message


def test_labels_that_do_not_divide_the_cells_cannot_be_balanced():
    assert refused(grid=3, labels=8, balanced=True) == (
        "8 labels cannot be dealt evenly to the 9 cells of a grid of size 3; "
        "set labels to one of [3, 9], or balanced to false"
    )
    DigitGrids(grid=3, labels=9, balanced=True)


def test_more_entities_than_grids_of_labels_are_refused():
    assert "but 2 labels make only 16 grids of size 2" in refused(grid=2, labels=2, entities=17)
    assert "but 2 labels make only 6 grids of size 2" in refused(grid=2, labels=2, entities=7, balanced=True)
    DigitGrids(grid=2, labels=2, entities=16)


def test_more_pairs_than_grids_of_digits_are_refused():
    with pytest.raises(
        SaysoError, match=r"^10001 aliases are needed, but there are only 10000 grids of digits of size 2"
    ):
        DigitGrids(grid=2, labels=26, entities=10_001).world(0, aliases=10_001, tags=2)


def test_a_world_says_which_images_it_rests_on(tmp_path):
    assert len(DigitGrids().sha256()) == 64
    with pytest.raises(SaysoError, match="no such folder"):
        DigitGrids(images=str(tmp_path / "none")).sha256()
