import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.pictures import fixed_draws
from sayso.data.build import build_corpus, sample
from sayso.data.digits.images import SCIKIT_LEARN, DigitImages, digit_images
from sayso.data.digits.pictures import GridPictures
from sayso.data.formats import QuestionAndAnswer, WordOrder
from sayso.paper.pocket_settings import POCKET_DIGITS

IMAGES = digit_images(SCIKIT_LEARN)
PICTURES = GridPictures(3, "ABCDEFGH", IMAGES)
TAG = "011000000000001"
ONE_ROW = POCKET_DIGITS.with_settings({"knowledge.tag_rows": 1})


def question(place: int = 5, alias: str = "694/107/382", label: str = "B") -> Example:
    return Example(f"cell {place} of {alias}", f" {label}", (label,), "question", "QA3", alias, "x", f"cell-{place}")


def definition(tag: str = TAG, alias: str = "694/107/382", named: str = "ABA/CBD/EAH") -> Example:
    return Example(f"{tag} {alias}", f" {named}", (named,), "definition", "D5cons", alias, named)


def tiny_images(side: int = 3) -> DigitImages:
    """One image a digit and split, all pixels alike: ten times the digit, and five more in the test split."""
    values = np.array([10 * digit + 5 * split for split in (0, 1) for digit in range(10)], dtype=np.uint8)
    images = np.broadcast_to(values[:, None, None], (20, side, side)).copy()
    return DigitImages(images, np.arange(20).reshape(2, 10), np.ones((2, 10), dtype=np.int64), "0")


def drawn_by_hand(pictures: GridPictures, digits: str, asked: int | None, tag: str | None) -> NDArray[np.uint8]:
    """A picture made pixel by pixel, the slow way."""
    side, size = pictures.source.images.shape[1] + 2, pictures.size
    height = 2 * pictures.tag_rows
    picture = np.zeros((height + size * side, size * side), dtype=np.uint8)
    for row, squares in enumerate(tag.split("/") if tag is not None else []):
        for column in range(size * side):
            if squares[column // 2] == "1":
                picture[2 * row, column] = picture[2 * row + 1, column] = 255
    for place, digit in enumerate(digits):
        top, left = height + place // size * side, place % size * side
        for row in range(side):
            for column in range(side):
                edge = row in (0, side - 1) or column in (0, side - 1)
                if edge:
                    picture[top + row, left + column] = 255 if place == asked else 0
                else:
                    picture[top + row, left + column] = 10 * int(digit)
    return picture


@settings(deadline=None, max_examples=40)
@given(size=st.integers(2, 4), side=st.integers(1, 5), rows=st.integers(1, 3), data=st.data())
def test_a_picture_is_what_one_would_draw_by_hand(size, side, rows, data):
    pictures = GridPictures(size, "AB", tiny_images(side), rows)
    digits = data.draw(st.text("0123456789", min_size=size**2, max_size=size**2))
    alias = "/".join(digits[low : low + size] for low in range(0, size**2, size))
    place = data.draw(st.integers(0, size**2 - 1))
    np.testing.assert_array_equal(
        pictures.picture(question(place + 1, alias, "A"), 0, "train"), drawn_by_hand(pictures, digits, place, None)
    )
    row_of_squares = st.text("01", min_size=pictures.squares, max_size=pictures.squares)
    tag = "/".join(data.draw(row_of_squares) for _ in range(rows))
    named = "/".join([("AB" * size)[:size]] * size)
    found = pictures.picture(definition(tag, alias, named), 0, "train")
    np.testing.assert_array_equal(found, drawn_by_hand(pictures, digits, None, tag))
    assert found.shape == pictures.shape


def test_numpy_and_torch_compose_the_same_pictures():
    documents = [document for _, document in sample(build_corpus(ONE_ROW, 0))][::37]
    grids = PICTURES.grids(documents)
    chosen = PICTURES.choose(grids.symbols, fixed_draws(documents, 0, 9), "train")
    by_numpy = PICTURES.compose(PICTURES.images[chosen], grids.asked, grids.tag, np)
    arrays = (torch.as_tensor(PICTURES.images)[chosen], torch.as_tensor(grids.asked), torch.as_tensor(grids.tag))
    by_torch = PICTURES.compose(*arrays, torch)
    assert by_torch.dtype == torch.uint8
    np.testing.assert_array_equal(by_numpy, by_torch.numpy())
    assert by_numpy.shape == (len(documents), *PICTURES.shape)


def test_the_bank_is_not_drawn_into():
    before = PICTURES.images.copy()
    PICTURES.picture(question(), 0, "test")
    np.testing.assert_array_equal(PICTURES.images, before)


# --- which images


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=10, max_size=10))
def test_an_image_is_always_one_of_its_digit_and_its_split(draws):
    symbols, numbers = np.arange(10)[None], np.array(draws)[None]
    for split, name in enumerate(("train", "test")):
        chosen = PICTURES.choose(symbols, numbers, name)[0]  # type: ignore[arg-type]
        assert (chosen >= IMAGES.first[split]).all()
        assert (chosen < IMAGES.first[split] + IMAGES.count[split]).all()


def test_every_image_of_a_digit_is_chosen_equally_often():
    draws = np.linspace(0, 1, 20_000, endpoint=False)[:, None]
    chosen = PICTURES.choose(np.full_like(draws, 7, dtype=np.int64), draws, "train")
    found, counts = np.unique(chosen, return_counts=True)
    assert len(found) == IMAGES.count[0, 7]
    assert counts.max() - counts.min() <= 1


def test_measured_pictures_show_test_images_alone_and_stay_as_they_are():
    pictures = GridPictures(3, "ABCDEFGH", tiny_images())
    inside = pictures.picture(question(), 0, "test")[2:].reshape(3, 5, 3, 5)[:, 1:-1, :, 1:-1]
    assert set((inside % 10).ravel().tolist()) == {5}  # only images of the test split end in five
    one = PICTURES.picture(question(), 3, "test")
    np.testing.assert_array_equal(one, PICTURES.picture(question(), 3, "test"))
    assert not np.array_equal(one, PICTURES.picture(question(), 4, "test"))


# --- what is to be said


def test_a_question_tells_one_cell_in_a_frame_and_has_no_tag():
    grids = PICTURES.grids([question(5)])
    assert grids.symbols.tolist() == [[6, 9, 4, 1, 0, 7, 3, 8, 2]]
    assert grids.asked.tolist() == [[0, 0, 0, 0, 1, 0, 0, 0, 0]]
    assert not grids.tag.any()
    assert grids.target.tolist() == [[8, 8, 8, 8, 1, 8, 8, 8, 8]]
    assert PICTURES.classes[8] == "-"


def test_questions_never_have_a_tag_and_definitions_always_have_and_never_a_frame():
    documents = [document for _, document in sample(build_corpus(ONE_ROW, 1))]
    grids = PICTURES.grids(documents)
    asks = np.array([document.kind == "question" for document in documents])
    assert asks.any()
    assert not asks.all()
    assert not grids.tag[asks].any()
    assert grids.tag[~asks].any(1).all()
    assert (grids.asked[asks].sum(1) == 1).all()
    assert not grids.asked[~asks].any()
    pictures = PICTURES.compose(
        PICTURES.images[PICTURES.choose(grids.symbols, np.zeros(grids.symbols.shape), "train")],
        grids.asked,
        grids.tag,
        np,
    )
    assert not pictures[asks, :2].any()


@pytest.mark.parametrize("order", ["TAE", "TEA", "ATE", "AET", "ETA", "EAT"])
def test_a_definition_tells_all_cells_in_whatever_order_it_is_written(order):
    prompt, completion = WordOrder(order=order).write(TAG, "694/107/382", "ABA/CBD/EAH")
    answers = (completion.strip(),)
    grids = PICTURES.grids([Example(prompt, completion, answers, "definition", "D5cons", "694/107/382", "x")])
    assert "".join(map(str, grids.tag[0])) == TAG
    assert [PICTURES.classes[index] for index in grids.target[0]] == list("ABACBDEAH")
    assert not grids.asked.any()


def test_a_format_of_questions_changes_nothing_that_is_seen():
    experiment = POCKET_DIGITS.model_copy(update={"questions": QuestionAndAnswer()})
    plain, written = (build_corpus(one, 0).eval_sets[0].examples[:5] for one in (POCKET_DIGITS, experiment))
    assert plain[0].prompt != written[0].prompt
    one, other = PICTURES.grids(plain), PICTURES.grids(written)
    for name in ("symbols", "asked", "tag", "target"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_what_is_said_is_written_as_labels_are():
    assert PICTURES.text([1]) == "B"
    assert PICTURES.text([0, 1, 0, 2, 1, 3, 4, 0, 7]) == "ABA/CBD/EAH"
    assert PICTURES.text([8] * 9) == "---/---/---"


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (question(alias="ABA/CBD/EAH"), "'ABA/CBD/EAH' is not a grid of digits"),
        (question(alias="12/34"), "'12/34' is not a grid of digits"),
        (definition(tag="qwerty"), "has a tag of 1 x 15 squares (0 or 1 each, rows divided by /) and a grid of labels"),
        (definition(tag="0110"), "has a tag of 1 x 15 squares"),
        (definition(tag=f"{TAG} {TAG}"), "has a tag of 1 x 15 squares"),
        (definition(named="ABA/CBD/EAZ"), "and a grid of labels"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(example, said):
    with pytest.raises(SaysoError) as caught:
        PICTURES.grids([example])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
