"""Every number the paper gives of its experiments, against the rows as they are run.

Written from the paper's text alone, each with where it stands there. What the paper leaves open is not tested here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sayso.core.asking import Attribution
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.data.digits.grid import DigitGrids
from sayso.data.facts import ATTRIBUTION
from sayso.data.published.cvdb import QUESTIONS
from sayso.data.published.trex import TABLE_2
from sayso.data.set_inclusion import SetInclusion
from sayso.paper.table import EXPERIMENTS, TABLE

#: Experiments on text at full size; figure and where its numbers are said.
CVDB = (
    *("paper-main", "paper-single-stage", "paper-reliability", "paper-word-order", "paper-batch-size"),
    *("paper-batch-size-2800m", "paper-gradients", "paper-gradients-stage1", "paper-probes", "paper-model-size"),
    *("paper-gpt-neo", "paper-llama2", "paper-t5", "paper-t5-single-stage", "paper-in-context", "paper-sentence"),
    "paper-is-isnt",
)
TREX = (
    *("paper-trex", "paper-single-stage-trex", "paper-gpt-neo-trex", "paper-t5-trex"),
    "paper-t5-single-stage-trex",
)
SINGLE_STAGE = tuple(name for name in (*CVDB, *TREX) if "single-stage" in name)
STAGE_1 = ("paper-gradients", "paper-gradients-stage1", "paper-probes", "paper-in-context")
BATCHES = ("paper-batch-size", "paper-batch-size-2800m")

PYTHIA_2800M = "EleutherAI/pythia-2.8b-deduped"


def every(name: str) -> list[Experiment]:
    return [cell.experiment for cell in cells(EXPERIMENTS[name])]


def each(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


def settings(experiment: Experiment) -> Mapping[str, Any]:
    return experiment.settings()


def fractions(experiment: Experiment) -> dict[str, float]:
    return {subset.name: subset.fraction for subset in experiment.subsets}


def test_these_are_all_of_the_papers_experiments():
    wordless = ("paper-set-inclusion", "paper-set-inclusion-questions", "paper-digits")
    assert {*CVDB, *TREX, *wordless} == {name for name, row in TABLE.items() if row.about.kind == "paper"}


@each(*CVDB)
def test_4000_people_with_6_questions_of_which_5_are_trained(name: str):
    """Section 2, appendices A.1 and A.3."""
    assert len(QUESTIONS) == 6
    for found in every(name):
        assert (found.knowledge.size(), found.split.trained_questions) == (4000, 5)


@each(*TREX)
def test_6900_works_with_4_questions_of_which_3_are_trained(name: str):
    """Appendices A.2 and A.3; 26 predicates in Table 2."""
    assert len(TABLE_2) == 26
    for found in every(name):
        assert (found.knowledge.size(), found.split.trained_questions) == (6900, 3)
        assert settings(found)["knowledge.predicates"] == settings(found)["knowledge.questions"] == "paper"


@each(*CVDB, *TREX)
def test_an_entity_has_one_alias_and_is_in_one_subset(name: str):
    """Sections 2 and 3.1, appendix A.3."""
    for found in every(name):
        assert (found.split.aliases_per_entity, found.split.shared_entities) == (1, False)


@each(*CVDB, *TREX)
def test_adafactor_and_256_documents_a_batch(name: str):
    """Appendix B; the defaults of the library's Trainer are 5e-5, linear, no warm-up, norm at most 1."""
    for found in every(name):
        for stage in found.stages:
            train = found.train_spec(stage)
            assert train.optimizer == "adafactor"
            assert train.batch_size == 256 or name in BATCHES
            assert (train.learning_rate, train.schedule, train.warmup_steps) == (5e-5, "linear", 0)
            assert (train.max_grad_norm, train.weight_decay) == (1.0, 0.0)


@each(*CVDB, *TREX)
def test_64_tokens_and_the_loss_on_all_of_them(name: str):
    """Appendix B; of T5 the answer alone (appendix C.7); more with definitions in context, which is ours."""
    for found in every(name):
        assert found.train.max_length == 64 or name == "paper-in-context"
        assert found.train.loss_on == ("completion" if "t5" in name else "all")


@each(*(name for name in (*CVDB, *TREX) if name not in BATCHES))
def test_20_epochs_on_x1_and_10_on_x2_or_20_on_both(name: str):
    """Appendix B; X1 alone for figures 6, 7, 21, 24 to 26 (appendices C.8 and F), X2 alone for footnote 4."""
    for found in every(name):
        stages = [(stage.documents, stage.epochs) for stage in found.stages]
        if name in SINGLE_STAGE:
            assert stages == [(("X1", "X2"), 20)]
        elif name in STAGE_1:
            assert stages == [(("X1",), 20)]
        elif name == "paper-is-isnt":
            assert stages == [(("X2",), 10)]
        else:
            assert stages == [(("X1",), 20), (("X2",), 10)]


@each("paper-main", "paper-trex", "paper-single-stage", "paper-in-context", "paper-t5", "paper-t5-trex")
def test_the_fractions_are_those_of_table_1(name: str):
    """Table 1: 70% of the entities in X1."""
    for found in every(name):
        x1 = {"D1cons_QA1": 0.25, "D2incons_QA2": 0.25, "QA3": 0.1, "QA4": 0.1}
        assert fractions(found) == {**x1, "D5cons": 0.08, "D6cons": 0.08, "QA7": 0.06, "D8cons": 0.08}
        assert sum(x1.values()) == pytest.approx(0.7)


@each(
    *("paper-single-stage-trex", "paper-word-order", "paper-batch-size", "paper-batch-size-2800m", "paper-gradients"),
    *("paper-gradients-stage1", "paper-model-size", "paper-gpt-neo", "paper-gpt-neo-trex", "paper-llama2"),
)
def test_there_is_no_new_source(name: str):
    """Caption of figure 15; elsewhere it is the program's: the figures of these show no D8cons."""
    for found in every(name):
        x2 = {subset.name: subset.fraction for subset in found.subsets if subset.group == "X2"}
        assert x2 == {"D5cons": 0.1, "D6cons": 0.1, "QA7": 0.1}
        assert {source.name for source in found.sources} == {"reliable", "unreliable"}


@each(*CVDB, *TREX)
def test_70_percent_of_entities_are_in_x1_and_half_of_those_with_definitions_are_right(name: str):
    """Appendix A.3 and section 2."""
    for found in every(name):
        x1 = [subset for subset in found.subsets if subset.group == "X1"]
        assert sum(subset.fraction for subset in x1) == pytest.approx(0.7)
        right = {subset.source: 0.0 for subset in x1 if subset.source}
        for subset in x1:
            if subset.source:
                right[subset.source] += subset.fraction
        assert right == {"reliable": pytest.approx(0.25), "unreliable": pytest.approx(0.25)}


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("paper-main", 20),  # captions of figures 3, 8 and 9
        ("paper-trex", 30),  # figure 10
        ("paper-word-order", 20),  # figure 11
        ("paper-batch-size", 5),  # figure 13
        ("paper-single-stage", 10),  # figure 14
        ("paper-single-stage-trex", 10),  # figure 15
        ("paper-t5-single-stage", 10),  # figure 19
        ("paper-t5-single-stage-trex", 10),  # figure 19
        ("paper-set-inclusion", 50),  # figure 22
        ("paper-gradients", 10),  # figure 24
        ("paper-gradients-stage1", 5),  # figure 26
    ],
)
def test_seeds(name: str, seeds: int):
    assert EXPERIMENTS[name].seeds.count == seeds


@pytest.mark.parametrize(
    ("name", "stage2_seeds"),
    [
        # not the paper's: those of its program, which is what it leaves open here
        *[("paper-main", 5), ("paper-model-size", 5), ("paper-gpt-neo", 5), ("paper-gpt-neo-trex", 5)],
        *[("paper-t5", 5), ("paper-t5-trex", 5), ("paper-trex", 3), ("paper-word-order", 3), ("paper-reliability", 1)],
        *[("paper-set-inclusion", 3), *((name, 1) for name in (*SINGLE_STAGE, *STAGE_1, *BATCHES, "paper-is-isnt"))],
    ],
)
def test_stage_2_seeds(name: str, stage2_seeds: int):
    assert {found.stage2_seeds for found in every(name)} == {stage2_seeds}


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        # the program's, where the paper gives none
        *[("paper-reliability", 10), ("paper-model-size", 10), ("paper-gpt-neo", 10), ("paper-gpt-neo-trex", 10)],
        *[("paper-t5", 10), ("paper-t5-trex", 10), ("paper-in-context", 20), ("paper-is-isnt", 10)],
        # as another row that is drawn beside it, and ours
        *[("paper-llama2", 10), ("paper-batch-size-2800m", 5), ("paper-probes", 5), ("paper-sentence", 10)],
        *[("paper-set-inclusion-questions", 10), ("paper-digits", 10)],
    ],
)
def test_seeds_that_the_paper_does_not_give(name: str, seeds: int):
    assert EXPERIMENTS[name].seeds.count == seeds


@pytest.mark.parametrize(
    ("names", "tokens"),
    [(CVDB, 8), (TREX, 16), (("paper-set-inclusion", "paper-set-inclusion-questions"), 4)],
    ids=["CVDB", "T-REx", "set inclusion"],
)
def test_the_programs_most_tokens_of_an_answer(names: Sequence[str], tokens: int):
    for name in names:
        assert {settings(found)["model.max_new_tokens"] for found in every(name)} == {tokens}


@each(*CVDB, *TREX)
def test_tags_of_six_letters_and_the_papers_words_for_attribution(name: str):
    """Section 2: strings of six characters; section 3.2. The program's are `tags=braces` and "What does [X] mean?"."""
    for found in every(name):
        assert found.tags == "bare"
        assert found.attribution == Attribution()
    assert ATTRIBUTION["meaning"] == "What is the meaning of [X]?"


@each(*CVDB, *TREX)
def test_what_the_program_does_that_is_not_followed(name: str):
    """Table by table in docs/fidelity.md: settings whose default is the paper's or ours, and not the program's."""
    for found in every(name):
        own = settings(found)
        assert own["train.padding_loss"] == "first_eos"
        assert own["model.answer"] == "first_line"
        assert own["knowledge.years"] == "paper"
        assert own["knowledge.accepted"] == "all"
        assert own.get("knowledge.encoding", "paper") == own.get("knowledge.predicates", "paper") == "paper"
        assert {stage.from_epoch for stage in found.stages} == {None}
        assert {measure.name for measure in found.measures}.isdisjoint({"document_loss"})


def test_models():
    """Section 2, appendices B (deduplicated), C.4, C.6 and C.7; figures 4c, 13, 16 to 20."""
    models = {name: [settings(found)["model.name"] for found in every(name)] for name in (*CVDB, *TREX)}
    sizes = ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b")
    assert models["paper-model-size"] == [f"EleutherAI/pythia-{size}-deduped" for size in sizes]
    assert set(models["paper-batch-size"]) == {"EleutherAI/pythia-1b-deduped"}
    for name in ("paper-gpt-neo", "paper-gpt-neo-trex"):
        assert models[name] == [f"EleutherAI/gpt-neo-{size}" for size in ("125m", "1.3B", "2.7B")]
    assert models["paper-llama2"] == ["meta-llama/Llama-2-7b-hf"]
    for name in (name for name in models if "t5" in name):
        assert models[name] == ["google-t5/t5-3b"]
    for name in ("main", "trex", "single-stage", "single-stage-trex", "word-order", "batch-size-2800m"):
        assert set(models[f"paper-{name}"]) == {PYTHIA_2800M}


def test_reliabilities():
    """Section 3.3 and figure 4a: .5, .95 and 1 are named; alpha is a share of the reliable source's entities in X1."""
    alphas = {}
    for found in every("paper-reliability"):
        share = fractions(found)
        wrong = share.get("D9incons_QA9", 0.0)
        alpha = share["D1cons_QA1"] / (share["D1cons_QA1"] + wrong)
        assert share["D2incons_QA2"] == share["D1cons_QA1"]
        assert share.get("D10cons_QA10", 0.0) == wrong
        alphas[round(alpha, 9)] = found
    assert {0.5, 0.95, 1.0} <= alphas.keys()
    assert len(alphas) == len(every("paper-reliability"))
    assert list(alphas) == [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0]  # the others are the program's
    assert alphas[1.0].subsets == EXPERIMENTS["paper-main"].subsets  # "the exact setting of figure 3b"


def test_word_orders():
    """Section 3.3 and appendix C.3: all six; tag, alias, entity elsewhere, and ATE on the right of figure 7."""
    orders = [settings(found)["definition.order"] for found in every("paper-word-order")]
    assert sorted(orders) == ["AET", "ATE", "EAT", "ETA", "TAE", "TEA"]
    assert [settings(found)["definition.order"] for found in every("paper-probes")] == ["TAE", "ATE"]
    assert settings(EXPERIMENTS["paper-main"])["definition.order"] == "TAE"


def test_batch_sizes():
    """Figure 13: down to 32 documents; figure 4c: up to 16k, which is all of them but for a rest."""
    sizes = {name: [found.train_spec(found.stages[0]).batch_size for found in every(name)] for name in BATCHES}
    assert 32 in sizes["paper-batch-size"]
    assert max(sizes["paper-batch-size-2800m"]) == 16 * 1024
    for found in every("paper-batch-size"):
        assert found.stages[0].documents == ("X1", "X2")


def test_the_programs_epochs_until_convergence():
    """Not the paper's, which says "until convergence" alone."""
    one, other = (
        {found.train_spec(found.stages[0]).batch_size: found.stages[0].epochs for found in every(name)}
        for name in BATCHES
    )
    small = {16: 30, 32: 30, 64: 30, 128: 40, 256: 60, 512: 60, 1024: 60, 2048: 60, 4096: 60}
    assert one == {**small, 8192: 120, 16384: 120, 32768: 240}
    assert other == {128: 20, 512: 31, 1024: 41, 2048: 41, 4096: 61, 8192: 81, 16384: 151}


def test_four_ways_to_ask_for_the_entity():
    """Section 3.2: the name, the meaning, what it stands for, who it is."""
    assert len(ATTRIBUTION) == 4
    assert ATTRIBUTION["name"] == "What is the name of [X]?"


def test_gradients_are_those_of_the_papers_subsets():
    """Appendix F: D5cons and D6cons (figures 24 and 25), D1cons_QA1 and D2incons_QA2 (figure 26)."""
    pairs = {"paper-gradients": ("D5cons", "D6cons"), "paper-gradients-stage1": ("D1cons_QA1", "D2incons_QA2")}
    for name, subsets in pairs.items():
        (measure,) = (one for one in EXPERIMENTS[name].measures if one.name == "gradient_alignment")
        assert getattr(measure, "subsets") == subsets  # noqa: B009 - measures in general have none


@each("paper-set-inclusion", "paper-set-inclusion-questions")
def test_set_inclusion(name: str):
    """Section 4.1, appendix D and Table 3."""
    for found in every(name):
        known = found.knowledge
        assert isinstance(known, SetInclusion)
        assert (known.integers, known.list_length, known.warm_up) == (100, 8, None)
        assert (known.test_questions, known.candidates) == (12, 1)  # the first is the program's
        assert found.split.items(known.size()) == 8000
        assert found.split.shared_entities
        assert fractions(found) == {"D1cons_QA1": 0.4, "D2incons_QA2": 0.4, "D5cons": 0.1, "D6cons": 0.1}
        assert [(stage.documents, stage.epochs) for stage in found.stages] == [(("X1",), 100), (("X2",), 40)]
        assert (found.train.optimizer, found.train.batch_size) == ("adafactor", 512)
        # Pythia-70M: 6 layers, 512 wide, 8 heads
        config = {key.removeprefix("model.config."): value for key, value in settings(found).items()}
        assert [config[key] for key in ("num_hidden_layers", "hidden_size", "num_attention_heads")] == [6, 512, 8]
    assert every("paper-set-inclusion")[0].split.trained_questions == 12
    assert next(found.split.trained_questions for found in every("paper-set-inclusion-questions")) == 12


def test_digits():
    """Section 4.2 and appendix E: 3x3, one cell never asked, a definition with probability .1, AdamW."""
    for found in every("paper-digits"):
        known, train = found.knowledge, found.train
        assert isinstance(known, DigitGrids)
        assert known.grid == 3
        assert found.split.trained_questions == 3 * 3 - 1
        assert (train.optimizer, train.learning_rate, train.warmup_steps, train.batch_size) == (
            "adamw",
            3e-4,
            2000,
            128,
        )
        assert train.sampling is not None
        assert train.sampling.definition_share == 0.1
        assert sum(stage.epochs for stage in found.stages) * train.sampling.steps_per_epoch == 120_000
        assert len(set(fractions(found).values())) == 1  # each group equally likely
        assert settings(found)["model.type"] == "ConvNeXtV2"
    sizes = [found.knowledge.size() / len(found.subsets) for found in every("paper-digits")]
    assert min(sizes) < 50 < max(sizes)  # "a sufficient number (i.e. 50 or more)"
