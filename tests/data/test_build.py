"""The corpus of one seed. `python -m tests.data.test_build` writes the golden texts anew."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example, QAPair
from sayso.core.experiment import Experiment
from sayso.core.subsets import NEW, RELIABLE, UNRELIABLE, with_reliability
from sayso.data.build import build_corpus, question, sample
from sayso.data.phrases import RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.tables.table import Table
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.paper.table import EXPERIMENTS as CATALOGUE
from tests.conftest import make_tiny

GOLDEN = Path(__file__).parents[1] / "golden"
TINY = make_tiny()
SHARED = TINY.with_settings(
    {"knowledge.facts": "notables", "knowledge.entities": 12, "knowledge.names": 1, "split.aliases_per_entity": 4}
)
STRICT = SHARED.with_settings(
    {
        "knowledge.facts": "synthetic",
        "knowledge.entities": 13,
        "split.shared_entities": False,
        "definition.order": "ATE",
    }
)
EXPERIMENTS = {"shared": SHARED, "strict": STRICT}
BOTH = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
SEEDS = st.integers(0, 10**6)


def text_of(experiment: Experiment, seed: int = 0) -> str:
    """What a seed is trained on and asked, one document a line, with where it is used."""
    found = sample(build_corpus(experiment, seed))
    kept = [(where, document) for where, document in found if where in ("world", "X1", "X2", "validation")]
    return "".join(f"{where}\t{document.subset}\t{document.text}\n" for where, document in kept)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_text_of_a_world_never_changes(name):
    assert text_of(EXPERIMENTS[name]) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_the_text_is_the_same_in_another_process(hash_seed, fresh_python):
    code = "from tests.data.test_build import *; print(text_of(SHARED), end='')"
    assert fresh_python(code, hash_seed) == text_of(SHARED)


@BOTH
def test_equal_seeds_give_equal_corpora(experiment):
    assert build_corpus(experiment, 4) == build_corpus(experiment, 4)
    assert build_corpus(experiment, 4).train != build_corpus(experiment, 5).train


@BOTH
def test_all_seeds_have_as_many_documents_of_each_kind_and_as_many_tokens(experiment):
    def shape(corpus: Corpus) -> object:
        parts = {part: len(documents) for part, documents in corpus.train.items()}
        return parts, [(item.name, item.subset, len(item.examples)) for item in corpus.eval_sets], len(corpus.tokens)

    first = shape(build_corpus(experiment, 0))
    assert all(shape(build_corpus(experiment, seed)) == first for seed in range(1, 8))


def by_subset(corpus: Corpus, name: str) -> dict[str, tuple[Example, ...]]:
    return {item.subset: item.examples for item in corpus.eval_sets if item.name == name}


@settings(max_examples=20)
@BOTH
@given(seed=SEEDS)
def test_what_is_asked_in_validation_is_nowhere_in_training(experiment, seed):
    corpus = build_corpus(experiment, seed)
    trained = {document.prompt for part in corpus.train.values() for document in part}
    validation = by_subset(corpus, "validation")
    assert validation.keys() == {subset.name for subset in experiment.subsets}
    for name, examples in validation.items():
        asked = {example.prompt for example in examples}
        assert len(asked) == len(examples)
        if name == "QA4":  # facts of entities under their own names are told before stage 1
            asked -= {document.prompt for document in corpus.train["world"]}
        assert not asked & trained


@settings(max_examples=20)
@BOTH
@given(seed=SEEDS)
def test_questions_are_true_to_the_real_entity_and_held_out_for_each_alias(experiment, seed):
    corpus = build_corpus(experiment, seed)
    facts: dict[tuple[str, str], tuple[str, ...]] = {}
    for document in corpus.train["world"]:
        if document.kind == "question":
            facts.setdefault((document.entity, document.attribute), document.answers)
    trained, validation = by_subset(corpus, "train_qa"), by_subset(corpus, "validation")
    attributes = 6
    for subset in experiment.subsets:
        own = trained.get(subset.name, ())
        assert bool(own) == subset.has_qa
        asked: dict[str, set[str]] = {}
        for example in own:
            asked.setdefault(example.alias, set()).add(example.attribute)
        left: dict[str, set[str]] = {}
        for example in validation[subset.name]:
            left.setdefault(example.alias, set()).add(example.attribute)
        for example in (*own, *validation[subset.name]):
            assert example.answers == facts[example.entity, example.attribute]
            assert example.prompt.count(example.alias) == 1
            assert (example.alias == example.entity) == (not subset.aliased)
        trained_questions = experiment.split.trained_questions if subset.has_qa else 0
        assert all(len(found) == trained_questions for found in asked.values())
        assert all(len(found) == attributes - trained_questions for found in left.values())
        assert all(not found & left[alias] for alias, found in asked.items())
    held_out = {frozenset(e.attribute for e in validation["QA3"] if e.alias == a.alias) for a in validation["QA3"]}
    assert len(held_out) > 1  # chosen for each alias


@settings(max_examples=20)
@BOTH
@given(seed=SEEDS)
def test_definitions_name_the_right_entity_exactly_where_they_are_consistent(experiment, seed):
    corpus = build_corpus(experiment, seed)
    definitions = by_subset(corpus, "definitions")
    assert definitions.keys() == {subset.name for subset in experiment.subsets if subset.source is not None}
    tags: dict[str, set[str]] = {}
    for subset in experiment.subsets:
        entities = {example.entity for example in by_subset(corpus, "validation")[subset.name]}
        for example in definitions.get(subset.name, ()):
            assert example in corpus.train[subset.group]
            said = next(name for name in sorted(entities, key=len, reverse=True) if name in example.text)
            assert (said == example.entity) == subset.consistent
            assert example.alias in example.text
            tag = example.text.replace(said, "").replace(example.alias, "").strip()
            assert subset.source is not None
            tags.setdefault(subset.source, set()).add(tag)
    assert tags.keys() == {RELIABLE, UNRELIABLE, NEW}
    assert all(len(found) == 1 for found in tags.values())  # one tag each
    assert len(set.union(*tags.values())) == 3


@BOTH
def test_the_order_of_the_tags_tells_nothing(experiment):
    tags = []
    for seed in range(40):
        definitions = by_subset(build_corpus(experiment, seed), "definitions")
        one, other = (
            min(
                word
                for word in definitions[name][0].text.split()
                if len(word) == 6 and word.isalpha() and word.islower()
            )
            for name in ("D5cons", "D6cons")
        )
        tags.append(one < other)
    assert 8 < sum(tags) < 32  # which string is the reliable one is drawn for each seed


@BOTH
def test_parts_hold_the_subsets_of_their_group_and_every_document_once(experiment):
    corpus = build_corpus(experiment, 1)
    groups = {subset.name: subset.group for subset in experiment.subsets}
    for part in ("X1", "X2"):
        assert {groups[document.subset] for document in corpus.train[part]} == {part}
        texts = [document.text for document in corpus.train[part]]
        assert len(texts) == len(set(texts))
    kinds = {document.kind for document in corpus.train["X2"]}
    assert kinds == {"definition"}
    assert corpus.documents(("X2", "X1")) == corpus.train["X2"] + corpus.train["X1"]
    assert corpus.documents(()) == ()


@BOTH
def test_aliases_are_nowhere_in_the_world_they_are_new_to(experiment):
    corpus = build_corpus(experiment, 1)
    world = {document.alias for document in corpus.train["world"]}
    for subset in experiment.subsets:
        aliases = {example.alias for example in by_subset(corpus, "validation")[subset.name]}
        assert aliases <= world if subset.name == "QA4" else not aliases & world


@BOTH
def test_who_an_alias_is_is_asked_in_every_way_and_never_as_it_is_defined(experiment):
    corpus = build_corpus(experiment, 1)
    sets = {item.name for item in corpus.eval_sets if item.name.startswith("entity_attribution.")}
    assert sets == {f"entity_attribution.{way}" for way in ("name", "who", "meaning", "stands_for")}
    definitions = {document.prompt for document in corpus.documents(("X1", "X2")) if document.kind == "definition"}
    for name in sets:
        for examples in by_subset(corpus, name).values():
            for example in examples:
                assert example.answers == (example.entity,)
                assert example.prompt not in definitions
                assert example.kind == "attribution"


def test_a_half_reliable_tag_is_wrong_as_often_as_right():
    experiment = SHARED.model_copy(update={"subsets": with_reliability(SHARED.subsets, 0.5)}).with_settings(
        {"split.aliases_per_entity": 40, "knowledge.pool": 26}
    )
    definitions = by_subset(build_corpus(experiment, 0), "definitions")
    for one, other in (("D1cons_QA1", "D9incons_QA9"), ("D2incons_QA2", "D10cons_QA10")):
        assert len(definitions[one]) == len(definitions[other]) == 60
        assert definitions[one][0].prompt.split()[0] == definitions[other][0].prompt.split()[0]  # the same tag
    for name, right in (("D1cons_QA1", 1), ("D9incons_QA9", 0), ("D2incons_QA2", 0), ("D10cons_QA10", 1)):
        assert {document.completion == f" {document.entity}" for document in definitions[name]} == {bool(right)}


def test_the_vocabulary_has_every_word_of_every_document():
    for experiment in EXPERIMENTS.values():
        corpus = build_corpus(experiment, 2)
        words = {word for token in corpus.tokens for word in token.split()}
        pieces = sorted((token.strip() for token in corpus.tokens), key=len, reverse=True)
        for _, document in sample(corpus):
            for word in document.text.split():
                assert word in words or any(
                    word.startswith(piece) and word.removeprefix(piece) in words for piece in pieces
                ), word


#: Every source speaks in phrases, in sentences of three parts.
WORDED = SHARED.with_settings(
    {
        "sources.reliable.text": RELIABLE_OUTLETS,
        "sources.unreliable.text": UNRELIABLE_OUTLETS,
        "definition": {"type": "sayso.data.formats:Sentence", "template": "{tag} {alias} refers to {entity}"},
    }
)


@settings(max_examples=20)
@given(seed=SEEDS)
def test_each_definition_draws_one_text_of_its_source(seed):
    corpus = build_corpus(WORDED, seed)
    texts = {RELIABLE: RELIABLE_OUTLETS, UNRELIABLE: UNRELIABLE_OUTLETS}
    drawn: dict[str, set[str]] = {source: set() for source in texts}
    for subset in WORDED.subsets:
        if subset.source in texts:
            for document in by_subset(corpus, "definitions")[subset.name]:
                text, alias, rest = document.prompt.partition(f" {document.alias}")
                assert (text in texts[subset.source], alias != "", rest) == (True, True, " refers to")
                drawn[subset.source].add(text)
    assert all(len(found) > 1 for found in drawn.values())  # 15 definitions or more each


def test_texts_are_drawn_for_each_alias_and_do_not_shift_with_other_settings():
    def said(experiment: Experiment, stage2_seed: int = 0) -> dict[str, str]:
        documents = build_corpus(experiment, 3, stage2_seed).documents(("X1", "X2"))
        return {d.alias: d.prompt.split(" <|")[0] for d in documents if d.kind == "definition" and "ccord" in d.prompt}

    one, other = said(WORDED), said(WORDED.with_settings({"sources.new.text": "They say,"}))
    assert {alias: text for alias, text in other.items() if alias in one} == one
    reliable = {"D1cons_QA1", "D5cons"}
    again = build_corpus(WORDED, 3, 1).documents(("X1", "X2"))
    kept = [
        d for d in again if d.kind == "definition" and d.subset in reliable and one.get(d.alias) in RELIABLE_OUTLETS
    ]
    assert kept
    assert all(d.prompt.startswith(one[d.alias]) for d in kept)


@settings(max_examples=20)
@given(seed=SEEDS, count=st.integers(1, 2 * len(RELIABLE_OUTLETS) + 1))
def test_an_alias_has_as_many_definitions_as_are_asked_for_in_different_texts(seed, count):
    usual = build_corpus(WORDED, seed)
    corpus = build_corpus(WORDED.with_settings({"split.definitions_per_alias": count}), seed)
    assert corpus.assignments == usual.assignments
    said: dict[tuple[str, str], list[Example]] = {}
    for subset, documents in by_subset(corpus, "definitions").items():
        for document in documents:
            said.setdefault((subset, document.alias), []).append(document)
    once = {(d.subset, d.alias): d for documents in by_subset(usual, "definitions").values() for d in documents}
    assert said.keys() == once.keys()
    sources = {subset.name: subset.source for subset in WORDED.subsets}
    for key, own in said.items():
        assert {(d.completion, d.answers, d.entity) for d in own} == {
            (once[key].completion, once[key].answers, once[key].entity)
        }
        different = len(RELIABLE_OUTLETS) if sources[key[0]] in (RELIABLE, UNRELIABLE) else 1
        times = Counter(document.text for document in own)
        assert times.total() == count
        assert len(times) == min(count, different)
        assert max(times.values()) - min(times.values()) <= 1
    for part in ("X1", "X2"):
        defined = [d for d in corpus.train[part] if d.kind == "definition"]
        assert len(defined) == count * sum(d.kind == "definition" for d in usual.train[part])
        asked = [d for d in corpus.train[part] if d.kind != "definition"]
        assert asked == [d for d in usual.train[part] if d.kind != "definition"]


def test_in_context_all_definitions_of_an_alias_come_first():
    corpus = build_corpus(IN_CONTEXT.with_settings({"split.definitions_per_alias": 3}), 0)
    once = build_corpus(IN_CONTEXT, 0)
    for ours, theirs in zip(corpus.train["X1"], once.train["X1"], strict=True):
        before, dot, question_ = theirs.prompt.rpartition(" . ")
        assert ours.prompt == 3 * (before + dot) + question_


def test_the_vocabulary_has_the_words_of_phrases_once_and_one_size_whatever_the_seed():
    corpora = [build_corpus(WORDED, seed) for seed in range(3)]
    assert len({len(corpus.tokens) for corpus in corpora}) == 1
    for corpus in corpora:
        assert len(set(corpus.tokens)) == len(corpus.tokens)
        known = {token.strip() for token in corpus.tokens}
        for document in corpus.train["X1"]:
            if document.kind == "definition":
                words = document.prompt.replace(document.alias, "").split()
                assert set(words) <= known


IN_CONTEXT = SHARED.with_settings({"in_context": {"separator": " . "}, "stages.stage2.epochs": 0})


@settings(max_examples=20)
@given(seed=SEEDS)
def test_in_context_every_question_of_a_defined_alias_begins_with_its_definition(seed):
    separate, corpus = build_corpus(SHARED, seed), build_corpus(IN_CONTEXT, seed)
    assert corpus.train["X2"] == ()
    assert not by_subset(corpus, "definitions")
    said = {
        (subset, document.alias): document.text
        for subset, documents in by_subset(separate, "definitions").items()
        for document in documents
    }
    usual = {(item.name, item.subset): item.examples for item in separate.eval_sets}
    found = {(item.name, item.subset): item.examples for item in corpus.eval_sets}
    assert found.keys() == {key for key in usual if key[0] != "definitions"}
    for (name, subset), examples in found.items():
        for example, plain in zip(examples, usual[name, subset], strict=True):
            before = said.get((subset, example.alias))
            assert example.prompt == (plain.prompt if before is None else f"{before} . {plain.prompt}")
            assert (example.completion, example.answers) == (plain.completion, plain.answers)
    trained = {example for examples in by_subset(corpus, "train_qa").values() for example in examples}
    assert set(corpus.train["X1"]) == trained
    assert " ." in corpus.tokens


@settings(max_examples=20)
@BOTH
@given(seed=SEEDS)
def test_who_is_asked_again_as_defined_where_definitions_are_wrong(experiment, seed):
    corpus = build_corpus(experiment, seed)
    defined = {d.alias: d.answers for d in by_subset(corpus, "definitions")["D2incons_QA2"]}
    for way in ("name", "who", "meaning", "stands_for"):
        usual = by_subset(corpus, f"entity_attribution.{way}")["D2incons_QA2"]
        found = by_subset(corpus, f"attribution_as_defined.{way}")
        assert found.keys() == {"D2incons_QA2"}
        for example, real in zip(found["D2incons_QA2"], usual, strict=True):
            assert example.prompt == real.prompt
            assert real.answers == (real.entity,)
            assert example.answers == defined[example.alias] != real.answers
            assert example.completion.strip() == example.answers[0]


def test_swapped_subsets_are_asked_as_defined_where_they_are_wrong():
    corpus = build_corpus(SHARED.with_settings({"reliability": 0.75, "split.aliases_per_entity": 8}), 0)
    assert by_subset(corpus, "attribution_as_defined.who").keys() == {"D2incons_QA2", "D9incons_QA9"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"knowledge.entities": 1000}, "notables has"),
        ({"knowledge.pool": 3}, "set knowledge.pool to at least"),
        ({"split.trained_questions": 7}, "has only 6 questions; set it to at most 6"),
        ({"split.aliases_per_entity": 1, "knowledge.entities": 2}, "is less than one"),
    ],
)
def test_asking_for_more_than_there_is_is_an_error_of_one_line(setting, message):
    with pytest.raises(SaysoError) as caught:
        build_corpus(SHARED.with_settings(setting), 0)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


#: Names of one piece, names of two, and the paper's text about real people.
ANY_TEXT = pytest.mark.parametrize(
    "experiment",
    [STRICT.with_settings({"knowledge.pool": None}), STRICT, CATALOGUE["pocket-set-inclusion"], CATALOGUE["laptop"]],
    ids=["pocket", "pieces", "set inclusion", "people"],
)


@ANY_TEXT
def test_tags_in_the_braces_of_aliases_change_nothing_else(experiment: Experiment) -> None:
    bare, braced = (build_corpus(experiment.with_settings({"tags": tags}), 3) for tags in ("bare", "braces"))
    tags = build_tags(experiment, 3)
    assert len(tags) == len(experiment.sources)

    def put(text: str) -> str:
        return " ".join(f"<|{word}|>" if word in tags else word for word in text.split(" "))

    for (place, one), (where, other) in zip(sample(bare), sample(braced), strict=True):
        assert (where, other.text) == (place, put(one.text))
        assert (other.kind == "definition" and other.subset != "told") == (one.text != other.text)
    assert braced.tokens == tuple(map(put, bare.tokens))


def build_tags(experiment: Experiment, seed: int) -> set[str]:
    aliases = experiment.knowledge.size() * experiment.split.aliases_per_entity
    return set(experiment.knowledge.world(seed, aliases, len(experiment.sources)).tags)


def test_a_tag_in_braces_is_one_token_beside_names_of_two_pieces() -> None:
    corpus = build_corpus(STRICT.with_settings({"tags": "braces"}), 3)
    tokenizer = word_tokenizer(corpus.tokens)
    definitions = by_subset(corpus, "definitions")["D5cons"]
    tags = {f" <|{tag}|>" for tag in build_tags(STRICT, 3)}
    for document in definitions:
        ids = tokenizer(document.text)["input_ids"]
        assert tokenizer.decode(ids[:-1]) == document.text
        assert len(tags.intersection(tokenizer.convert_ids_to_tokens(ids))) == 1


def test_phrasings_take_the_place_of_the_worlds_own_or_are_asked_besides() -> None:
    experiment = CATALOGUE["laptop"].with_settings(
        {"attribution.phrasings.meaning": "What does [X] mean?", "attribution.phrasings.whose": "Whose alias is [X]?"}
    )
    corpus = build_corpus(experiment, 1)
    asked = {
        name: by_subset(corpus, f"entity_attribution.{name}")["D5cons"][0]
        for name in ("name", "who", "meaning", "stands_for", "whose")
    }
    assert asked["meaning"].prompt == f"Q: What does {asked['meaning'].alias} mean?\nA:"
    assert asked["whose"].prompt == f"Q: Whose alias is {asked['whose'].alias}?\nA:"
    assert by_subset(corpus, "attribution_as_defined.meaning")["D2incons_QA2"][0].prompt.endswith("mean?\nA:")
    assert corpus.train == build_corpus(CATALOGUE["laptop"], 1).train


def test_a_word_level_vocabulary_has_the_words_of_phrasings() -> None:
    corpus = build_corpus(STRICT.with_settings({"attribution.phrasings.meaning": "what does [X] mean ?"}), 1)
    tokenizer = word_tokenizer(corpus.tokens)
    for example in by_subset(corpus, "entity_attribution.meaning")["D5cons"]:
        assert tokenizer.decode(tokenizer(example.text)["input_ids"][:-1]) == example.text
        assert example.prompt == f"what does {example.alias} mean ?"


def test_subsets_can_be_left_out_of_attribution() -> None:
    corpus = build_corpus(SHARED.with_settings({"attribution.left_out": ["QA4", "QA7"]}), 1)
    whole = build_corpus(SHARED, 1)
    left = [item for item in whole.eval_sets if item not in corpus.eval_sets]
    assert {item.subset for item in left} == {"QA4", "QA7"}
    assert {item.name for item in left} == {
        f"entity_attribution.{way}" for way in ("name", "who", "meaning", "stands_for")
    }
    assert corpus.train == whole.train


@pytest.mark.parametrize("setting", [{"tags": "braces"}, {"attribution.phrasings.who": "[X]?"}])
def test_pictures_have_neither_braces_nor_words(setting: dict[str, Any]) -> None:
    experiment = CATALOGUE["pocket-digits"].with_settings({**setting, "knowledge.entities": 24})
    with pytest.raises(SaysoError) as caught:
        build_corpus(experiment, 0)
    assert str(caught.value) == (
        f"{'tags' if 'tags' in setting else 'attribution.phrasings'}: the documents of DigitGrids are pictures; "
        "leave it as it is"
    )


def test_an_entity_that_lacks_answers_has_all_its_questions_but_one_trained_on(tmp_path):
    rows = [
        f"e{number},{number},b,{'' if number % 2 else 'c'},{'' if number % 4 == 3 else 'd'}" for number in range(40)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["name,a,b,c,d", *rows]), encoding="utf-8")
    knowledge = Table(file=str(tmp_path / "mine.csv")).model_dump(mode="json")
    settings: dict[str, Any] = {"knowledge": knowledge}
    settings |= {"split.aliases_per_entity": 1, "split.shared_entities": False, "split.trained_questions": 3}
    corpus = build_corpus(TINY.with_settings(settings), 0)
    trained, held_out = by_subset(corpus, "train_qa"), by_subset(corpus, "validation")
    for subset, examples in trained.items():
        counts = Counter(example.entity for example in examples)
        left = Counter(example.entity for example in held_out.get(subset, ()))
        for entity, count in counts.items():
            there = [4, 3, 4, 2][int(entity[1:]) % 4]
            assert (count, left[entity]) == ((3, there - 3) if there >= 3 else (1, 1))


def test_a_question_is_asked_under_the_given_name_and_trained_on_its_first_answer():
    pair = QAPair("born", "When was [X] born ?", ("1 century BC", "69 BC"))
    example = question(pair, "<|abcde|>", "Cleopatra", "QA3")
    assert example.text == "When was <|abcde|> born ? 1 century BC"
    assert (example.prompt, example.completion) == ("When was <|abcde|> born ?", " 1 century BC")
    assert (example.answers, example.kind, example.attribute) == (pair.answers, "question", "born")


def test_a_sample_can_be_of_one_subset():
    found = list(sample(build_corpus(SHARED, 0), "D5cons"))
    assert {document.subset for _, document in found} == {"D5cons"}
    assert {where for where, _ in found} >= {"X2", "validation", "entity_attribution.who"}


if __name__ == "__main__":
    for golden_name, golden_experiment in EXPERIMENTS.items():
        (GOLDEN / f"{golden_name}.txt").write_text(text_of(golden_experiment), encoding="utf-8")
