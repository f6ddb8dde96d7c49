"""The experiment of `sayso trust`, and its controls."""

from collections import Counter
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.core.sizes import sizes
from sayso.data.build import build_corpus
from sayso.data.formats import Sentence
from sayso.data.pocket import PocketWorld
from sayso.learners.specs import HFModel, LoRA
from sayso.paper.trust import trust_control, trust_experiment
from tests.planted_trust import SOURCES, pocket_trust


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    file = tmp_path / "facts.csv"
    rows = [f"place {number},{number % 3},{number % 5}" for number in range(20)]
    file.write_text("\n".join(["name,capital,language", *rows]), encoding="utf-8")
    return file


def dealt(experiment) -> dict[str, int]:
    total = experiment.split.items(experiment.knowledge.size())
    return dict(zip((one.name for one in experiment.subsets), sizes(experiment.subsets, total), strict=True))


def test_each_source_defines_as_many_names_and_the_control_has_the_rest(facts):
    spec = trust_experiment(SOURCES, model="a/model", knowledge=facts, entities=19)
    assert dealt(spec) == {"new_encyclopedia": 4, "new_blog": 4, "new_rumour": 4, "QA7": 7}
    assert str(spec.seeds) == "102-119"
    assert [stage.documents for stage in spec.stages] == [("X2",)]
    documents = build_corpus(spec, 103).documents(["X2"])
    assert Counter(one.subset for one in documents) == {"new_encyclopedia": 4, "new_blog": 4, "new_rumour": 4}
    assert {one.text.partition("<")[0].strip() for one in documents} == {text for own in SOURCES for text in own.texts}
    assert all(one.text.endswith(f" refers to {one.entity}.") for one in documents)


def test_settings_are_those_that_are_given(facts):
    spec = trust_experiment(
        SOURCES,
        model="a/model",
        knowledge=facts,
        aliases=2,
        definition="{tag} {alias} means {entity}",
        lora=4,
        seeds="300-302",
        settings={"knowledge.name_column": "name", "train.batch_size": 4, "stages.told.epochs": 2},
    )
    assert spec.model == HFModel(name="a/model", lora=LoRA(rank=4, alpha=8), evaluation_precision="fastest")
    assert spec.definition == Sentence(template="{tag} {alias} means {entity}")
    assert (spec.train.batch_size, spec.stages[0].epochs, str(spec.seeds)) == (4, 2, "300-302")
    assert dealt(spec)["new_blog"] == 10
    assert str(trust_experiment(SOURCES, model="a/model", knowledge=facts, seeds="6").seeds) == "102-107"


def test_in_the_pocket_world_the_model_is_told_of_entities_first(facts):
    spec = pocket_trust(knowledge=facts, entities=4, settings={"knowledge.names": 3})
    assert [stage.documents for stage in spec.stages] == [("world",), ("X2",)]
    assert isinstance(spec.knowledge, PocketWorld)
    assert (spec.knowledge.entities, spec.knowledge.names) == (4, 3)
    assert {item.subset for item in build_corpus(spec, 102).assignments} == {one.name for one in spec.subsets}
    assert pocket_trust(knowledge="synthetic").knowledge == PocketWorld(facts="synthetic", entities=12, names=32)


def test_phrases_give_way_to_random_tags_and_nothing_else_changes():
    spec = pocket_trust()
    control = trust_control(spec, "phrases")
    assert control.name == "trust-phrases"
    assert all(source.texts == () for source in control.sources)
    back = {f"sources.{one.name}.text": one.text for one in spec.sources}
    names = {"name": spec.name, "summary": spec.summary}
    assert control.with_settings({**back, **names}) == spec


def test_twice_has_each_source_under_two_names_in_whole_squares():
    spec = pocket_trust(seeds="102-110")
    control = trust_control(spec, "twice")
    assert [one.name for one in control.sources[3:]] == [f"{one.name} again" for one in SOURCES]
    assert [one.same_as for one in control.sources[3:]] == [one.name for one in SOURCES]
    assert len(set(dealt(control).values()) - {dealt(control)["QA7"]}) == 1
    assert str(control.seeds) == "102-113"  # no fewer than nine
    assert build_corpus(control, 102).documents(["X2"])


def test_what_does_not_go_is_an_error_in_one_line(facts):
    def refused(sources=SOURCES, **more) -> str:
        with pytest.raises(SaysoError) as found:
            trust_experiment(sources, **{"model": "a/model", "knowledge": facts, **more})
        assert "\n" not in str(found.value)
        return str(found.value)

    few = refused(entities=3)
    assert "3 sources and the undefined control need an alias each, 4 in all, and there are 3 entities with 1" in few
    assert "nearest is 99-104" in refused(seeds="100-104")
    assert "found '{tag} says'" in refused(definition="{tag} says")
    assert "did you mean 'batch_size'" in refused(settings={"train.batchsize": 3})
    assert "no such file" in refused(knowledge="nowhere.csv")
    assert "LoRA is for pretrained models" in refused(model="pocket", lora=4)
    assert "0 sources: at least two are needed" in refused([])
    assert "1 source: at least two are needed" in refused(SOURCES[:1])
    twice = trust_experiment(SOURCES, model="a/model", knowledge=facts, entities=6)
    with pytest.raises(SaysoError, match="trust-twice: 6 sources and the undefined control need an alias each, 7"):
        trust_control(twice, "twice")
