from dataclasses import replace

import pytest
from benchmarks.launches import step

from sayso.api import load
from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.learners.known_models import KNOWN_MODELS
from sayso.runs.estimate import on_gpu
from sayso.runs.gpus import GPUS, Gpu, find_gpu
from sayso.runs.parts import COMPILED, PACKED, SEEING, STACKED, Disk, forward_flops
from sayso.runs.rates import ASSUMED, Rates
from sayso.runs.training_memory import Training, training_memory
from sayso.runs.workload import Plan, StageWork, Workload, plan, workload

PYTHIA = KNOWN_MODELS["EleutherAI/pythia-2.8b-deduped"]


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
    assert 24e9 < training_memory(PYTHIA, whole).total < 80e9
    llama = KNOWN_MODELS["meta-llama/Llama-2-7b-hf"]
    assert llama.gated
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


def test_where_bfloat16_is_only_emulated_all_is_float32():
    v100, experiment = find_gpu("V100"), load("paper-main")
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


def test_a_batch_that_does_not_fit_is_said_to_take_smaller_passes():
    work = Workload((StageWork("s", 1, 1, 256, 256, 1, 24.0),), Plan(1, 1, 1), "")
    main = load("paper-main")
    assert on_gpu(main, work, GPUS["A100-80GB"]).fits
    assert not on_gpu(main, work, GPUS["RTX-4090"]).fits


def test_the_parts_of_a_large_model_by_hand():
    """1,000 updates of 256 documents of 20 tokens, 10 million tokens asked, all of a card of round numbers."""
    card = Gpu("round", 1000, bfloat16=1000, float32=100, bandwidth=1000)
    work = Workload((StageWork("s", 1, 1, 256_000, 256, 1000, 20.0),), Plan(5_120_000, 10**7, 10**6), "")
    rates = Rates(matrix_share=0.5, bandwidth_share=0.5, launch_seconds=1e-5, disk_bytes=2e9)
    found = on_gpu(load("paper-main").with_settings({"model.evaluation_precision": "float32"}), work, card, rates)
    body, head = 2_775_208_960 - 2 * 50304 * 2560, 50304 * 2560
    assert found.parts.products * 3600 == pytest.approx(6 * (body + head) * 5_120_000 / 500e12)
    weights = 4 * 2_775_208_960 * (20 + 3 + 3)
    tokens = 5 * 5120 * (34 * 32 * 2560 + 10 * 50304)
    assert found.parts.memory * 3600 == pytest.approx(1000 * (weights + tokens) / 500e9)
    assert found.parts.launches == 0
    products = 2 * (body * 10**7 + head * 10**6) / 50e12  # in float32
    read = 2 * 2 * (10**7 * 34 * 32 * 2560 + 10**6 * 10 * 50304) / 500e9
    assert found.parts.evaluation * 3600 == pytest.approx(products + read)
    state = 2 * 4 * 2_775_208_960 / 2560
    assert found.parts.checkpoints * 3600 == pytest.approx((4 * 2_775_208_960 * (6 + 1) + 6 * state) / 2e9)
    assert found.hours == pytest.approx(sum(vars(found.parts).values()))


@pytest.mark.parametrize(("precision", "peak"), [("float32", 50e12), ("bfloat16", 500e12), ("auto", 500e12)])
def test_evaluation_is_at_the_rate_of_its_own_precision(precision, peak):
    card = Gpu("round", 1000, bfloat16=1000, float32=100, bandwidth=1e9)
    work = Workload((StageWork("s", 1, 1, 256, 256, 1, 20.0),), Plan(1, 10**9, 0), "")
    experiment = load("paper-main").with_settings({"model.evaluation_precision": precision})
    assert on_gpu(experiment, work, card).parts.evaluation * 3600 == pytest.approx(
        forward_flops(PYTHIA, 10**9, 0) / peak, rel=1e-3
    )


def test_compiled_blocks_are_handed_over_in_fewer_operations_and_take_the_same_otherwise():
    work = Workload((StageWork("s", 1, 1, 256, 256, 1, 20.0),), Plan(10**3, 10**3, 0), "")
    one, other = (
        on_gpu(
            load("paper-main").with_settings({"model.compiled": each}), work, GPUS["H100"], Rates(launch_seconds=1e-3)
        )
        for each in (False, True)
    )
    assert 0 < other.parts.launches < one.parts.launches / 2
    assert (other.parts.products, other.parts.memory) == (one.parts.products, one.parts.memory)
    counted = (COMPILED.training(32, 1, 0), PACKED.training(32, 1, 0))
    assert counted == (32 * 32 + 63 + 188, 32 * 114 + 56 + 188)


def test_small_models_wait_for_launches_and_seeds_share_them(tiny):
    work = workload(tiny)
    one, several = (
        on_gpu(tiny.with_settings({"seeds.count": count}), work, GPUS["H100"], Rates(launch_seconds=1e-5))
        for count in (1, 8)
    )
    layers = tiny.model.model_dump()["config"]["num_hidden_layers"]
    assert one.side_by_side == 1
    assert several.side_by_side == 8
    handed = (346 * layers + 154) * work.updates * 1e-5
    for found, share in ((one, handed), (several, handed / 8)):
        training = found.parts.products + found.parts.memory + found.parts.launches
        assert training * 3600 == pytest.approx(share)
        assert found.parts.launches > 0.5 * training


def test_counted_operations_are_those_of_a_step():
    assert [step("pocket", {"model.config.num_hidden_layers": 2})] == [round(STACKED.training(2, 1, 0))]
    assert [step("pocket-digits", {"model.depth": 1})] == pytest.approx([SEEING.training(4, 1, 0)], rel=0.02)


def test_packed_operations_are_as_counted():
    """What `benchmarks.operations` counts of Pythias: operations of a step and of a forward pass, by layers."""
    for layers, size, whole, forward in ((6, "70m", 928, 279), (24, "410m", 2980, 999), (32, "2.8b", 4108, 1319)):
        weights = 4 * KNOWN_MODELS[f"EleutherAI/pythia-{size}-deduped"].parameters
        assert PACKED.training(layers, 1, weights) == pytest.approx(whole, rel=0.02)
        assert PACKED.evaluation(layers, 1) == pytest.approx(forward, abs=1)


@pytest.mark.parametrize("name", ["bfloat16", "float32", "bandwidth"])
def test_a_faster_card_is_never_slower(name):
    main = load("paper-main").with_settings({"model.evaluation_precision": "float32"})
    work, slow = workload(main), GPUS["A100-80GB"]
    fast = replace(slow, **{name: 2 * getattr(slow, name)})
    assert on_gpu(main, work, fast).hours < on_gpu(main, work, slow).hours


@pytest.mark.parametrize("name", ["matrix_share", "bandwidth_share", "disk_bytes"])
def test_more_of_a_card_is_never_slower(name, tiny):
    for experiment in (load("paper-main"), tiny):
        work = workload(experiment)
        more = Rates(**{name: 2 * getattr(ASSUMED, name)})
        assert on_gpu(experiment, work, GPUS["H100"], more).hours <= on_gpu(experiment, work, GPUS["H100"]).hours


def test_checkpoints_between_epochs_count_only_as_far_as_training_waits_for_them():
    rates = Rates(disk_bytes=1e9)
    quick = Disk(states=0, checkpoint=60e9, ends=2, epochs=10, minutes=1)
    assert quick.seconds(6000, rates) == 120  # a minute each at the ends; one of 60 s every 600 s costs nothing
    assert replace(quick, states=5e9).seconds(6000, rates) == 125
    assert quick.seconds(100, rates) == 120  # an epoch takes 10 s: one a minute
    assert replace(quick, minutes=0.5).seconds(100, rates) == 120 + 30 * 100 / 30
    assert replace(quick, minutes=0).seconds(100, rates) == 120 + 50 * 10
    assert replace(quick, minutes=0, epochs=0).seconds(0, rates) == 120
