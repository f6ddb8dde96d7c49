"""Latin squares in corpora: over a square every alias is told once by each source, in its texts equally often."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.core.experiment import Experiment
from sayso.core.subsets import Source, SplitSpec, Subset
from sayso.core.training import Stage, TrainSpec
from sayso.data.build import build_corpus
from sayso.data.formats import Sentence
from sayso.data.notables import Notables
from sayso.learners.specs import FromScratch
from sayso.measures.losses import MeanLoss


def experiment(
    sources: int, entities: int, copies: int, *, shared: bool = True, texts: int = 3, told: int = 1, twice: bool = False
) -> Experiment:
    own = [Source(name=f"s{n}", text=tuple(f"Says {n} {t}," for t in range(texts)) or None) for n in range(sources)]
    own += [Source(name=f"{one.name} again", same_as=one.name) for one in own] if twice else []
    fraction = 1 / (len(own) + 1)
    return Experiment(
        name="squares",
        knowledge=Notables(entities=entities),
        sources=own,
        subsets=(
            *(Subset(name=f"new_{one.name}", group="X2", source=one.name, fraction=fraction) for one in own),
            Subset(name="QA7", group="X2", fraction=fraction),
        ),
        split=SplitSpec(
            aliases_per_entity=copies,
            shared_entities=shared,
            trained_questions=1,
            definitions_per_alias=told,
            latin_square=True,
        ),
        definition=Sentence(template="{tag} {alias} refers to {entity}."),
        model=FromScratch(),
        train=TrainSpec(learning_rate=1e-3, batch_size=8),
        stages=(Stage(name="told", documents=("X2",), epochs=1),),
        measures=(MeanLoss(),),
    )


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 5), st.integers(1, 3), st.integers(1, 3), st.booleans(), st.integers(1, 4), st.integers(1, 5),
    st.integers(0, 30),
)  # fmt: skip
def test_over_a_square_every_alias_is_told_once_by_each_source_and_every_text_is_used_equally_often(
    sources, each, copies, shared, texts, told, square
):
    spec = experiment(sources, (sources + 1) * each, copies, shared=shared, texts=texts, told=told)
    corpora = [build_corpus(spec, square * sources + row) for row in range(sources)]
    tellers: dict[tuple[str, int], Counter[str]] = {}
    for corpus in corpora:
        sizes = Counter(item.source for item in corpus.assignments)
        assert len(set(sizes.values())) == 1
        assert all(item.defined_as == item.entity for item in corpus.assignments if item.source)
        for item in corpus.assignments:
            tellers.setdefault((item.alias, item.entity), Counter())[item.source or ""] += 1
    assert {corpus.entities for corpus in corpora} == {corpora[0].entities}
    once = Counter(f"s{n}" for n in range(sources))
    assert all(tellers[key] in (once, Counter({"": sources})) for key in tellers)
    assert sum(tellers[key] == once for key in tellers) == sources * each * copies
    used = Counter(document.text.split(",")[0] for corpus in corpora for document in corpus.documents(["X2"]))
    for n in range(sources):
        own = [used[f"Says {n} {text}"] for text in range(texts)]
        assert sum(own) == sources * each * copies * told
        assert max(own) - min(own) <= 1


def test_a_source_says_the_same_of_an_alias_as_another_that_has_its_texts():
    spec = experiment(2, 10, 2, twice=True)
    corpora = [build_corpus(spec, row) for row in range(4)]
    said: dict[str, set[str]] = {}
    for corpus in corpora:
        for document in corpus.documents(["X2"]):
            said.setdefault(f"{document.alias} {document.subset.removesuffix(' again')}", set()).add(document.text)
    assert len(said) == 2 * 16
    assert all(len(texts) == 1 for texts in said.values())


def test_random_tags_are_those_of_the_square_and_shared_by_who_has_anothers():
    spec = experiment(2, 10, 1, texts=0, twice=True)
    tags = {
        (seed // 4, document.subset): document.text.split()[0]
        for seed in range(8)
        for document in build_corpus(spec, seed).documents(["X2"])
    }
    for square in (0, 1):
        assert tags[square, "new_s0"] == tags[square, "new_s0 again"] != tags[square, "new_s1"]
    assert tags[0, "new_s0"] != tags[1, "new_s0"]
    assert len(set(tags.values())) == 4


def test_squares_differ_from_one_another():
    spec = experiment(2, 12, 1)
    first, second, third = ({item.alias for item in build_corpus(spec, seed).assignments} for seed in (0, 1, 2))
    assert first == second
    assert first != third


def test_digests_of_experiments_without_squares_and_copies_are_as_they_were():
    spec = experiment(2, 12, 1)
    told = spec.training()
    assert told["split"]["latin_square"] is True
    plain = spec.with_settings({"split.latin_square": False}).training()
    assert "latin_square" not in plain["split"]
    assert all("same_as" not in source for source in plain["sources"])
    assert experiment(2, 12, 1, twice=True).training()["sources"][2]["same_as"] == "s0"


def test_a_source_that_has_anothers_texts_names_one_that_has_some_and_has_none_itself():
    with pytest.raises(ValueError, match="source b: has a text, and same_as gives it those of 'a'; set one"):
        Source(name="b", text="Says b,", same_as="a")
    spec = experiment(2, 12, 1, twice=True).model_dump(mode="json")
    for wrong in ("s7", "s1 again", "s0 again"):
        spec["sources"][2]["same_as"] = wrong
        with pytest.raises(ValueError, match=f"source s0 again: same_as is '{wrong}', which is no source with texts"):
            Experiment.model_validate(spec)
