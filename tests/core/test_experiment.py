import json
import math
import re
import shlex
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec
from sayso.core.experiment_file import load_file
from sayso.core.learner import Need
from sayso.core.seeds import Seeds
from sayso.core.spec import canonical_json
from sayso.core.subsets import with_reliability
from sayso.core.sweep import cells
from sayso.core.training import Stage, TrainSpec
from sayso.data.formats import WordOrder
from sayso.data.pocket import PocketWorld
from sayso.learners.grids.specs import GridMLP
from sayso.learners.specs import FromScratch, HFModel
from sayso.measures.belief import Belief
from sayso.measures.exact_match import ExactMatch


def error(function, *arguments) -> str:
    with pytest.raises(SaysoError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- one value, one spelling, one digest


def test_an_experiment_comes_back_from_json_with_the_classes_of_its_components(tiny):
    back = Experiment.model_validate_json(tiny.model_dump_json())
    assert back == tiny
    assert isinstance(back.knowledge, PocketWorld)
    assert isinstance(back.definition, WordOrder)
    assert isinstance(back.model, FromScratch)
    assert isinstance(back.measures[0], ExactMatch)


def test_json_round_trips_are_stable(tiny):
    sweep = tiny.vary("sweep", train__batch_size=[16, 64], definition__order=["TAE", "EAT"])
    text = sweep.model_dump_json()
    assert load_spec(json.loads(text), "x", own_only=False).model_dump_json() == text
    assert load_spec(json.loads(text), "x", own_only=False).digest() == sweep.digest()


def test_the_digest_ignores_name_summary_and_seeds(tiny):
    other = tiny.with_settings({"name": "other", "summary": "text", "seeds.first": 3, "seeds.count": 1})
    assert other.digest() == tiny.digest()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("knowledge.names", 5),
        ("knowledge.facts", "notables"),
        ("sources.new.text", "qwerty"),
        ("subsets.QA3.has_qa", False),
        ("split.shared_entities", False),
        ("definition.order", "ATE"),
        ("tags", "braces"),
        ("attribution.phrasings.meaning", "what does [X] mean ?"),
        ("model.config.hidden_size", 32),
        ("train.optimizer", "adamw"),
        ("stages.stage1.epochs", 9),
        ("stages.stage1.overrides.learning_rate", 0.5),
    ],
)
def test_the_digest_covers_all_that_weights_depend_on(tiny, path, value):
    assert tiny.with_settings({path: value}).digest() != tiny.digest()


def test_the_digest_covers_axes(tiny):
    assert tiny.with_axes({"train.learning_rate": [0.1, 0.2]}).digest() != tiny.digest()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("measures.0.when", "stage"),
        ("stages.stage1.measured", False),
        ("stages.stage1.measure_every", 2),
        ("keep", "none"),
        ("checkpoint_minutes", 1),
        ("attribution.left_out", ["QA4"]),
    ],
)
def test_the_digest_covers_nothing_that_weights_do_not_depend_on(tiny, path, value):
    assert tiny.with_settings({path: value}).digest() == tiny.digest()


def test_how_many_devices_train_a_model_belongs_to_no_digest(tiny):
    one, two = (tiny.model_copy(update={"model": HFModel(name="m", devices=n, sharded=n > 1)}) for n in (1, 2))
    assert one.digest() == two.digest()
    assert one.measure_digest(tiny.measures[0]) == two.measure_digest(tiny.measures[0])
    assert one.model.run_as(two.model) == two.model
    assert one.model.run_as(tiny.model) == one.model


def test_how_a_model_is_asked_belongs_to_its_measures_and_not_to_its_training(tiny):
    one, other = (tiny.model_copy(update={"model": HFModel(name="m", max_new_tokens=n)}) for n in (8, 9))
    measure = tiny.measures[0]
    assert one.digest() == other.digest()
    assert one.measure_digest(measure) != other.measure_digest(measure)
    seldom = tiny.with_settings({"stages.stage1.measure_every": 2})
    assert seldom.measure_digest(measure) != tiny.measure_digest(measure)
    assert tiny.with_settings({"train.learning_rate": 1}).measure_digest(measure) == tiny.measure_digest(measure)
    fewer = tiny.with_settings({"attribution.left_out": ["QA4", "QA7"]})
    assert fewer.measure_digest(measure) != tiny.measure_digest(measure)


def test_answers_that_are_found_in_another_precision_are_the_same_records(tiny):
    measure = tiny.measures[0]
    settings = ("auto", "float32", "fastest")
    models = [HFModel.model_validate({"name": "m", "evaluation_precision": each}) for each in settings]
    auto, exact, fastest = (tiny.model_copy(update={"model": model}).measure_digest(measure) for model in models)
    assert auto == exact != fastest
    assert models[0].evaluation_precision == HFModel(name="m").evaluation_precision


def test_digests_leave_out_younger_settings_where_all_is_as_it_was_before(tiny):
    before = tiny.training()
    assert not before.keys() & {"tags", "attribution"}
    assert tiny.with_settings({"tags": "braces"}).training() == {**before, "tags": "braces"}
    said = tiny.with_settings({"split.definitions_per_alias": 3}).training()
    assert said == {**before, "split": {**before["split"], "definitions_per_alias": 3}}
    assert "definitions_per_alias" not in before["split"]
    asked = tiny.with_settings({"attribution.phrasings.who": "who is [X] ?", "attribution.left_out": ["QA7"]})
    assert asked.training() == {**before, "attribution": {"phrasings": {"who": "who is [X] ?"}}}


def test_a_measure_that_needs_what_the_model_does_not_give_is_refused_before_training(tiny):
    class Probe(ExactMatch):
        name: ClassVar[str] = "probe"
        needs: ClassVar[frozenset[Need]] = frozenset({"activations"})

    with pytest.raises(ValidationError, match="measure probe needs activations of a model, which GridMLP does not"):
        Experiment(**{**dict(tiny), "model": GridMLP(), "measures": (Probe(),)})


def test_a_need_that_no_model_knows_is_named_as_such(tiny):
    class Misspelled(ExactMatch):
        name: ClassVar[str] = "misspelled"
        needs: ClassVar[frozenset[Need]] = frozenset({"score"})  # type: ignore[arg-type]

    said = "measure misspelled needs 'score', which no model can be asked for; did you mean 'scores'?"
    with pytest.raises(ValidationError, match=re.escape(said)):
        Experiment(**{**dict(tiny), "measures": (Misspelled(),)})


def test_belief_is_refused_of_a_model_that_has_no_candidates_to_choose_among(tiny):
    with pytest.raises(ValidationError, match="measure belief needs choices of a model, which GridMLP does not"):
        Experiment(**{**dict(tiny), "model": GridMLP(), "measures": (Belief(),)})
    assert Experiment(**{**dict(tiny), "measures": (Belief(),)}).measures == (Belief(),)


def test_two_measures_of_one_name_are_refused(tiny):
    with pytest.raises(ValidationError, match="measures: 'exact_match' is there twice"):
        Experiment(**{**dict(tiny), "measures": (ExactMatch(), ExactMatch(when="stage"))})


def test_the_digest_is_the_same_in_another_process(tiny, tiny_file, fresh_python):
    code = f"import sayso; print(sayso.load({str(tiny_file)!r}).digest())"
    assert [fresh_python(code, seed).strip() for seed in (1, 2)] == [tiny.digest()] * 2


def test_whole_numbers_and_floats_of_one_value_have_one_digest(tiny):
    assert (
        tiny.with_settings({"train.learning_rate": 1}).digest()
        == tiny.with_settings({"train.learning_rate": 1.0}).digest()
    )


def test_canonical_json_sorts_keys(tiny):
    data = tiny.model_dump(mode="json")
    assert canonical_json(dict(reversed(data.items()))) == tiny.canonical_json()


# --- settings by path


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("train.learning_rate", 0.5, lambda e: e.train.learning_rate),
        ("knowledge.entities", 9, lambda e: e.knowledge.entities),
        ("stages.stage1.epochs", 9, lambda e: e.stages[1].epochs),
        ("stages.1.epochs", 9, lambda e: e.stages[1].epochs),
        ("stages.stage1.overrides.batch_size", 9, lambda e: e.train_spec(e.stages[1]).batch_size),
        ("subsets.QA3.has_qa", False, lambda e: e.subsets[2].has_qa),
        ("sources.new.text", "qwerty", lambda e: e.sources[2].text),
        ("model.config.hidden_size", 32, lambda e: e.model.config["hidden_size"]),
        ("seeds.count", 3, lambda e: e.seeds.count),
        ("stages.stage1.documents", ("X1", "X2"), lambda e: e.stages[1].documents),
        ("measures.0.when", "stage", lambda e: e.measures[0].when),
        ("knowledge", PocketWorld(entities=9), lambda e: e.knowledge),
    ],
)
def test_a_setting_is_replaced_and_nothing_else(tiny, path, value, read):
    changed = tiny.with_settings({path: value})
    assert read(changed) == value
    first, second = tiny.model_dump(mode="json"), changed.model_dump(mode="json")
    assert [key for key in first if first[key] != second[key]] == [path.split(".")[0]]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train.learning_rat", 1, "setting 'train.learning_rat': no 'learning_rat' in train; did you mean 'learning_r"),
        ("trane.learning_rate", 1, "no 'trane'; did you mean 'train'"),
        ("stages.stage9.epochs", 1, "no 'stage9' in stages; did you mean 'stage"),
        ("stages.9.epochs", 1, "no '9' in stages; there is: stage0, stage1, stage2"),
        ("stages.-1.epochs", 1, "no '-1' in stages"),
        ("subsets.D5con.fraction", 1, "no 'D5con' in subsets; did you mean 'D5cons'"),
        ("train.learning_rate.x", 1, "train.learning_rate is a single value and has no 'x'"),
        ("train.learning_rate", "fast", "train.learning_rate: input should be a valid number"),
        ("train.learning_rate", -1, "train.learning_rate: input should be greater than 0, found -1"),
        ("train.optimizer", "sgd", "train.optimizer: input should be 'adafactor' or 'adamw', found 'sgd'"),
        ("train.learning_rate", math.nan, "input should be a finite number, found nan"),
        ("stages.stage1.overrides.learning_rat", 1, "did you mean 'learning_rate'"),
        ("stages.stage1.documents", ("X3",), "stage stage1: no documents 'X3'; there is: X1, X2, world"),
        ("stages.stage1.documents", ("wold",), "stage stage1: no documents 'wold'; did you mean 'world'"),
        ("stages.stage1.replay", 0.5, "replay and replay_from go together"),
        ("stages.stage1.name", "stage2", "stages: 'stage2' is there twice"),
        ("sources", [{"name": "a", "reliability": each} for each in (0.9, 0.2)], "sources: 'a' is there twice"),
        ("subsets.D5cons.source", "newest", "subset D5cons: no source 'newest'; did you mean 'new'"),
        ("attribution.left_out", ["QA8"], "attribution.left_out: no subset 'QA8'; did you mean 'QA"),
        ("attribution.phrasings.who", "who ?", "the phrasing 'who ?' needs [X] where the alias goes"),
        ("attribution.phrasings.Who is it", "[X]", "a phrasing is called 'Who is it'; write small letters, digits and"),
        ("tags", "brackets", "tags: input should be 'bare' or 'braces', found 'brackets'"),
        ("subsets.D5cons.fraction", 0.5, "the fractions must sum to 1, found 1.42"),
        ("knowledge", "notables", "knowledge: input should be a valid dictionary or instance of KnowledgeBase"),
        ("model.architecture", 3, "model.architecture: input should be a valid string, found 3"),
        ("name", "Bad Name!", "name: string should match pattern"),
        ("", 1, "no ''"),
    ],
)
def test_a_bad_setting_is_an_error_of_one_line_that_says_what_would_be_right(tiny, path, value, message):
    assert message in error(tiny.with_settings, {path: value})


def test_axes_are_settings_that_vary(tiny):
    sweep = tiny.with_settings({"train.learning_rate": 0.5}).with_axes({"train.batch_size": [16, 64]})
    assert sweep.axes == {"train.batch_size": (16, 64)}
    assert sweep.train.learning_rate == 0.5
    assert sweep.train.batch_size == tiny.train.batch_size


def test_setting_a_value_takes_the_axis_away(tiny):
    sweep = tiny.with_axes({"train.batch_size": [16, 64]})
    assert sweep.with_settings({"train.batch_size": 4}) == tiny.with_settings({"train.batch_size": 4})


def test_a_setting_that_is_itself_a_list_can_be_varied(tiny):
    sweep = tiny.with_axes({"stages.stage1.documents": [["X1"], ["X1", "X2"]]})
    assert sweep.axes == {"stages.stage1.documents": (["X1"], ["X1", "X2"])}


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"train.learning_rate": [0.1, "fast"]}, "train.learning_rate: input should be a valid number"),
        ({"train.learning_rate": []}, "axis train.learning_rate: needs at least one value"),
        ({"train.learning_rat": [0.1]}, "did you mean 'learning_rate'"),
        ({"train.learning_rate": 0.1}, "axis train.learning_rate: write a list of values, found 0.1"),
        ({"train.optimizer": "adamw"}, "axis train.optimizer: write a list of values, found 'adamw'"),
    ],
)
def test_a_bad_axis_is_an_error_of_one_line(tiny, axes, message):
    assert message in error(tiny.with_axes, axes)


def test_a_list_is_a_value_where_a_list_is_meant(tiny):
    worded = tiny.with_settings({"sources.reliable.text": ["A,", "B,"]})
    assert worded.axes == {}
    assert worded.sources[0].texts == ("A,", "B,")
    assert len(cells(worded)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"train.batch_size": [16, 64]},
        {"train.batch_size": [8]},
        {"definition.order": ["TAE", "EAT"]},
        {"stages.stage1.documents": [["X1"], ["X1", "X2"]]},
        {"sources.new.text": [["it's said,", "A,"], ["B,", "C,"]]},
        {"train.batch_size": [16, 64], "train.learning_rate": [0.1, 0.2], "train.optimizer": "adamw"},
        {"train.batch_size": [16, 64], "sources.reliable.text": ["A,", "B,"]},
        {"knowledge": {"type": "PocketWorld", "facts": "synthetic"}, "knowledge.entities": [8, 9]},
    ],
)
def test_a_list_where_one_value_is_meant_is_an_error_whose_advice_works(tiny, settings):
    _, words = error(tiny.with_settings, settings).split("; to try each value of a list: ")
    advised = shlex.split(words.removesuffix(" (from Python: with_axes)"))
    assert advised[::2] == ["--sweep"] * (len(advised) // 2)
    axes = {path: json.loads(value) for path, _, value in (word.partition("=") for word in advised[1::2])}
    assert all(settings[path] == values for path, values in axes.items())
    sweep = tiny.with_settings({path: value for path, value in settings.items() if path not in axes}).with_axes(axes)
    assert list(sweep.axes) == list(axes)


@pytest.mark.parametrize(
    "settings",
    [{"train.batch_size": ["a"]}, {"train.batch_size": []}, {"train.batch": [1]}, {"train.batch_size": "many"}],
)
def test_what_would_not_fit_as_an_axis_either_is_not_advised(tiny, settings):
    assert "--sweep" not in error(tiny.with_settings, settings)


def test_vary_names_the_sweep_and_reads_double_underscores_as_dots(tiny):
    sweep = tiny.vary("batch-size", stages__stage1__overrides__batch_size=[16, 64], train__optimizer="adamw")
    assert sweep.name == "batch-size"
    assert sweep.axes == {"stages.stage1.overrides.batch_size": (16, 64)}
    assert sweep.train.optimizer == "adamw"


def test_vary_takes_a_tuple_for_a_value(tiny):
    assert tiny.vary("both", stages__stage1__documents=("X1", "X2")).stages[1].documents == ("X1", "X2")


def test_vary_checks_the_name(tiny):
    assert "name: string should match pattern" in error(tiny.vary, "Bad Name!")


def test_a_model_without_a_type_is_refused(tiny):
    assert "model: which ModelSpec? give its 'type'" in error(tiny.with_settings, {"model": {}})


# --- stages


def test_overrides_replace_settings_of_one_stage():
    train = TrainSpec(learning_rate=0.1, batch_size=8)
    stage = Stage(name="s", documents=("X1",), epochs=1, overrides={"batch_size": 2})
    experiment = Experiment(
        name="x",
        knowledge=PocketWorld(),
        split={"trained_questions": 1},
        definition=WordOrder(),
        model=FromScratch(),
        train=train,
        stages=(stage,),
        measures=(ExactMatch(),),
    )
    assert experiment.train_spec(stage) == TrainSpec(learning_rate=0.1, batch_size=2)


# --- seeds


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_number_of_seeds_begins_at_the_experiments_first(count, first):
    assert Seeds.parse(str(count), first=first) == Seeds(first=first, count=count)


@given(st.integers(0, 10**6), st.integers(0, 100))
def test_a_range_of_seeds_includes_both_ends(first, more):
    seeds = Seeds.parse(f" {first}-{first + more} ")
    assert list(seeds) == list(range(first, first + more + 1))
    assert Seeds.parse(str(seeds) if more else f"{seeds}-{seeds}") == seeds


@pytest.mark.parametrize("text", ["0-", "-3", "", "a", "3-1", "0", "1.5", "1-2-3", "1,2", "²", "1 - 2", "0x3"])
def test_other_seeds_are_refused_with_examples_of_what_is_right(text):
    message = error(Seeds.parse, text)
    assert f"seeds '{text}'" in message
    assert "100-115" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("99999999999999999999-99999999999999999999", "seed 99999999999999999999 is too large"),
        ("9223372036854775807-9223372036854775808", "the largest is 9223372036854775807"),
        ("1-99999999999", "99999999999 seeds are too many; 1000000 can be run"),
        ("99999999999999999999", "seeds are too many"),
        ("1" * 5000, "write a number of seeds such as 16"),
        (f"1-{'9' * 5000}", "write a number of seeds such as 16"),
    ],
)
def test_seeds_beyond_what_can_be_run_are_refused_in_one_line(text, message):
    assert message in error(Seeds.parse, text)


def test_the_largest_seed_is_a_seed():
    assert list(Seeds.parse(f"{2**63 - 1}-{2**63 - 1}")) == [2**63 - 1]


# --- reading without running


FOREIGN: dict[str, Any] = {
    "knowledge": {"type": "nobodys_module:World", "size": 3, "more": [1.0, {"a": None}]},
    "model": {"type": "nobodys_module:Model", "name": "x"},
    "definition": {"type": "nobodys_module:Definition"},
    "questions": {"type": "nobodys_module:Questions"},
    "measures": [{"type": "ExactMatch"}, {"type": "nobodys_module:One", "when": "stage", "at": [1]}],
    "axes": {"knowledge": [{"type": "nobodys_module:World", "size": 1}, {"type": "nobodys_module:Other"}]},
}


def test_reading_keeps_what_is_written_of_a_users_types(tiny):
    data = tiny.model_dump(mode="json") | FOREIGN
    read = load_spec(data, "x", own_only=True)
    again = read.model_dump(mode="json")
    again["measures"][0] = FOREIGN["measures"][0]  # settings that have a default are written out
    assert again == data
    assert json.loads(read.model_dump_json())["knowledge"] == FOREIGN["knowledge"]
    assert load_spec(json.loads(read.model_dump_json()), "x", own_only=True).digest() == read.digest()
    assert len(cells(read)) == 2
    assert read.with_settings({"knowledge": FOREIGN["knowledge"]}).axes == {}
    with pytest.raises(SaysoError, match="cannot import 'nobodys_module'"):
        load_spec(data, "x", own_only=False)


def test_experiments_are_equal_however_they_were_read(tiny):
    data = tiny.model_dump(mode="json")
    assert load_spec(data, "x", own_only=True) == load_spec(data, "x", own_only=False) == tiny
    assert load_spec(data, "x", own_only=True).model_copy(update={"name": "y"}).own_only


# --- files


@pytest.mark.parametrize("name", ["x.yaml", "x.yml", "x.json"])
def test_an_experiment_is_read_from_a_file(tiny, tmp_path, name):
    data = tiny.model_dump(mode="json")
    path = tmp_path / name
    path.write_text(json.dumps(data) if name.endswith("json") else yaml.safe_dump(data), encoding="utf-8")
    assert load_file(path) == tiny


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", b'{"name": ', "not a readable experiment file"),
        ("x.yaml", b"name: [", "not a readable experiment file"),
        ("x.yaml", b"\xff\xfe\xfa", "not a readable experiment file"),
        ("x.yaml", b"", "where the fields of an experiment should be"),
        ("x.json", b"[1]", "holds list, where the fields of an experiment should be"),
        ("x.json", b'{"nam": "x"}', "Experiment has no setting 'nam'; did you mean 'name'?"),
        ("x.json", b'{"name": "x"}', "knowledge: must be given; split: must be given"),
    ],
)
def test_a_file_that_holds_no_experiment_is_an_error_of_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    assert message in error(load_file, path)
    assert str(path) in error(load_file, path)


def test_a_missing_file_is_an_error_of_one_line(tmp_path):
    assert "No such file" in error(load_file, tmp_path / "x.yaml")


def test_reliability_splits_the_subsets_and_is_an_axis(tiny):
    half = tiny.with_settings({"reliability": 0.5})
    assert half.subsets == with_reliability(tiny.subsets, 0.5)
    assert half.with_settings({"reliability": 1}).subsets == tiny.subsets
    assert Experiment.model_validate_json(half.model_dump_json()) == half
    swept = cells(tiny.vary("alpha", reliability=[0.5, 0.75, 1]))
    assert [cell.name for cell in swept] == ["reliability=0.5", "reliability=0.75", "reliability=1"]
    assert [len(cell.experiment.subsets) for cell in swept] == [10, 10, 8]
    with pytest.raises(SaysoError, match=r"reliability: input should be greater than or equal to 0\.5, found 0\.3"):
        tiny.with_settings({"reliability": 0.3})


def test_two_sources_do_not_say_the_same(tiny):
    with pytest.raises(SaysoError, match="sources: 'is' is said by both 'reliable' and 'new'"):
        tiny.with_settings({"sources.reliable.text": ["means", "is"], "sources.new.text": "is"})
