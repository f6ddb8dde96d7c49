"""The map of probes on learners that know what is planted in them, and the errors."""

import math
from typing import Any

import numpy as np
import pytest

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Activations
from sayso.core.measure import Measure, Moment
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.grids.specs import GridMLP
from sayso.learners.specs import FromScratch
from sayso.measures.probing import reading
from sayso.measures.probing.probes import Probes
from tests.conftest import make_tiny

TINY = make_tiny().with_settings({"split.aliases_per_entity": 100, "knowledge.pool": None})
WIDTH = 6
#: What is measured in a stage with questions.
NOW = [("validation", "D1cons_QA1")]
#: What tells which subsets apart from all others, at the alias, after which block.
PLANTED = {1: ("D1cons_QA1", "D5cons"), 2: ("QA3",)}


class Planted:
    """Two blocks. The alias's activations have a direction for what `PLANTED` says; all else is noise of the alias."""

    def __init__(self, replicas: int, seeds: tuple[int, ...] = (3, 4)) -> None:
        self.replicas, self.seeds, self.passes = replicas, seeds, 0

    def layers(self) -> int:
        return 2

    def prompt_tokens(self, examples):
        return [[tuple(item.prompt.split()) for item in own] for own in examples]

    def activations(self, examples, layers, at):
        self.passes += 1
        for replica, own in enumerate(examples):
            for layer in layers if own else ():
                values = np.stack([self._of(replica, layer, item)[list(at)] for item in own])
                half = len(own) // 2 or 1
                for rows in (range(half), range(half, len(own))):
                    if rows:
                        yield Activations(replica, layer, tuple(rows), values[list(rows)].astype(np.float32))

    def _of(self, replica: int, layer: int, item: Example) -> Any:
        draw = np.random.default_rng([self.seeds[replica], layer, *item.alias.encode()])
        values = np.zeros((3, WIDTH))
        values[1:] = draw.normal(size=(2, WIDTH))
        values[1, 0] += 8 * (item.subset in PLANTED.get(layer, ()))
        return values


def moment(seeds: tuple[int, ...] = (3, 4), experiment=TINY) -> Moment:
    corpora = [build_corpus(experiment, seed) for seed in seeds]
    return Moment(Planted(len(seeds), seeds), corpora, TrainSpec(), "stage1", 1)  # type: ignore[arg-type]


def found(measure: Probes, now: Moment) -> dict[tuple[int, str, str], float]:
    return {(each.replica, each.subset, each.what): each.value for each in measure.measure(now, NOW)}


def test_what_is_planted_is_read_where_it_is():
    now = moment()
    scores = found(Probes(folds=4, permutations=8), now)
    for replica in (0, 1):
        value = {key[1:]: each for key, each in scores.items() if key[0] == replica}
        assert value["tag", "layer 1, token 1: alias 1"] > 0.95
        assert value["tag", "layer 1, token 1: alias 1, transfer"] > 0.95
        assert value["presence", "layer 2, token 1: alias 1"] > 0.95
        assert value["tag", "layer 0, token 0: born"] == 0.5
        for what in ("layer 2, token 1: alias 1", "layer 1, token 2: ?", "layer 0, token 1: alias 1"):
            assert 0.3 < value["tag", what] < 0.7
        assert 0.4 < value["tag", "layer 1, token 1: alias 1, permuted"] < 0.6
        assert value["tag", "converged"] == 1
        layers = [value["tag", f"layer {layer}, token 1: alias 1"] for layer in (1, 2)]
        assert value["tag", "alias"] == pytest.approx(np.mean(layers))
        assert 0.5 < value["tag", "alias, random directions"] < value["tag", "alias"]
        assert {"alias, permuted", "alias, transfer", "alias, transfer permuted"} <= {what for _, what in value}
    assert not any("transfer" in what for _, task, what in scores if task == "presence")


def test_records_are_named_alike_for_all_seeds_and_count_what_is_probed():
    now = moment()
    scores = list(Probes(folds=3, permutations=2).measure(now, NOW))
    assert {each.eval_set for each in scores} == {"probe.validation.born", "probes"}
    whats = [[each.what for each in scores if each.replica == replica] for replica in (0, 1)]
    assert whats[0] == whats[1]
    corpus = now.corpora[0]
    asked = {
        each.subset: sum(item.attribute == "born" for item in each.examples)
        for each in corpus.eval_sets
        if each.name == "validation"
    }
    (tag,) = {each.n for each in scores if each.replica == 0 and each.subset == "tag" and "transfer" not in each.what}
    assert tag <= 2 * min(asked["D1cons_QA1"], asked["D2incons_QA2"])
    (further,) = {each.n for each in scores if each.replica == 0 and "transfer" in each.what}
    assert further == 2 * min(asked["D5cons"], asked["D6cons"])


def test_nothing_depends_on_which_seeds_are_measured_together_or_how_much_is_held(monkeypatch):
    together = found(Probes(folds=3, permutations=3), moment((3, 4)))
    monkeypatch.setattr(reading, "HELD", 1)
    now = moment((4,))
    alone = found(Probes(folds=3, permutations=3), now)
    assert {key[1:]: value for key, value in together.items() if key[0] == 1} == pytest.approx(
        {key[1:]: value for key, value in alone.items()}
    )
    assert now.learner.passes == 4  # type: ignore[attr-defined]  # what one example is like, then each layer


def test_details_are_the_map_with_its_baselines_and_are_not_computed_again():
    now, measure = moment(), Probes(folds=3, permutations=6, layers=(1, 2), tasks=("tag",))
    scores = {each.what: each.value for each in measure.measure(now, NOW) if each.replica == 0}
    passes = now.learner.passes  # type: ignore[attr-defined]
    rows = [row for replica, row in measure.details(now, NOW) if replica == 0]
    assert now.learner.passes == passes  # type: ignore[attr-defined]
    places = [row for row in rows if "layer" in row]
    assert [(row["layer"], row["token"], row["name"]) for row in places] == [
        (layer, token, name) for layer in (1, 2) for token, name in enumerate(("born", "alias 1", "?"))
    ]
    for row in places:
        what = f"layer {row['layer']}, token {row['token']}: {row['name']}"
        assert row["accuracy"] == pytest.approx(scores[what], abs=1e-6)
        assert row["permuted"] == pytest.approx(scores[f"{what}, permuted"], abs=1e-6)
        assert row["permuted_low"] <= row["permuted"] <= row["permuted_high"]
        assert row["transfer_permuted_low"] <= row["transfer_permuted_high"]
    (whole,) = [row for row in rows if row["name"] == "alias"]
    assert whole["accuracy"] == pytest.approx(scores["alias"], abs=1e-6)
    assert not any("left_out" in row for row in rows)


def test_folds_may_be_of_aliases_where_entities_are_too_few():
    by_alias = Probes(apart="alias", folds=9, tasks=("tag",), permutations=1)
    values = found(by_alias, moment((3,)))
    assert values[0, "tag", "layer 1, token 1: alias 1"] > 0.95


def test_before_there_are_questions_nothing_is_probed():
    now = moment((3,))
    assert list(Probes().measure(now, [("pretraining", "told")])) == []
    assert list(Probes().details(now, [("pretraining", "told")])) == []


def test_without_baselines_there_are_none():
    now, measure = moment((3,)), Probes(folds=3, permutations=0, directions=0, attributes=("died", "region"))
    scores = list(measure.measure(now, NOW))
    assert {each.eval_set for each in scores} == {"probe.validation.died", "probe.validation.region", "probes"}
    rows = [row for _, row in measure.details(now, NOW) if row.get("name") == "alias" and row["subset"] == "tag"]
    (alias,) = [each.value for each in scores if (each.eval_set, each.subset, each.what) == ("probes", "tag", "alias")]
    assert alias == pytest.approx(np.mean([row["accuracy"] for row in rows]), abs=1e-4)
    assert not any(word in each.what for each in scores for word in ("permuted", "random"))
    row = next(row for _, row in measure.details(now, NOW))
    assert row["permuted"] is row["random_directions"] is None
    assert not any(math.isnan(each.value) for each in scores)


def test_aliases_of_other_lengths_are_named():
    now = moment((3,))
    learner = now.learner
    learner.prompt_tokens = lambda examples: [  # type: ignore[method-assign]
        [tuple(item.prompt.replace("<|a", "<| a").split()) for item in own] for own in examples
    ]
    rows = [row for _, row in Probes(folds=2, permutations=0, tasks=("tag",)).details(now, NOW)]
    left = [row for row in rows if "left_out" in row]
    assert left
    assert all(row["left_out"].startswith("<|a") and row["tokens"] == 2 for row in left)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attributes": ("bron",)}, "no question about 'bron' of D1cons_QA1 in validation; did you mean 'born'?"),
        ({"eval_sets": ("validations",)}, "in validations; it has no questions there"),
        ({"token_count": 3}, "token_count is 3, but no alias asked about 'born' has so many tokens: "),
        ({"layers": (0, 3)}, "the model has layers 0 (what enters the first block) to 2, not 3"),
        ({"folds": 20}, "measure probes, presence, aliases of 1 tokens asked about 'born': there are "),
    ],
)
def test_bad_settings_are_one_line(settings, message):
    with pytest.raises(SaysoError) as error:
        list(Probes(**settings).measure(moment((3,)), NOW))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_too_many_folds_are_told_how_many_would_do():
    with pytest.raises(SaysoError, match=r"about 8 entities, too few for 9 folds; set folds to [2-8]$"):
        list(Probes(folds=9, tasks=("tag",)).measure(moment((3,)), NOW))


def test_an_experiment_that_lacks_what_it_needs_is_refused_at_once():
    measures = [Probes().model_dump(mode="json")]
    assert TINY.with_settings({"measures": measures}).measures == (Probes(),)
    without = [each for each in TINY.model_dump(mode="json")["subsets"] if each["name"] != "QA3"]
    without[0]["fraction"] += 1 - sum(each["fraction"] for each in without)
    with pytest.raises(SaysoError, match="measure probes needs the subset QA3; did you mean 'QA"):
        TINY.with_settings({"subsets": without, "measures": measures})
    tags = [Probes(tasks=("tag",)).model_dump(mode="json")]
    assert TINY.with_settings({"subsets": without, "measures": tags}).measures[0] == Probes(tasks=("tag",))


def test_a_model_without_activations_is_refused_at_once():
    with pytest.raises(ValueError, match="measure probes needs activations of a model, which GridMLP does not give"):
        TINY.model_copy(update={"model": GridMLP()}).check_measure(Probes())
    TINY.model_copy(update={"model": FromScratch()}).check_measure(Probes())


def test_it_comes_back_from_its_json():
    for measure in (Probes(), Probes(strength=(0.01, 1.0), attributes=("born",), layers=(1,), token_count=3)):
        assert Measure.model_validate(measure.model_dump(mode="json")) == measure
    with pytest.raises(ValueError, match="greater than 0"):
        Probes(strength=0.0)
