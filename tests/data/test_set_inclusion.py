"""Integers and lists. `python -m tests.data.test_set_inclusion` writes the golden text anew."""

import math
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example, QAPair
from sayso.core.experiment import Experiment
from sayso.core.spec import explain
from sayso.core.subsets import TABLE_1
from sayso.data.build import build_corpus, sample
from sayso.data.set_inclusion import SetInclusion, WarmUp
from tests.conftest import make_tiny

GOLDEN = Path(__file__).parents[1] / "golden" / "set_inclusion.txt"
SMALL = SetInclusion(
    integers=10,
    list_length=3,
    training_questions=6,
    test_questions=4,
    warm_up=WarmUp(questions=60, attributions=20, names=2),
)
TINY = make_tiny().model_copy(
    update={
        "knowledge": SMALL,
        "split": make_tiny().split.model_copy(update={"aliases_per_entity": 6, "trained_questions": 6}),
    }
)
COLD = TINY.with_settings({"knowledge.warm_up": None})
SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=15, deadline=None)


@pytest.mark.parametrize("trained", [1, 5, 8])
def test_trained_questions_are_half_yes_and_no_more_than_there_are(trained: int) -> None:
    with pytest.raises(
        SaysoError, match=rf"split.trained_questions is {trained}; it must be even.* at most 6"
    ) as caught:
        TINY.with_settings({"split.trained_questions": trained})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("trained", [2, 4, 6])
def test_any_even_number_of_questions_is_trained_on_half_of_them_yes(trained: int) -> None:
    corpus = build_corpus(COLD.with_settings({"split.trained_questions": trained}), 0)
    asked = [document for document in corpus.train["X1"] if document.kind == "question"]
    said = Counter((document.alias, document.answers) for document in asked)
    assert asked
    assert set(said.values()) == {trained // 2}


def text_of(experiment: Experiment, seed: int = 0) -> str:
    """What a seed is trained on and asked, one document a line, with where it is used."""
    found = sample(build_corpus(experiment, seed))
    return "".join(f"{where}\t{document.subset}\t{document.text}\n" for where, document in found)


def parse(example: Example) -> tuple[str, list[int], str]:
    """Name, list and answer of a question, read off its text."""
    name, *numbers, mark, answer = example.text.split()
    assert mark == "?"
    return name, [int(number) for number in numbers], answer


def questions(corpus: Corpus) -> list[tuple[str, Example]]:
    return [(where, document) for where, document in sample(corpus) if document.kind == "question"]


def lists_of(pairs: Iterable[QAPair]) -> list[tuple[frozenset[int], bool]]:
    """Sets asked about, and whether the answer is Yes."""
    return [(frozenset(map(int, pair.question.split()[1:-1])), pair.answers == ("Yes",)) for pair in pairs]


def fitting(pairs: Iterable[QAPair]) -> set[int]:
    """Integers that agree with all answers, found by trying each."""
    asked = lists_of(pairs)
    return {one for one in range(SMALL.integers) if all((one in numbers) == yes for numbers, yes in asked)}


# --- text


def test_the_text_never_changes():
    assert text_of(TINY) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_the_text_is_the_same_in_another_process(hash_seed, fresh_python):
    code = "from tests.data.test_set_inclusion import *; print(text_of(TINY), end='')"
    assert fresh_python(code, hash_seed) == text_of(TINY)


def test_equal_seeds_give_equal_corpora_and_others_do_not():
    assert build_corpus(TINY, 4) == build_corpus(TINY, 4)
    assert build_corpus(TINY, 4).train != build_corpus(TINY, 5).train


@FEW
@given(seed=SEEDS)
def test_every_document_is_one_line_of_words_of_the_vocabulary(seed):
    corpus = build_corpus(TINY, seed)
    vocabulary = {token.removeprefix(" ") for token in corpus.tokens}
    assert len(vocabulary) == len(corpus.tokens)
    for _, document in sample(corpus):
        assert document.text.isprintable()
        assert set(document.text.split(" ")) <= vocabulary


def test_all_seeds_have_vocabularies_and_documents_of_one_size():
    def shape(corpus: Corpus) -> object:
        parts = {part: len(documents) for part, documents in corpus.train.items()}
        return parts, [(item.name, item.subset, len(item.examples)) for item in corpus.eval_sets], len(corpus.tokens)

    first = shape(build_corpus(TINY, 0))
    assert all(shape(build_corpus(TINY, seed)) == first for seed in range(1, 8))


# --- questions


@FEW
@given(seed=SEEDS)
def test_the_answer_says_whether_the_integer_is_in_the_list(seed):
    corpus = build_corpus(TINY, seed)
    for _, example in questions(corpus):
        name, numbers, answer = parse(example)
        assert name == example.alias
        assert len(set(numbers)) == len(numbers) == SMALL.list_length
        assert set(numbers) <= set(range(SMALL.integers))
        assert answer == ("Yes" if int(example.entity) in numbers else "No")


@FEW
@given(seed=SEEDS)
def test_half_of_what_each_variable_is_asked_is_answered_yes_in_training_and_in_validation(seed):
    found: dict[tuple[str, str], list[str]] = {}
    for where, example in questions(build_corpus(COLD, seed)):
        found.setdefault((where, example.alias), []).append(parse(example)[2])
    assert {where for where, _ in found} == {"X1", "validation"}
    for (where, _), answers in found.items():
        assert answers.count("Yes") * 2 == len(answers) >= (SMALL.training_questions if where == "X1" else 2)


@FEW
@given(seed=SEEDS)
def test_no_list_that_is_asked_was_trained_on_for_the_same_variable_in_any_order(seed):
    trained: dict[str, set[frozenset[int]]] = {}
    asked: dict[str, set[frozenset[int]]] = {}
    count = Counter[str]()
    for where, example in questions(build_corpus(COLD, seed)):
        name, numbers, _ = parse(example)
        (trained if where == "X1" else asked).setdefault(name, set()).add(frozenset(numbers))
        count[name] += 1
    assert trained
    for name, lists in asked.items():
        assert not lists & trained.get(name, set())
        assert len(lists) + len(trained.get(name, ())) == count[name] == 10  # all of a variable's lists differ


@FEW
@given(seed=SEEDS)
def test_inconsistent_definitions_never_name_the_variables_own_integer_and_others_always_do(seed):
    corpus = build_corpus(COLD, seed)
    answers: dict[str, list[tuple[list[int], str]]] = {}
    for _, example in questions(corpus):
        name, numbers, answer = parse(example)
        answers.setdefault(name, []).append((numbers, answer))
    definitions = [
        document for part in ("X1", "X2") for document in corpus.train[part] if document.kind == "definition"
    ]
    assert {document.subset for document in definitions} == {s.name for s in TABLE_1 if s.source is not None}
    for document in definitions:
        _, name, named = document.text.split()
        agrees = all((int(named) in numbers) == (answer == "Yes") for numbers, answer in answers[name])
        assert (named == document.entity) == (document.subset != "D2incons_QA2")
        assert agrees or document.subset == "D2incons_QA2"


def test_variables_are_dealt_evenly_to_integers():
    corpus = build_corpus(COLD, 0)
    integer = {example.alias: example.entity for _, example in questions(corpus) if example.subset != "QA4"}
    world = SMALL.world(0, aliases=60, tags=3)
    assert integer.keys() <= set(world.aliases)
    assert all(integer[name] == str(place // 6) for place, name in enumerate(world.aliases) if name in integer)


def test_integers_can_be_asked_about_themselves():
    corpus = build_corpus(COLD, 0)
    own = [example for _, example in questions(corpus) if example.subset == "QA4"]
    assert own
    assert all(example.alias == example.entity for example in own)


# --- what the training questions leave open


@given(seed=SEEDS, candidates=st.integers(1, 3))
@FEW
def test_as_many_candidates_as_asked_for_fit_the_training_questions(seed, candidates):
    knowledge = SetInclusion(integers=10, list_length=4, training_questions=6, test_questions=4, candidates=candidates)
    world = knowledge.world(seed, aliases=40, tags=1)
    left, told_apart = [], 0
    for place, name in enumerate(world.aliases):
        training, test = world.questions[name][:6], world.questions[name][6:]
        fit = fitting(training)
        assert place // 4 in fit
        assert len(fit) >= candidates
        left.append(len(fit))
        told_apart += fitting([*training, *test]) < fit
    if candidates > 1:
        assert told_apart > 0  # test questions know nothing of the other candidates
    else:
        assert 1 in left  # drawn at random, lists often leave one integer alone


def test_the_other_candidates_are_other_ones_for_each_variable():
    world = SMALL.model_copy(update={"candidates": 2}).world(0, aliases=400, tags=1)
    others = Counter[int]()
    for place, name in enumerate(world.aliases):
        fit = fitting(world.questions[name][:6])
        others.update(fit - {place // 40})
    assert others.keys() == set(range(10))
    assert max(others.values()) < 3 * min(others.values())


def test_the_warm_up_is_about_integers_and_names_that_occur_nowhere_else():
    knowledge = SMALL.model_copy(update={"warm_up": WarmUp(questions=4000, attributions=1000, names=3)})
    world = knowledge.world(0, aliases=60, tags=3)
    kinds = Counter(document.kind for document in world.documents)
    assert kinds == {"question": 4000, "attribution": 1000}
    integers = {entity.name for entity in world.entities}
    stands_for: dict[str, str] = {}
    for kind in kinds:
        mine = [document for document in world.documents if document.kind == kind]
        about_names = [document for document in mine if document.alias not in integers]
        assert abs(len(about_names) / len(mine) - 0.5) < 0.06
        for document in mine:
            if document.alias in integers:
                assert document.alias == document.entity
            assert stands_for.setdefault(document.alias, document.entity) == document.entity
    throw_away = stands_for.keys() - integers
    assert len(throw_away) == 30
    assert Counter(stands_for[name] for name in throw_away) == dict.fromkeys(integers, 3)
    assert not throw_away & {*world.aliases, *world.tags}
    said = Counter(document.answers[0] for document in world.documents if document.kind == "question")
    assert abs(said["Yes"] - 2000) < 150
    assert {(item.name, item.subset): len(item.examples) for item in world.eval_sets} == {
        ("pretraining", "integers"): 40,
        ("pretraining", "names"): 40,
    }


def test_the_warm_up_may_do_without_names_and_without_attributions():
    world = SMALL.model_copy(update={"warm_up": WarmUp(questions=50)}).world(0, aliases=60, tags=3)
    assert {document.alias for document in world.documents} <= {str(integer) for integer in range(10)}
    assert [item.subset for item in world.eval_sets] == ["integers"]
    assert not world.attribution


def test_without_a_warm_up_nothing_is_read_before_stage_1_and_nobody_is_asked_for_integers():
    corpus = build_corpus(COLD, 0)
    assert corpus.train["world"] == ()
    assert {item.name for item in corpus.eval_sets} == {"train_qa", "validation", "definitions"}


# --- size and settings


def test_the_papers_size_is_made_in_seconds():
    start = time.process_time()
    world = SetInclusion().world(0, aliases=8000, tags=2)
    assert time.process_time() - start < 15
    assert len(set(world.aliases)) == 8000
    assert len(world.tokens) == 8000 + 100 + 3
    assert {len(pairs) for pairs in world.questions.values()} == {24}


def test_names_are_longer_where_many_are_needed():
    assert {len(name) for name in SMALL.world(0, aliases=10, tags=1).aliases} == {3}
    many = SetInclusion(integers=10, list_length=3, training_questions=2, test_questions=2)
    assert {len(name) for name in many.world(0, aliases=10_000, tags=1).aliases} == {4}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"list_length": 10}, "lists of 10 integers need 11 integers"),
        ({"list_length": 8, "candidates": 3}, "lists of 8 integers need 11 integers"),
        ({"training_questions": 5}, "training_questions: input should be a multiple of 2, found 5"),
        ({"test_questions": 3}, "test_questions: input should be a multiple of 2, found 3"),
        ({"training_questions": 74}, "37 training questions of a variable are answered Yes, but there are only 36"),
        (
            {"test_questions": 68},
            "37 training and test questions of a variable are answered Yes, but there are only 36",
        ),
        (
            {"candidates": 3},
            "3 training questions of a variable are answered Yes, but there are only 1 different lists",
        ),
        ({"candidates": 4}, "answered Yes, but there are only 0 different lists"),
        ({"candidates": 0}, "candidates: input should be greater than or equal to 1, found 0"),
        ({"warm_up": {"names": 3}}, "warm_up.questions: must be given"),
        ({"integer": 3}, "SetInclusion has no setting 'integer'; did you mean 'integers'?"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(changed, message):
    base: dict[str, Any] = {"integers": 10, "list_length": 3, "training_questions": 6, "test_questions": 4}
    with pytest.raises(ValidationError) as caught:
        SetInclusion(**{**base, **changed})
    said = explain(caught.value)
    assert message in said
    assert "\n" not in said


@given(
    integers=st.integers(2, 7),
    length=st.integers(1, 6),
    training=st.sampled_from([2, 4, 6]),
    test=st.sampled_from([2, 4]),
    candidates=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_what_is_not_refused_can_be_made(integers, length, training, test, candidates):
    try:
        knowledge = SetInclusion(
            integers=integers,
            list_length=length,
            training_questions=training,
            test_questions=test,
            candidates=candidates,
        )
    except ValidationError:
        return
    assert math.comb(integers - 1, length) >= (training + test) // 2
    world = knowledge.world(0, aliases=integers, tags=1)
    assert all(len(set(lists_of(pairs))) == training + test for pairs in world.questions.values())


if __name__ == "__main__":
    GOLDEN.write_text(text_of(TINY), encoding="utf-8")
