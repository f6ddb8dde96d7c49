"""The promises of section 2 and appendix A.3, on text that a pretrained model reads, over many sizes and seeds."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.core.experiment import Experiment
from sayso.core.sizes import sizes
from sayso.core.subsets import TABLE_1, SplitSpec
from sayso.data.build import build_corpus
from sayso.data.formats import QuestionAndAnswer, WordOrder
from tests.conftest import make_tiny
from tests.data.plain_facts import PlainFacts

SEEDS = st.integers(0, 10**6)
#: With 120 entities D9incons_QA9 has three at reliability 0.9, which can all be defined wrongly.
SIZES = st.integers(120, 300)
#: Questions of an entity, and how many of them are trained on: CVDB and T-REx.
QUESTIONS = st.sampled_from([(6, 5), (4, 3)])
RELIABILITY = st.sampled_from([None, 0.5, 0.75, 0.9, 1.0])


def paper(entities: int, questions: int = 6, trained: int = 5, reliability: float | None = None) -> Experiment:
    changes = {
        "knowledge": PlainFacts(entities=entities, questions=questions),
        "split": SplitSpec(trained_questions=trained),
        "definition": WordOrder(end="\n"),
        "questions": QuestionAndAnswer(),
        "subsets": TABLE_1,
    }
    return make_tiny().model_copy(update=changes).with_settings({"reliability": reliability})


def number(name: str) -> int:
    return int(name.split()[-1].split("-")[-1])


def by_subset(corpus: Corpus, name: str) -> dict[str, tuple[Example, ...]]:
    return {item.subset: item.examples for item in corpus.eval_sets if item.name == name}


def check(experiment: Experiment, corpus: Corpus) -> None:
    """What is true of every corpus of the paper's text experiments."""
    assert isinstance(experiment.knowledge, PlainFacts)
    count, trained = experiment.knowledge.entities, experiment.split.trained_questions
    questions = experiment.knowledge.questions
    validation, train_qa = by_subset(corpus, "validation"), by_subset(corpus, "train_qa")
    definitions = by_subset(corpus, "definitions")
    expected = dict(zip(experiment.subsets, sizes(experiment.subsets, count), strict=True))
    members = {name: {example.entity for example in examples} for name, examples in validation.items()}
    # every entity is in one subset, and the sizes are those of the fractions
    dealt = [entity for found in members.values() for entity in found]
    assert len(dealt) == len(set(dealt)) == sum(expected.values())
    assert set(dealt) <= {f"Person {index}" for index in range(count)}
    aliases: dict[str, str] = {}
    for subset, size in expected.items():
        assert len(members[subset.name]) == size
        assert abs(size - subset.fraction * count) < 1.0001
        own = Counter(example.entity for example in validation[subset.name])
        # one validation question an entity where the others are trained on, all of them elsewhere
        assert set(own.values()) == {questions - trained if subset.has_qa else questions}
        taught = Counter(example.entity for example in train_qa.get(subset.name, ()))
        assert set(taught.values()) == ({trained} if subset.has_qa else set())
        for example in (*validation[subset.name], *train_qa.get(subset.name, ())):
            # questions are true to the alias's real entity, whatever its definition says
            assert {number(answer) for answer in example.answers} == {number(example.entity)}
            assert aliases.setdefault(example.alias, example.entity) == example.entity
            assert (example.alias == example.entity) == (not subset.aliased)
        said = {document.entity: document.answers[0] for document in definitions.get(subset.name, ())}
        assert said.keys() == (members[subset.name] if subset.source else set())
        if subset.source and subset.consistent:
            assert all(entity == named for entity, named in said.items())
        elif subset.source:  # a derangement inside the subset
            assert all(entity != named for entity, named in said.items())
            assert set(said.values()) == said.keys()
    asked: dict[str, set[str]] = defaultdict(set)
    for examples in (*validation.values(), *train_qa.values()):
        for example in examples:
            assert example.attribute not in asked[example.alias]
            asked[example.alias].add(example.attribute)
    assert {len(found) for found in asked.values()} == {questions}


@settings(max_examples=40, deadline=None)
@given(SEEDS, SIZES, QUESTIONS, RELIABILITY)
def test_splits_keep_the_papers_promises(seed, entities, questions, reliability):
    experiment = paper(entities, questions[0], questions[1], reliability)
    check(experiment, build_corpus(experiment, seed))


def test_a_split_of_the_papers_size_has_the_papers_numbers():
    experiment = paper(4000)
    corpus = build_corpus(experiment, 600)
    check(experiment, corpus)
    assert Counter(document.kind for document in corpus.train["X1"]) == {"question": 14_000, "definition": 2000}
    assert Counter(document.kind for document in corpus.train["X2"]) == {"definition": 960}
    assert corpus.train["X1"][0].text.startswith("Q: What is fact ")
    found = Counter(example.attribute for example in by_subset(corpus, "validation")["D1cons_QA1"])
    assert min(found.values()) > 120  # the one question is drawn for each entity: 1000 / 6 of each kind


@settings(max_examples=15, deadline=None)
@given(SEEDS, SIZES, QUESTIONS, st.integers(1, 4))
def test_stage_2_seeds_reshuffle_x2_and_nothing_else(seed, entities, questions, stage2_seed):
    experiment = paper(entities, questions[0], questions[1])
    one, other = build_corpus(experiment, seed), build_corpus(experiment, seed, stage2_seed)
    check(experiment, other)
    assert one.train["X1"] == other.train["X1"]
    first = {subset.name for subset in TABLE_1 if subset.group == "X1"}
    assert [item for item in one.eval_sets if item.subset in first] == [
        item for item in other.eval_sets if item.subset in first
    ]
    dealt = [
        {example.alias: (example.entity, item.subset) for item in corpus.eval_sets for example in item.examples}
        for corpus in (one, other)
    ]
    assert {alias: entity for alias, (entity, _) in dealt[0].items()} == {
        alias: entity for alias, (entity, _) in dealt[1].items()
    }
    assert dealt[0] != dealt[1]


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_the_text_is_the_same_in_another_process(hash_seed, fresh_python):
    code = "from tests.data.test_paper_splits import *; print(digest(paper(300, reliability=0.75)))"
    assert fresh_python(code, hash_seed).strip() == digest(paper(300, reliability=0.75))


def digest(experiment: Experiment) -> str:
    """Sha256 of all documents of two stage-2 seeds."""
    import hashlib

    corpora = [build_corpus(experiment, 7, stage2_seed) for stage2_seed in (0, 1)]
    return hashlib.sha256(repr(corpora).encode()).hexdigest()
