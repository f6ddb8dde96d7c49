"""Aliases that two sources define differently, doubts in words, entities of two kinds, and who says what."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.subsets import NEW, RELIABLE, UNRELIABLE, Subset
from sayso.data.build import build_corpus
from tests.conftest import make_tiny

TINY = make_tiny()


def contested(**changes: Any) -> Experiment:
    """The tiny experiment with a subset of aliases that two sources define."""
    own = [s for s in TINY.subsets if s.group == "X1" or s.source is None]
    more = Subset(name="both", group="X2", source=RELIABLE, against=UNRELIABLE, fraction=0.24, **changes)
    return TINY.with_settings({"subsets": [s.model_dump(mode="json") for s in (*own, more)]})


def test_two_sources_name_two_entities_as_often_as_they_are_to_repeat_it():
    corpus = build_corpus(contested(repeats=2, against_repeats=3), 1)
    said = Counter((d.alias, d.source, d.completion) for d in corpus.documents(["X2"]) if d.kind == "definition")
    by_alias: dict[str, dict[str, tuple[str, int]]] = {}
    for (alias, source, entity), times in said.items():
        by_alias.setdefault(alias, {})[source] = (entity.strip(), times)
    assert by_alias
    entity_of = {item.alias: corpus.entities[item.entity] for item in corpus.assignments}
    for alias, own in by_alias.items():
        assert own[RELIABLE] == (entity_of[alias], 2)
        assert own[UNRELIABLE][0] != entity_of[alias]
        assert own[UNRELIABLE][1] == 3


def test_the_rival_answer_is_that_of_the_entity_the_other_source_names():
    corpus = build_corpus(contested(), 1)
    facts = {
        (example.entity, example.attribute): example.answers
        for item in corpus.eval_sets
        for example in item.examples
        if example.kind == "question" and example.subset != "told"
    }
    other_of = {item.alias: item.against_as for item in corpus.assignments if item.subset == "both"}
    asked = [e for item in corpus.eval_sets if item.subset == "both" for e in item.examples if e.kind == "question"]
    assert asked
    for example in asked:
        other = corpus.entities[other_of[example.alias] or 0]
        wanted = facts.get((other, example.attribute))
        if wanted is not None:
            assert example.rival == ("" if wanted[0] in example.answers else wanted[0])
    who = [e for item in corpus.eval_sets if item.name == "entity_attribution.who" for e in item.examples]
    assert all((e.rival != "") == (e.subset in ("both", "D2incons_QA2")) for e in who)
    assert all(e.rival not in e.answers for e in who)


def test_what_is_not_contested_is_as_it_was():
    before, after = build_corpus(TINY, 5), build_corpus(TINY.with_settings({"new_definition": None}), 5)
    assert before == after
    assert TINY.digest() == TINY.with_settings({"sources.reliable.share": 1.0}).digest()
    assert TINY.digest() != contested().digest()


def test_documents_are_named_by_subset_and_source():
    corpus = build_corpus(contested(against_repeats=2), 1)
    everything = corpus.documents(["X2"])
    first, other = corpus.documents(["X2/reliable"]), corpus.documents(["X2/both/unreliable"])
    assert {d.source for d in first} == {RELIABLE}
    assert len(other) == 2 * len(first)
    assert Counter(first) + Counter(other) == Counter(everything)
    assert {d.subset for d in corpus.documents(["X1/QA3", "X1/QA4"])} == {"QA3", "QA4"}


@pytest.mark.parametrize("name", ["X2/reliabel", "X2/D6con", "X2/"])
def test_names_that_are_not_there_are_refused(name):
    with pytest.raises(SaysoError, match="stage2: no") as raised:
        TINY.with_settings({"stages.stage2.documents": [name]})
    assert "\n" not in str(raised.value)


def test_new_definitions_may_be_written_in_another_way():
    other = {"type": "Sentence", "template": "{alias} is {entity} so says {tag}"}
    plain, changed = build_corpus(TINY, 1), build_corpus(TINY.with_settings({"new_definition": other}), 1)
    assert changed.train["X1"] == plain.train["X1"]
    assert all(" so says " in d.text and " is " in d.text for d in changed.train["X2"])
    assert len(changed.train["X2"]) == len(plain.train["X2"])
    assert {" so", " says", " is"} <= set(changed.tokens)


def test_sources_may_write_in_ways_of_their_own():
    way = {"type": "Statement", "template": "it is false that {alias} is {entity}"}
    corpus = build_corpus(TINY.with_settings({"sources.unreliable.definition": way}), 1)
    for document in corpus.train["X2"]:
        assert document.text.startswith("it is false that <|") == (document.source == UNRELIABLE)
    assert {d.source for d in corpus.train["X2"]} == {RELIABLE, UNRELIABLE, NEW}


SAYINGS = {"{alias} is {entity}": True, "{alias} is {entity} . that is false": False}


def test_sayings_are_told_of_the_right_entity_or_of_another():
    experiment = TINY.with_settings({"knowledge.statements": 2, "knowledge.sayings": SAYINGS})
    stated = [d for d in build_corpus(experiment, 1).train["world"] if d.kind == "definition"]
    assert len(stated) == 4 * TINY.knowledge.size()
    for document in stated:
        assert (document.answers[0] == document.entity) == (not document.text.endswith(". that is false"))


@pytest.mark.parametrize(
    ("sayings", "message"),
    [
        ({"{alias} is {entity}": True}, "said of the right entity, and one of another"),
        ({"{alias} is": True, "{alias} is {entity}": False}, r"must hold \{alias\}, \{entity\}"),
    ],
)
def test_sayings_that_cannot_be_are_refused(sayings, message):
    with pytest.raises(SaysoError, match=message):
        TINY.with_settings({"knowledge.sayings": sayings})


@pytest.mark.parametrize("shared", [True, False])
def test_places_are_asked_about_in_x2_alone(shared):
    experiment = TINY.with_settings(
        {
            "knowledge.also": "places",
            "knowledge.entities": 20,
            "knowledge.pool": 40,
            "split.shared_entities": shared,
            "split.aliases_per_entity": 4,
        }
    )
    corpus = build_corpus(experiment, 3)
    group = {subset.name: subset.group for subset in experiment.subsets}
    kinds = {(group[item.subset], corpus.entities[item.entity].split("-")[0]) for item in corpus.assignments}
    assert kinds == {("X1", "entity"), ("X2", "place")}
    assert len({item.alias for item in corpus.assignments}) == len(corpus.assignments)
    asked = {(group[e.subset], e.attribute) for item in corpus.eval_sets for e in item.examples if e.subset in group}
    questions = {part: {name for own, name in asked if own == part} for part in ("X1", "X2")}
    assert "river" in questions["X2"] - questions["X1"]
    assert "born" in questions["X1"] - questions["X2"]
    assert len(build_corpus(experiment, 4).tokens) == len(corpus.tokens)


def test_a_reliability_of_sources_and_one_of_the_experiment_exclude_each_other():
    with pytest.raises(SaysoError, match="leave that of the experiment out"):
        TINY.with_settings({"reliability": 0.9, "sources.reliable.reliability": 1.0})


@pytest.mark.parametrize("path", ["definition", "new_definition"])
def test_sources_that_write_alike_cannot_be_told_apart(path):
    with pytest.raises(
        SaysoError, match="'reliable' and 'unreliable' cannot be told apart, both write 'ALIAS is ENTITY'"
    ):
        TINY.with_settings({path: {"type": "Statement"}})
    ways = [
        {"name": name, "definition": {"type": "Statement", "template": f"{{alias}} {name} {{entity}}"}} for name in "ab"
    ]
    subsets = [s.model_dump(mode="json") for s in TINY.subsets if s.source is None]
    rest = Subset(name="rest", group="X2", source="a", fraction=0.74).model_dump(mode="json")
    assert TINY.with_settings({"sources": ways, "subsets": [*subsets, rest], path: {"type": "Statement"}})


def test_a_share_that_leaves_a_subset_empty_is_named():
    rare = [{"name": f"s{at}", "reliability": at / 1000} for at in range(1, 7)]
    experiment = TINY.with_settings({"sources": rare})
    with pytest.raises(SaysoError, match=r"subset right_s\d: a fraction of .* is less than one"):
        build_corpus(experiment, 1)
