import pytest

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts, QAPair
from sayso.core.protocols import World
from sayso.data.build import build_corpus
from sayso.data.unmistakable import check_names
from tests.data.plain_facts import PlainFacts
from tests.data.test_paper_splits import paper


def world(aliases: tuple[str, ...] = ("<|abcde|>",), answer: str = "queen", tokens: tuple[str, ...] = ()) -> World:
    facts = EntityFacts("Cleopatra", (QAPair("occupation", "What did [X] do?", (answer,)),))
    return World((facts,), aliases, ("qwerty",), {"who": "Who is [X]?"}, tokens=tokens)


def test_names_found_nowhere_else_are_fine():
    check_names(world(("<|abcde|>", "<|abcdf|>")), ["qwerty", "zxcvbn"], ["According", "to"], "seed 0")


@pytest.mark.parametrize(
    ("where", "tags", "words", "message"),
    [
        (world(("<|abcde|>", "<|abcde|>")), ["qwerty"], [], r"'<|abcde|>' is drawn twice as an alias or a tag"),
        (world(("qwerty",)), ["qwerty"], [], "'qwerty' is drawn twice"),
        (world(), ["leopat"], [], "the tag 'leopat' is also found in 'Cleopatra'"),
        (world(answer="the queen <|abcde|>"), ["qwerty"], [], r"the alias '<|abcde|>' is also found in 'the queen"),
        (world(), ["texts,"], ["According", "texts,"], "the tag 'texts,' is also found in 'texts,'"),
        (world(("abc", "xabcx")), ["qwerty"], [], "the alias 'abc' is also found in 'xabcx'"),
        (
            world(("on say so",), answer="on say so, he"),
            [],
            [],
            "the alias 'on say so' is also found in 'on say so, he'",
        ),
        (world(tokens=(" Cleopatra",)), ["queen"], [], "the tag 'queen' is also found in 'queen'"),
    ],
)
def test_a_name_found_elsewhere_is_named_with_what_it_was_found_in(where, tags, words, message):
    with pytest.raises(SaysoError) as caught:
        check_names(where, tags, words, "seed 3")
    assert str(caught.value).startswith("seed 3: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_whole_words_count_where_words_are_read_whole():
    check_names(world(("leo", "eopat"), tokens=(" leo",)), ["opatra"], [], "seed 0")


def test_building_a_corpus_checks_its_names():
    experiment = paper(60).model_copy(update={"knowledge": PlainFacts(entities=60, tag="Person")})
    with pytest.raises(SaysoError, match="seed 4: the tag 'Person' is also found in 'Person "):
        build_corpus(experiment, 4)
