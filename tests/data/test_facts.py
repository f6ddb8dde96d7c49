"""What the three kinds of files have in common. `python -m tests.data.test_facts` writes the golden texts anew."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from sayso.cli.data_pages import facts_json
from sayso.core.errors import SaysoError
from sayso.core.protocols import KnowledgeBase, World
from sayso.core.spec import Component
from sayso.core.subsets import TABLE_1
from sayso.data.build import build_corpus
from sayso.data.facts import FactBase
from sayso.data.published.cvdb import CVDB
from sayso.data.published.trex import TREx
from sayso.data.tables.table import Table
from tests.conftest import make_tiny
from tests.data.files.make import CVDB_FILE, FOLDER, TREX_FILE

GOLDEN = Path(__file__).parents[1] / "golden"
COUNTRIES = FOLDER / "countries.csv"
KINDS: dict[str, FactBase] = {
    "cvdb": CVDB(file=str(CVDB_FILE), entities=60),
    "trex": TREx(file=str(TREX_FILE), entities=60),
    "table": Table(file=str(COUNTRIES), entities=60),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def golden(kind: str) -> str:
    return facts_json(KINDS[kind].first(12))


def fingerprint(kind: str) -> str:
    """Of the golden text and of everything in a world."""
    return hashlib.sha256((golden(kind) + repr(KINDS[kind].world(7, 60, 3))).encode()).hexdigest()


def text_of(world: World) -> str:
    parts = [*world.attribution.values()]
    for entity in world.entities:
        parts += [entity.name, *(text for pair in entity.questions for text in (pair.question, *pair.answers))]
    return "\n".join(parts)


@kinds
def test_twelve_entities_are_told_as_in_the_golden_text(kind):
    assert golden(kind) == (GOLDEN / f"facts-{kind}.jsonl").read_text(encoding="utf-8")


def test_worlds_are_the_same_in_every_process_whatever_its_hash_seed_and_cache(fresh_python, tmp_path):
    code = (
        "import os\n"
        "os.environ['SAYSO_CACHE'] = {cache!r}\n"
        "from tests.data.test_facts import KINDS, fingerprint\n"
        "for kind in KINDS: print(fingerprint(kind))"
    )
    here = [fingerprint(kind) for kind in KINDS]
    assert len(set(here)) == len(KINDS)
    for seed in (1, 2):
        assert fresh_python(code.format(cache=str(tmp_path / str(seed))), hash_seed=seed).split() == here


@kinds
def test_every_seed_has_the_same_entities_and_other_aliases_and_tags(kind):
    one, other = (KINDS[kind].world(seed, 60, 3) for seed in (0, 1))
    assert one == KINDS[kind].world(0, 60, 3)
    assert one.entities == other.entities
    assert len(one.entities) == KINDS[kind].size() == 60
    assert not set(one.aliases) & set(other.aliases)
    assert not set(one.tags) & set(other.tags)


@kinds
def test_aliases_and_tags_are_all_different_and_nowhere_in_the_text(kind):
    for seed in range(5):
        world = KINDS[kind].world(seed, 200, 5)
        text = text_of(world).lower()
        assert len(set(world.aliases)) == 200
        assert len(set(world.tags)) == 5
        assert all(re.fullmatch(r"<\|[a-z]{5}\|>", alias) for alias in world.aliases)
        assert all(re.fullmatch(r"[a-z]{6}", tag) for tag in world.tags)
        strings = [*world.aliases, *world.tags]
        assert not any(string in text for string in strings)
        assert not any(one in other for one in strings for other in strings if one is not other)


def test_a_string_that_is_in_the_text_is_never_drawn(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("name,sort\nOne,a\nTwo,b\n", encoding="utf-8")
    before = Table(file=str(file)).world(0, 2, 2)
    alias, tag = before.aliases[0], before.tags[0]
    file.write_text(f"name,sort\nOne {alias.upper()},a\nTwo,x{tag.title()}y\n", encoding="utf-8")
    after = Table(file=str(file)).world(0, 2, 2)
    assert alias not in after.aliases
    assert tag not in after.tags
    assert after.aliases[0] == before.aliases[1]
    assert after.tags[0] == before.tags[1]


@kinds
def test_the_papers_four_ways_to_ask_who_an_alias_is(kind):
    world = KINDS[kind].world(0, 60, 3)
    assert world.attribution == {
        "name": "What is the name of [X]?",
        "who": "Who is [X]?",
        "meaning": "What is the meaning of [X]?",
        "stands_for": "What does [X] stand for?",
    }
    assert world.tokens == ()
    assert world.documents == ()


@kinds
def test_how_many_questions_an_entity_has_is_known_as_reading_them_says(kind):
    assert KINDS[kind].most_questions() == max(len(entity.questions) for entity in KINDS[kind].first())


def test_how_many_questions_a_person_of_the_cvdb_has_is_known_without_its_file():
    assert (CVDB(file="none.csv").most_questions(), TREx(file="none.zip").most_questions()) == (6, 4)


@kinds
def test_more_entities_than_there_are_is_an_error_of_one_line(kind):
    knowledge = KINDS[kind].model_copy(update={"entities": 2000})
    there = len(KINDS[kind].first())
    with pytest.raises(SaysoError) as caught:
        knowledge.world(0, 2000, 3)
    assert "knowledge.entities is 2000" in str(caught.value)
    assert f"set it to at most {there}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(knowledge.model_copy(update={"entities": there}).world(0, there, 3).entities) == there


@pytest.mark.parametrize("kind", ["trex", "table"])
def test_entities_can_be_drawn_anew_by_every_seed(kind):
    knowledge = KINDS[kind].model_copy(update={"drawn": "seed", "entities": 20})
    one, other = (knowledge.world(seed, 20, 3).entities for seed in (0, 1))
    everything = knowledge.first()
    assert set(one) < set(everything)
    assert set(other) < set(everything)
    assert len(set(one)) == len(set(other)) == 20
    assert set(one) != set(other)
    assert one == knowledge.world(0, 20, 3).entities


@pytest.mark.parametrize("kind", ["trex", "table"])
def test_none_means_all_there_are(kind):
    knowledge = KINDS[kind].model_copy(update={"entities": None})
    assert knowledge.size() == len(knowledge.first()) == len(knowledge.world(0, 1, 1).entities) > 60


@kinds
def test_the_hash_is_that_of_the_raw_file(kind):
    file = {"cvdb": CVDB_FILE, "trex": TREX_FILE, "table": COUNTRIES}[kind]
    assert KINDS[kind].sha256() == hashlib.sha256(file.read_bytes()).hexdigest()


@kinds
def test_settings_survive_json(kind):
    knowledge = KINDS[kind]
    assert KnowledgeBase.model_validate(knowledge.model_dump(mode="json")) == knowledge
    assert isinstance(knowledge, Component)


@kinds
def test_every_subset_of_table_1_gets_entities_of_the_shipped_files(kind):
    settings = {"knowledge": KINDS[kind].model_dump(mode="json"), "split.aliases_per_entity": 1}
    settings |= {"split.shared_entities": False, "split.trained_questions": 3}
    corpus = build_corpus(make_tiny().with_settings(settings), 0)
    entities: dict[str, set[str]] = {}
    for part in ("X1", "X2"):
        for document in corpus.train[part]:
            entities.setdefault(document.subset, set()).add(document.entity)
    for eval_set in corpus.eval_sets:
        assert eval_set.examples
        entities.setdefault(eval_set.subset, set()).update(example.entity for example in eval_set.examples)
    assert entities.keys() == {subset.name for subset in TABLE_1}
    assert sum(map(len, entities.values())) == len(set.union(*entities.values())) == 60


if __name__ == "__main__":
    for kind in KINDS:
        (GOLDEN / f"facts-{kind}.jsonl").write_text(golden(kind), encoding="utf-8")
