import io

import pytest
from rich.console import Console
from transformers import AutoTokenizer

from sayso import Sampling
from sayso.cli.cost_page import cost_page
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.protocols import ModelSpec
from sayso.data.build import build_corpus
from sayso.learners.encoding import Encoder
from sayso.learners.grids.specs import GridMLP
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.paper_settings import PAPER_DIGITS, PAPER_MAIN, PAPER_SET_INCLUSION
from sayso.paper.table import EXPERIMENTS
from sayso.runs.estimate import on_gpu
from sayso.runs.gpus import find_gpu
from sayso.runs.model_sizes import from_scratch
from sayso.runs.parts import forward_flops
from sayso.runs.workload import ATTRIBUTION, DEFINITION, QUESTION, PictureSize, count_tokens, plan, workload
from tests.data.mnist_files import noise, write_idx
from tests.data.plain_facts import PlainFacts
from tests.data.test_paper_splits import paper
from tests.tiny_models import save_tiny


@pytest.fixture(autouse=True)
def nothing_prepared(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path))


def at_hand(experiment: Experiment, entities: int = 4000) -> Experiment:
    """The experiment on facts that are at hand, with two ways to ask who somebody is."""
    return experiment.model_copy(update={"knowledge": PlainFacts(entities=entities)})


def test_the_papers_numbers_come_out_whether_facts_are_at_hand_or_not():
    for experiment in (PAPER_MAIN, at_hand(PAPER_MAIN)):
        found = workload(experiment)
        stage1, stage2 = found.stages
        assert (stage1.documents, stage1.updates, stage1.epochs, stage1.repeats) == (16_000, 63, 20, 1)
        assert (stage2.documents, stage2.updates, stage2.epochs, stage2.repeats) == (960, 4, 10, 5)
        assert found.updates == 63 * 20 + 4 * 10 * 5
    without = workload(PAPER_MAIN)
    assert "no prepared cvdb" in without.assumption
    stage1, stage2 = without.stages
    assert stage1.tokens == pytest.approx((14_000 * QUESTION.whole + 2_000 * DEFINITION.whole) / 16_000)
    assert stage2.tokens == DEFINITION.whole
    assert without.planned.trained == round(20 * 16_000 * stage1.tokens + 5 * 10 * 960 * stage2.tokens)
    short = workload(PAPER_MAIN.with_settings({"train.max_length": 20}))
    assert short.stages[0].tokens == pytest.approx((14_000 * 20 + 2_000 * DEFINITION.whole) / 16_000)


def test_documents_at_hand_are_counted_as_they_are():
    experiment = at_hand(PAPER_MAIN, 400)
    corpus, found = build_corpus(experiment, 600), workload(experiment)
    assert found.planned == plan(experiment, corpus)
    trained = corpus.train["X2"]
    assert found.stages[1].tokens == pytest.approx(count_tokens(trained) / len(trained))


@pytest.mark.parametrize("experiment", [PAPER_MAIN, EXPERIMENTS["paper-in-context"]], ids=["main", "in-context"])
def test_settings_alone_give_the_counts_of_the_documents(experiment):
    there = at_hand(experiment)
    found, counted = workload(experiment), workload(there)
    assert [stage.documents for stage in found.stages] == [stage.documents for stage in counted.stages]
    before = 0 if experiment is PAPER_MAIN else DEFINITION.whole  # definitions in context
    lengths = {"question": QUESTION.whole, "definition": DEFINITION.whole, "attribution": ATTRIBUTION.whole}
    asked = {"X1": 0.0, "X2": 0.0}
    groups = {subset.name: subset.group for subset in there.subsets}
    for item in build_corpus(there, 600).eval_sets:
        # the settings alone suppose four ways to ask who, which are two here
        times = 2 if "attribution" in item.name else 1
        asked[groups[item.subset]] += times * sum(lengths[one.kind] + before for one in item.examples)
    epochs = {"X1": 21 + 11, "X2": 21 + 5 * 11} if experiment is PAPER_MAIN else {"X1": 21, "X2": 21}
    assert found.planned.scored == pytest.approx(sum(epochs[part] * asked[part] for part in asked))


def test_replay_and_sampling_count():
    experiment = paper(120)
    replayed = experiment.with_settings({"stages.stage1.replay": 0.5, "stages.stage1.replay_from": ["X2"]})
    plain, more = workload(experiment).stages[1], workload(replayed).stages[1]
    assert (more.documents, more.updates) == (plain.documents * 1.5, plain.updates)
    train = experiment.train.model_copy(update={"sampling": Sampling(steps_per_epoch=7), "batch_size": 10})
    drawn = experiment.model_copy(update={"train": train})
    assert (workload(drawn).stages[1].documents, workload(drawn).stages[1].updates) == (70, 7)
    assert workload(drawn).planned.trained < workload(experiment).planned.trained


def test_measuring_less_often_saves_measuring_alone():
    often = workload(at_hand(PAPER_MAIN, 400)).planned
    seldom = workload(at_hand(PAPER_MAIN, 400).with_settings({"stages.stage1.measure_every": 10})).planned
    assert seldom.trained == often.trained
    assert seldom.scored < often.scored


class Unheard(ModelSpec):
    def build(self, corpora):
        raise NotImplementedError


def test_smaller_passes_take_less_memory_and_another_kind_of_model_is_named(tiny):
    card = find_gpu("A100-80GB")
    less = PAPER_MAIN.with_settings({"model.micro_batch_size": 8})
    assert on_gpu(less, workload(less), card).memory.total < on_gpu(PAPER_MAIN, workload(PAPER_MAIN), card).memory.total
    lora = PAPER_MAIN.with_settings({"model.lora": {}})
    assert on_gpu(lora, workload(lora), card).memory.gradients < 1e9
    unheard = tiny.model_copy(update={"model": Unheard()})
    with pytest.raises(SaysoError, match=r"no estimate for a model of this kind \(Unheard\)"):
        on_gpu(unheard, workload(unheard), card)


def test_a_model_from_scratch_counts_the_tokens_of_its_own_vocabulary(tiny):
    corpus, found = build_corpus(tiny, tiny.seeds.first), workload(tiny)
    tokenizer = word_tokenizer(corpus.tokens)
    assert found.vocabulary == len(tokenizer)
    for stage, work in zip(tiny.stages, found.stages, strict=True):
        ids = tokenizer([document.text for document in corpus.documents(stage.documents)])["input_ids"]
        assert work.tokens == sum(map(len, ids)) / len(ids)
    taken = on_gpu(tiny, found, find_gpu("A100-80GB"))
    assert taken.training_flops == pytest.approx(
        3
        * forward_flops(
            from_scratch("gpt_neox", tiny.model.model_dump()["config"], len(tokenizer)),
            found.planned.trained,
            found.planned.trained,
        )
    )
    assert "gpt_neox: " in page(tiny)


def test_a_vocabulary_that_is_not_at_hand_is_no_estimate(tiny):
    absent = PAPER_MAIN.model_copy(update={"model": tiny.model})
    with pytest.raises(SaysoError, match="the vocabulary of a model from scratch follows from documents not at hand"):
        on_gpu(absent, workload(absent), find_gpu("L4"))


def test_any_architecture_is_estimated_and_what_is_none_is_named(tiny):
    other = tiny.with_settings(
        {"model.architecture": "gpt2", "model.config": {"n_embd": 64, "n_layer": 2, "n_head": 2}}
    )
    assert "gpt2: " in page(other)
    assert "no estimate: model gtp2: " in page(tiny.with_settings({"model.architecture": "gtp2"}))


def test_grids_are_counted_without_their_images(tmp_path):
    """As many as with them, of pictures as large: folders of MNIST's size are absent and present."""
    small = PAPER_DIGITS.model_copy(update={"axes": {}}).with_settings({"knowledge.entities": 12})
    absent = workload(small)
    (stage,) = absent.stages
    assert (stage.documents, stage.updates, stage.epochs) == (3000 * 128, 3000, 40)
    assert absent.planned.trained == 120_000 * 128
    assert absent.picture == PictureSize((92, 90), 81)
    assert "for there is none (mnist: no such folder" in absent.assumption
    write_idx(tmp_path, noise())
    there = workload(small.with_settings({"knowledge.images": str(tmp_path)}))
    assert "no such folder" not in there.assumption
    assert (there.stages, there.planned, there.picture) == (absent.stages, absent.planned, absent.picture)


def test_too_many_grids_are_the_error_of_the_run_whether_images_are_there_or_not():
    many = PAPER_DIGITS.model_copy(update={"axes": {}}).with_settings(
        {"knowledge.grid": 2, "knowledge.entities": 4000, "split.aliases_per_entity": 3}
    )
    with pytest.raises(SaysoError, match="no estimate: 12000 aliases are needed"):
        workload(many)


def test_the_papers_small_models_take_no_longer_than_the_paper_says():
    """Appendix H: 3 hours of an A100 on set inclusion, 2 hours of a 4090 on digits."""
    digits = PAPER_DIGITS.model_copy(update={"axes": {}})
    for experiment, card, hours in ((PAPER_SET_INCLUSION, "A100-80GB", 3), (digits, "RTX-4090", 2)):
        found = on_gpu(experiment, workload(experiment), find_gpu(card))
        assert found.fits
        assert hours / 10 < found.hours < hours
    text = page(digits)
    assert "pixels a document" in text
    assert "8,280" in text
    assert "ConvNeXtV2: 28M parameters, from random weights" in text


def test_a_model_that_sees_needs_pictures(tiny):
    blind = tiny.model_copy(update={"model": GridMLP()})
    with pytest.raises(SaysoError, match="no estimate: GridMLP sees pictures, and this knowledge has none"):
        on_gpu(blind, workload(blind), find_gpu("L4"))


def page(experiment: Experiment) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(cost_page(experiment, find_gpu("A100-80GB")))
    return text.getvalue()


def test_the_page_has_a_row_for_every_cell_and_the_sum_of_all_runs():
    text = page(EXPERIMENTS["paper-model-size"])
    assert text.count("model.name=EleutherAI/pythia-") == 2 * 7
    assert "for all 70 runs" in text
    assert "training products" in text
    assert "(assumed)" in text
    assert "EleutherAI/pythia-70m-deduped: 70M parameters, licence: Apache-2.0" in text
    unknown = page(PAPER_MAIN.with_settings({"model.name": "somebody/something"}))
    assert "16,000" in unknown
    assert "the size of model 'somebody/something' is not known" in unknown


def test_a_tokenizer_that_is_at_hand_counts_the_tokens(tmp_path):
    name = save_tiny(tmp_path / "model")
    experiment = at_hand(PAPER_MAIN, 400).with_settings({"model.name": name})
    corpus, found = build_corpus(experiment, 600), workload(experiment)
    assert "the model's own tokenizer" in found.assumption
    encoder = Encoder(AutoTokenizer.from_pretrained(name), None)
    for stage, work in zip(experiment.stages, found.stages, strict=True):
        read = [item.real for item in encoder.encode(corpus.documents(stage.documents))]
        assert work.tokens == pytest.approx(sum(read) / len(read))
    (tmp_path / "model" / "tokenizer.json").write_text("cut off")
    (tmp_path / "model" / "tokenizer_config.json").unlink()
    assert "characters a token" in workload(experiment).assumption


def test_what_is_scored_at_the_ends_of_stages_alone_is_counted_so():
    experiment = at_hand(PAPER_MAIN, 400)
    often = workload(experiment).planned
    ends = experiment.model_copy(update={"measures": (ExactMatch(when="stage"), MeanLoss(when=("start", "stage")))})
    seldom, without = workload(ends).planned, workload(experiment.model_copy(update={"measures": ()})).planned
    assert seldom.trained == often.trained
    asked = {"X1": 0, "X2": 0}
    groups = {subset.name: subset.group for subset in experiment.subsets}
    for each in build_corpus(experiment, 600).eval_sets:
        asked[groups[each.subset]] += count_tokens(each.examples)
    assert seldom.scored == (2 + 2) * asked["X1"] + (2 + 5 * 2) * asked["X2"]
    assert often.scored == (21 + 11) * asked["X1"] + (21 + 5 * 11) * asked["X2"]
    assert (without.scored, without.completions) == (0, 0)
    without_facts = PAPER_MAIN.model_copy(update={"measures": ends.measures})
    there, absent = workload(PAPER_MAIN), workload(without_facts)
    assert absent.planned.scored < there.planned.scored / 5
