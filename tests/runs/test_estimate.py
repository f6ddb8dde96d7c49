from dataclasses import replace

import pytest

from sayso.api import load
from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.learners.known_models import KNOWN_MODELS
from sayso.runs.estimate import UTILISATION, Training, estimate, forward_flops, on_gpu, training_memory
from sayso.runs.gpus import GPUS, find_gpu
from sayso.runs.workload import Plan, StageWork, Workload, plan
from tests.tiny_models import save_tiny

PYTHIA = KNOWN_MODELS["EleutherAI/pythia-2.8b-deduped"]


def test_the_authors_way_takes_the_six_hours_the_paper_says():
    rows = 20 * 16_000 + 10 * 960
    training = 3 * forward_flops(PYTHIA, 64 * rows, 64 * rows)
    asked = 30 * 26_000
    evaluation = forward_flops(PYTHIA, asked * (64 + 24 + 8), asked * (64 + 8))
    peak = GPUS["A100-80GB"].bfloat16
    assert peak is not None
    hours = (training + evaluation) / (peak * 1e12 * UTILISATION) / 3600
    assert hours == pytest.approx(6, rel=0.15)


def test_operations_are_six_for_each_weight_and_token_of_training():
    assert 3 * forward_flops(PYTHIA, 1, 1) == pytest.approx(6 * PYTHIA.parameters, rel=0.06)


def test_sizes_follow_from_layers_and_widths():
    """Twelve squares of the width a layer, but for biases and norms, where the feed-forward layer is four wide."""
    for model in KNOWN_MODELS.values():
        if "pythia" in model.name or "gpt-neo" in model.name:
            matrices = 12 * model.layers * model.width**2 + model.vocabulary * model.width * (2 - model.tied)
            assert model.parameters == pytest.approx(matrices, rel=0.02), model.name


def test_the_large_ones_need_their_cards():
    whole = Training(256 * 24)
    assert estimate(PYTHIA, Plan(1, 1, 1), GPUS["A100-80GB"], whole).fits
    assert not estimate(PYTHIA, Plan(1, 1, 1), GPUS["RTX-4090"], whole).fits
    llama = KNOWN_MODELS["meta-llama/Llama-2-7b-hf"]
    assert llama.gated
    assert not estimate(llama, Plan(1, 1, 1), GPUS["A100-80GB"], whole).fits
    usual = training_memory(llama, whole).total
    assert training_memory(llama, replace(whole, gradient_checkpointing=True)).total < 80e9 < usual
    assert training_memory(llama, replace(whole, trained_share=0.01)).total < usual - 26e9
    assert training_memory(llama, replace(whole, optimizer="adamw")).optimizer == 8.0 * llama.parameters


def test_a_plan_counts_every_epoch_and_stage(tiny):
    corpus = build_corpus(tiny, 1)
    once = plan(tiny, corpus)
    twice = plan(tiny.with_settings({f"stages.{s.name}.epochs": 2 * s.epochs for s in tiny.stages}), corpus)
    assert twice.trained == pytest.approx(2 * once.trained, rel=1e-3)
    assert once.scored < twice.scored < 2 * once.scored  # what a stage starts from is measured once
    assert once.completions < once.scored


def test_a_card_that_is_not_known_is_one_line():
    with pytest.raises(SaysoError, match="no GPU 'A100-80'; did you mean 'A100-80GB'"):
        find_gpu("A100-80")


def test_where_bfloat16_is_only_emulated_all_is_float32(tmp_path):
    v100 = find_gpu("V100")
    name = save_tiny(tmp_path)
    experiment = load("paper-main").with_settings({"model.name": name})
    work = Workload((StageWork("s", 1, 1, 256, 256, 1, 30.0),), Plan(10**9, 10**9, 10**9), "")
    usual = on_gpu(experiment, work, v100)
    asked = on_gpu(experiment.with_settings({"train.precision": "float32"}), work, v100)
    assert usual == asked
    ways = [experiment.with_settings({"model.evaluation_precision": each}) for each in ("auto", "bfloat16", "float32")]
    auto, half, exact = (on_gpu(way, work, GPUS["A100-80GB"]).hours for way in ways)
    assert auto == half < exact
    assert on_gpu(ways[0], work, v100) == on_gpu(ways[2], work, v100)
    assert usual.memory.copies == 0
    on_a100 = [
        on_gpu(experiment.with_settings({"train.precision": precision}), work, GPUS["A100-80GB"])
        for precision in ("auto", "float32")
    ]
    assert on_a100[0].memory.total < on_a100[1].memory.total
    assert on_a100[0].hours < on_a100[1].hours < usual.hours


def test_a_card_is_found_by_a_part_of_its_name_that_no_other_has():
    assert find_gpu("A100") == find_gpu("A100-80GB")
    assert find_gpu("4090") == find_gpu("RTX-4090")
    with pytest.raises(SaysoError, match="no GPU '100'"):
        find_gpu("100")
