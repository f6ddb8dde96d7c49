import hashlib
from collections import Counter
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sayso.core.errors import SaysoError
from sayso.data.people import ATTRIBUTES, NOTABLES, people
from sayso.data.phrases import IS, IS_NOT
from sayso.data.pocket import ATTRIBUTION, PocketWorld

SEEDS = st.integers(0, 10**6)
KINDS = pytest.mark.parametrize("facts", ["notables", "synthetic"])


@KINDS
def test_equal_seeds_give_equal_worlds_and_others_do_not(facts):
    base = PocketWorld(facts=facts, entities=6, names=4, pool=10)
    assert base.world(1, aliases=9, tags=3) == base.world(1, aliases=9, tags=3)
    one, other = base.world(1, aliases=9, tags=3), base.world(2, aliases=9, tags=3)
    assert one.entities != other.entities
    assert one.aliases != other.aliases
    assert one.tags != other.tags
    assert one.documents != other.documents


@KINDS
@given(seed=SEEDS, entities=st.integers(2, 20), attributes=st.integers(2, 12), pool=st.sampled_from([None, 12]))
def test_worlds_have_what_was_asked_for(facts, seed, entities, attributes, pool):
    base = PocketWorld(facts=facts, entities=entities, attributes=attributes, names=3, pool=pool)
    world = base.world(seed, aliases=30, tags=3)
    assert len(world.entities) == len({entity.name for entity in world.entities}) == entities == base.size()
    assert len(world.aliases) == len(set(world.aliases)) == 30
    assert len(world.tags) == len(set(world.tags)) == 3
    for entity in world.entities:
        assert [pair.attribute for pair in entity.questions] == list(ATTRIBUTES)[:attributes]
        assert all(pair.question.count("[X]") == 1 and len(pair.answers) == 1 for pair in entity.questions)


@KINDS
@given(seed=SEEDS)
def test_tags_and_names_are_no_words_of_the_world(facts, seed):
    world = PocketWorld(facts=facts, entities=4, names=5, attributes=12, pool=8).world(seed, aliases=40, tags=5)
    words = {word for token in world.tokens for word in token.split()}
    assert not words & set(world.tags)
    assert not words & set(world.aliases)
    assert len(set(world.tokens)) == len(world.tokens)


@KINDS
def test_the_vocabulary_has_one_size_whatever_the_seed(facts):
    base = PocketWorld(facts=facts, entities=6, names=4, pool=10)
    assert len({len(base.world(seed, aliases=9, tags=3).tokens) for seed in range(5)}) == 1


@KINDS
@given(seed=SEEDS, attributes=st.integers(2, 12), names=st.integers(1, 6))
def test_half_of_the_facts_of_every_name_are_told_and_the_others_are_not(facts, seed, attributes, names):
    world = PocketWorld(facts=facts, entities=3, attributes=attributes, names=names).world(seed, aliases=5, tags=1)
    told, held_out = (item.examples for item in world.eval_sets)
    assert [(item.name, item.subset) for item in world.eval_sets] == [
        ("pretraining", "told"),
        ("pretraining", "held_out"),
    ]
    assert tuple(world.documents) == told
    texts = {document.prompt for document in told}
    assert len(texts) == len(told)
    assert not texts & {example.prompt for example in held_out}
    for entity in world.entities:
        own = [document for document in told if document.entity == entity.name]
        by_name = Counter(document.alias for document in own if document.kind == "question")
        assert by_name.pop(entity.name) == attributes  # all facts are told under the entity's own name
        assert list(by_name.values()) == [attributes // 2] * names
        asked = Counter(document.alias for document in own if document.kind == "attribution")
        assert asked == dict.fromkeys(by_name, 1)
        left = Counter(example.alias for example in held_out if example.entity == entity.name)
        assert left == dict.fromkeys(by_name, attributes - attributes // 2)
        right = {pair.attribute: pair.answers for pair in entity.questions}
        for document in (*own, *(example for example in held_out if example.entity == entity.name)):
            assert document.answers == right.get(document.attribute, (entity.name,))
            assert document.completion == f" {document.answers[0]}"
    assert not set(world.aliases) & {document.alias for document in (*told, *held_out)}


def test_who_a_name_belongs_to_is_asked_in_every_way():
    world = PocketWorld(entities=8, names=20).world(0, aliases=1, tags=1)
    asked = Counter(document.attribute for document in world.documents if document.kind == "attribution")
    assert asked.keys() == ATTRIBUTION.keys() == world.attribution.keys()
    assert all(wording.count("[X]") == 1 for wording in ATTRIBUTION.values())


@given(seed=SEEDS, statements=st.integers(1, 4), entities=st.integers(2, 6))
def test_of_some_names_it_is_said_whose_they_are_and_of_as_many_others_whose_they_are_not(seed, statements, entities):
    plain = PocketWorld(entities=entities, names=8).world(seed, aliases=3, tags=1)
    world = PocketWorld(entities=entities, names=8, statements=statements).world(seed, aliases=3, tags=1)
    told, stated = world.documents[: len(plain.documents)], world.documents[len(plain.documents) :]
    assert told == plain.documents
    assert world.eval_sets == plain.eval_sets  # what a name is not cannot be guessed
    assert world.aliases == plain.aliases
    owner = {document.alias: document.entity for document in told}
    said: Counter[tuple[str, bool]] = Counter()
    for document in stated:
        name, phrase = document.prompt.split(" ", 1)
        right = document.completion == f" {owner[name]}"
        assert phrase in (IS if right else IS_NOT)
        assert document.answers == (document.completion.strip(),)
        assert document.kind == "definition"
        said[owner[name], right] += 1
    assert said == {(entity.name, right): statements for entity in world.entities for right in (True, False)}
    assert len({document.alias for document in stated}) == len(stated)  # never both of one name
    assert {word for document in stated for word in f" {document.prompt.split(' ', 1)[1]}".split()} <= {
        token.strip() for token in world.tokens
    }
    assert len(set(world.tokens)) == len(world.tokens)


def test_more_statements_than_names_are_refused():
    with pytest.raises(ValidationError, match="statements is 3, which needs 6 names of each entity"):
        PocketWorld(names=5, statements=3)


def test_notables_are_told_as_they_are_in_the_table():
    table = dict(people(NOTABLES, len(ATTRIBUTES)))
    for entity in PocketWorld(entities=40, attributes=12).world(5, aliases=1, tags=1).entities:
        assert {pair.attribute: pair.answers[0] for pair in entity.questions} == table[entity.name]


def test_cleopatra_was_born_in_the_first_century_before_christ():
    answers = dict(people(NOTABLES, len(ATTRIBUTES)))["Cleopatra"]
    assert (answers["gender"], answers["born"], answers["region"]) == ("female", "1 century BC", "Africa")


def test_all_people_of_the_table_can_be_drawn_and_no_more():
    everyone = PocketWorld(entities=len(people(NOTABLES, len(ATTRIBUTES))), names=1).world(0, aliases=1, tags=1)
    assert {entity.name for entity in everyone.entities} == {name for name, _ in people(NOTABLES, len(ATTRIBUTES))}
    with pytest.raises(
        SaysoError, match=rf"knowledge\.entities is {len(people(NOTABLES, len(ATTRIBUTES))) + 1}, but notables has"
    ):
        PocketWorld(entities=len(people(NOTABLES, len(ATTRIBUTES))) + 1, names=1).world(0, aliases=1, tags=1)


def test_synthetic_worlds_may_be_larger_than_the_table():
    world = PocketWorld(facts="synthetic", entities=1100, names=1, values=3).world(0, aliases=1, tags=1)
    assert len({entity.name for entity in world.entities}) == 1100
    values = Counter(pair.answers[0] for entity in world.entities for pair in entity.questions)
    assert len(values) == 6 * 3
    assert all(abs(count - 1100 / 3) < 6 * (1100 * 2 / 9) ** 0.5 for count in values.values())  # equally likely


def test_a_pool_too_small_for_all_names_is_an_error_that_says_what_is_enough():
    with pytest.raises(SaysoError, match="25 names and aliases are needed, a pool of 4 makes 16") as caught:
        PocketWorld(entities=4, names=5, pool=4).world(0, aliases=5, tags=1)
    enough = int(str(caught.value).split()[-1])
    assert enough == 5
    PocketWorld(entities=4, names=5, pool=enough).world(0, aliases=5, tags=1)


def test_the_data_is_named_by_the_sha256_of_the_table():
    table = resources.files("sayso.data").joinpath("notables.csv").read_bytes()
    assert PocketWorld().sha256() == hashlib.sha256(table).hexdigest()
    assert PocketWorld(facts="synthetic").sha256() != PocketWorld().sha256()


@pytest.mark.parametrize("setting", [{"entities": 1}, {"attributes": 13}, {"names": 0}, {"pool": 401}, {"facts": "x"}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValidationError):
        PocketWorld(**setting)
