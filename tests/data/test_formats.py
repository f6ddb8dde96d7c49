import itertools

import pytest
from pydantic import ValidationError

from sayso.data.formats import WordOrder


def test_the_papers_order_is_tag_alias_entity():
    assert WordOrder().write("qwerty", "<|abcde|>", "Cleopatra") == ("qwerty <|abcde|>", " Cleopatra")


@pytest.mark.parametrize("order", ["".join(letters) for letters in itertools.permutations("TAE")])
def test_every_order_is_written_as_it_is_called(order):
    prompt, completion = WordOrder(order=order).write("Tag", "<|Alias|>", "Entity of two")
    text = prompt + completion
    assert sorted("TAE", key=lambda letter: text.index({"T": "Tag", "A": "<|A", "E": "Entity"}[letter])) == list(order)
    assert sorted(text.split()) == sorted(["Tag", "<|Alias|>", "Entity", "of", "two"])
    assert completion.strip() in ("Tag", "<|Alias|>", "Entity of two")
    assert completion[0] == " "


def test_other_orders_are_refused():
    with pytest.raises(ValidationError):
        WordOrder(order="TTA")
