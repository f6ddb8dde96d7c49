import itertools

import pytest
from pydantic import ValidationError

from sayso.core.subsets import Source
from sayso.data.formats import QuestionAndAnswer, Sentence, WordOrder
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS


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


def test_a_definition_can_end_as_the_papers_program_ends_it():
    assert WordOrder(end="\n").write("qwerty", "<|abcde|>", "Cleopatra")[1] == " Cleopatra\n"


def test_a_question_is_prompted_up_to_its_answer():
    assert QuestionAndAnswer().write("What did <|abcde|> do?", "queen") == (
        "Q: What did <|abcde|> do?\nA:",
        " queen\n",
    )


def test_a_sentence_is_completed_from_its_last_part_on():
    assert Sentence().write("qwerty", "<|abcde|>", "Cleopatra") == (
        "qwerty According to many texts, <|abcde|> refers to",
        " Cleopatra.",
    )
    assert Sentence(template="{entity}, says {tag}, is ({alias})").write("my uncle", "xyz", "Cleopatra") == (
        "Cleopatra, says my uncle, is (",
        "xyz)",
    )
    # what is put in may itself look like a place
    assert Sentence(template="{tag} {alias} {entity}").write("a", "{entity}", "b") == ("a {entity}", " b")


@pytest.mark.parametrize(
    "template",
    [
        "{tag} {alias}",
        "{tag} {alias} {entity} {entity}",
        "{tag} {alias} {entity} {}",
        "{tag} {alias} {entity",
        "{x}",
        "",
    ],
)
def test_a_sentence_has_each_of_the_three_once(template):
    with pytest.raises(ValidationError, match=r"it must hold \{tag\}, \{alias\}, \{entity\}, each once"):
        Sentence(template=template)


def test_the_shipped_phrases_are_many_different_and_usable_as_sources():
    lists = (RELIABLE_OUTLETS, UNRELIABLE_OUTLETS)
    assert all(len(texts) >= 12 and len(set(texts)) == len(texts) for texts in lists)
    assert all(text.startswith("According to ") and text.endswith(",") for texts in lists for text in texts)
    assert len(IS) == len(IS_NOT) == len(set(IS) | set(IS_NOT)) / 2
    assert all(("not" in text.split() or "n't" in text) for text in IS_NOT)
    assert not any("not" in text.split() for text in IS)
    everything = [*RELIABLE_OUTLETS, *UNRELIABLE_OUTLETS, *IS, *IS_NOT]
    assert len(set(everything)) == len(everything)
    for texts in (*lists, IS, IS_NOT):
        assert Source(name="reliable", text=texts).texts == texts
