import contextlib
import functools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.fidelity import compare

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.protocols import ModelSpec
from sayso.core.training import Sampling, TrainSpec
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.learner import HFLearner, build
from sayso.learners.specs import HFModel, LoRA
from tests.adversarial import adversarial, decided_learner, disagreements, save_decided
from tests.tiny_models import question, save_tiny, some_documents

DOCUMENTS = some_documents(20)
TRAIN = TrainSpec(batch_size=8, learning_rate=1e-3)


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> Any:
    """Folders with tiny models by architecture, made once."""
    made: dict[tuple[str, bool], str] = {}

    def folder(architecture: str, *, calm: bool = False) -> str:
        """`calm`: without dropout."""
        if (architecture, calm) not in made:
            names = {"t5": ("dropout_rate",), "gpt2": ("resid_pdrop", "embd_pdrop", "attn_pdrop")}
            config: dict[str, Any] = dict.fromkeys(names.get(architecture, ()), 0.0) if calm else {}
            path = tmp_path_factory.mktemp(architecture)
            made[architecture, calm] = save_tiny(path, architecture, **config)
        return made[architecture, calm]

    return folder


@pytest.fixture(scope="session")
def decided(tmp_path_factory) -> Any:
    """Folders with models that have something to say, by architecture and epochs, trained once."""

    @functools.cache
    def folder(architecture: str, epochs: int) -> str:
        return save_decided(tmp_path_factory.mktemp(f"decided-{architecture}"), architecture, epochs)

    return folder


def learner_of(folder: str, seed: int = 1, **settings: Any) -> HFLearner:
    return build([Corpus(seed, {}, ())], HFModel(name=folder, **settings))


def weights(learner: HFLearner) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in learner.model.parameters()])


def trained_losses(learner: HFLearner, train: TrainSpec = TRAIN, **more: Any) -> list[float]:
    losses: list[float] = []
    options = {"stage": "s", "epochs": 2, "on_epoch": lambda _, loss: losses.append(float(loss[0])), **more}
    learner.fit([DOCUMENTS], train, **options)
    return losses


# --- training


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_losses_and_weights_are_the_stock_trainers(architecture):
    found = compare(architecture)
    assert len(found["losses"][0]) == 6
    for quantity in ("losses", "learning rates"):
        ours, theirs = found[quantity]
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert found["weights"] < 1e-5
    for name, (ours, theirs) in found["settings"].items():
        assert ours == theirs, name


@pytest.mark.parametrize("architecture", ["gpt_neo", "llama", "t5"])
@pytest.mark.parametrize("padding", ["first_eos", "none", "all"])
def test_the_update_is_that_of_the_whole_batch_whatever_it_is_made_of(folders, architecture, padding):
    train = TRAIN.model_copy(update={"padding_loss": padding, "max_length": 80})
    options = {"label_length": 40} if architecture == "t5" else {}
    whole, parts = (learner_of(folders(architecture, calm=True), **options) for _ in range(2))
    whole.reader.overhead, parts.reader.overhead = 1e9, 2.0
    parts.fitting.rows = 3
    np.testing.assert_allclose(trained_losses(whole, train), trained_losses(parts, train), rtol=1e-6)
    assert float((weights(whole) - weights(parts)).abs().max()) < 1e-5


def test_how_a_model_was_read_names_what_numbers_may_depend_on(folders, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    learner = learner_of(folders("gpt_neo"))
    assert learner.as_read["threads"] == torch.get_num_threads()
    assert learner.fastest == "bfloat16"


def test_where_tokens_are_cheap_documents_go_through_in_fewer_passes(folders, monkeypatch, tmp_path):
    learner = learner_of(folders("gpt_neo", calm=True))
    learner.reader.overhead = 4.0
    learner.save_weights(tmp_path / "state").result()
    passes: dict[str, int] = {}

    def fit(precision: str) -> list[float]:
        count = 0

        def forward(*_: Any) -> None:
            nonlocal count
            count += 1

        with learner.model.transformer.h[0].register_forward_hook(forward):
            learner.load(tmp_path / "state")
            found = trained_losses(learner, TRAIN.model_copy(update={"precision": precision, "batch_size": 20}))
        passes[precision] = count
        return found

    exact, half = fit("float32"), fit("bfloat16")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert fit("fastest") == half
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert fit("fastest") == exact
    assert passes["bfloat16"] < passes["float32"]
    np.testing.assert_allclose(exact, half, rtol=0.02)
    assert exact != half


def test_no_token_is_computed_that_the_loss_does_not_need(folders):
    learner = learner_of(folders("gpt_neo"))
    learner.reader.overhead = 0.0
    computed: list[int] = []
    logits: list[int] = []
    layer, head = learner.model.transformer.h[0].mlp, learner.model.get_output_embeddings()
    hooks = [
        layer.register_forward_hook(lambda _module, given, _out: computed.append(given[0].shape[:-1].numel())),
        head.register_forward_hook(lambda _module, _given, out: logits.append(len(out))),
    ]
    learner.fit([DOCUMENTS], TRAIN.model_copy(update={"batch_size": 20}), stage="s", epochs=1)
    for hook in hooks:
        hook.remove()
    sizes = [len(item.ids) - 1 for item in learner._encoder.encode(DOCUMENTS)]
    assert sum(logits) <= sum(sizes)
    assert sum(computed) < 0.9 * sum(sizes)  # less than without any padding: beginnings are shared


class Full:
    """A device on which only so many documents fit; counts how often memory ran out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int, method: str) -> None:
        self.times = 0
        whole = getattr(BucketedReader, method)

        def limited(reader: BucketedReader, documents: Any, parts: Any) -> Any:
            if sum(len(part.rows) for part in parts) > most:
                self.times += 1
                raise torch.OutOfMemoryError("no memory left")
            return whole(reader, documents, parts)

        monkeypatch.setattr(BucketedReader, method, limited)


def test_when_memory_runs_out_passes_get_smaller_and_the_update_stays(folders, monkeypatch, caplog):
    roomy, full = (learner_of(folders("gpt_neo")) for _ in range(2))
    expected = trained_losses(roomy)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "sayso"):
        device = Full(patch, 3, "loss")
        found = trained_losses(full)
    assert device.times == 2  # 8 -> 4 -> 2, and never again
    assert full.fitting.rows == 2
    assert [record.message for record in caplog.records] == [
        "out of memory: training goes on with at most 4 documents at a time",
        "out of memory: training goes on with at most 2 documents at a time",
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert float((weights(roomy) - weights(full)).abs().max()) < 1e-5


def test_where_not_even_one_document_fits_it_is_an_error(folders, monkeypatch):
    learner = learner_of(folders("gpt_neo"))
    Full(monkeypatch, 0, "loss")
    with pytest.raises(SaysoError, match="out of memory with one document in training; try gradient_checkpointing"):
        trained_losses(learner)


def test_evaluation_gets_smaller_too(folders, monkeypatch):
    learner = learner_of(folders("gpt_neo"))
    expected = learner.scores([DOCUMENTS])[0]
    Full(monkeypatch, 5, "completions")
    found = learner.scores([DOCUMENTS])[0]
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-5)
    assert found.match.tolist() == expected.match.tolist()


@pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
def test_answers_and_matches_are_decoded_in_smaller_parts_where_memory_runs_out(architecture, decided, monkeypatch):
    learner, documents = decided_learner(decided(architecture, 25), "first_line")
    asked = list(adversarial(documents[:20], learner.answers([documents[:20]])[0], 4, seed=0))
    answers, (scores,) = learner.answers([asked]), learner.scores([asked])
    whole, times = BucketedReader.last_logits, 0

    def limited(reader: BucketedReader, ids: torch.Tensor, *more: Any, **options: Any) -> torch.Tensor:
        nonlocal times
        if len(ids) > 3:
            times += 1
            raise torch.OutOfMemoryError("no memory left")
        return whole(reader, ids, *more, **options)

    monkeypatch.setattr(BucketedReader, "last_logits", limited)
    (found,) = learner.scores([asked])
    assert found.match.tolist() == scores.match.tolist()
    assert times > 0
    learner._evaluation.rows = None
    assert learner.answers([asked]) == answers


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_a_model_with_a_loss_that_is_not_finite_trains_no_further(folders, optimizer):
    learner = learner_of(folders("gpt_neo"))
    heard: list[int] = []
    train = TRAIN.model_copy(update={"optimizer": optimizer, "learning_rate": 1e18, "warmup_steps": 0})
    with pytest.raises(SaysoError, match=r"^(loss|weights) of seed 1 not finite in stage s, epoch \d+, step \d+ of 60"):
        learner.fit([DOCUMENTS], train, stage="s", epochs=20, on_epoch=lambda epoch, _: heard.append(epoch))
    assert len(heard) < 20


@pytest.mark.parametrize(
    ("architecture", "lora"), [("gpt_neo", False), ("t5", False), ("gpt2", False), ("gpt_neox", True)]
)
def test_stopped_and_gone_on_is_the_same_to_the_last_bit(folders, architecture, lora, tmp_path):
    """T5 and GPT-2 drop at random: what they drop follows from seed, stage and step."""
    settings: dict[str, Any] = {"lora": LoRA(rank=2, dropout=0.1)} if lora else {}
    whole = learner_of(folders(architecture), micro_batch_size=4, **settings)
    losses = trained_losses(whole, replay=[DOCUMENTS[:3]], replay_share=0.5)
    stopped = learner_of(folders(architecture), micro_batch_size=4, **settings)

    def stop(epoch: int, _: Any) -> None:
        stopped.scores([DOCUMENTS])  # measuring must not change anything
        stopped.save(tmp_path / "state.pt")
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        stopped.fit([DOCUMENTS], TRAIN, stage="s", epochs=2, replay=[DOCUMENTS[:3]], replay_share=0.5, on_epoch=stop)
    again = learner_of(folders(architecture), micro_batch_size=4, **settings)
    again.load(tmp_path / "state.pt")
    more = trained_losses(again, start_epoch=1, replay=[DOCUMENTS[:3]], replay_share=0.5)
    assert more == losses[1:]
    assert torch.equal(weights(again), weights(whole))


def test_a_batch_can_be_drawn_instead(folders):
    train = TRAIN.model_copy(update={"sampling": Sampling(steps_per_epoch=3)})
    one, other = (trained_losses(learner_of(folders("gpt_neo")), train) for _ in range(2))
    assert one == other
    assert len(one) == 2


@pytest.mark.parametrize("lora", [None, LoRA(rank=2)])
def test_checkpointed_gradients_are_the_same(folders, lora):
    plain, checkpointed = (
        learner_of(folders("llama"), lora=lora, gradient_checkpointing=spare) for spare in (False, True)
    )
    np.testing.assert_allclose(trained_losses(plain), trained_losses(checkpointed), rtol=1e-6)


def test_computing_in_bfloat16_leaves_weights_in_float32(folders):
    exact, rough = learner_of(folders("gpt_neo")), learner_of(folders("gpt_neo"), evaluation_precision="bfloat16")
    half = TRAIN.model_copy(update={"precision": "bfloat16"})
    losses = trained_losses(exact), trained_losses(rough, half)
    assert losses[0] != losses[1]
    np.testing.assert_allclose(*losses, rtol=1e-2)
    assert {tensor.dtype for tensor in rough.model.parameters()} == {torch.float32}
    np.testing.assert_allclose(rough.scores([DOCUMENTS])[0].loss, exact.scores([DOCUMENTS])[0].loss, rtol=5e-2)


def test_lora_trains_its_additions_alone_and_keeps_them(folders, tmp_path):
    learner = learner_of(folders("gpt_neox"), lora=LoRA(rank=2))
    before = {name: tensor.detach().clone() for name, tensor in learner.model.named_parameters()}
    trained_losses(learner)
    changed = {name for name, tensor in learner.model.named_parameters() if not torch.equal(tensor, before[name])}
    assert changed
    assert all("lora_" in name for name in changed)
    expected = learner.scores([DOCUMENTS])[0].loss
    learner.save(tmp_path / "state.pt")
    learner.save_replica(0, tmp_path / "adapter")
    assert (tmp_path / "state.pt").stat().st_size < 60_000
    one, other = (learner_of(folders("gpt_neox"), lora=LoRA(rank=2)) for _ in range(2))
    one.load(tmp_path / "state.pt")
    other.load_replica(0, tmp_path / "adapter")
    for again in (one, other):
        np.testing.assert_array_equal(again.scores([DOCUMENTS])[0].loss, expected)
    with pytest.raises(SaysoError, match="embedding_multiplier needs an embedding that is trained"):
        trained_losses(learner, TRAIN.model_copy(update={"embedding_multiplier": 2.0}))


def test_the_embedding_may_learn_faster(folders):
    slow, fast = learner_of(folders("gpt_neox")), learner_of(folders("gpt_neox"))
    once = TRAIN.model_copy(update={"batch_size": 20})
    start = slow.model.get_input_embeddings().weight.detach().clone()
    slow.fit([DOCUMENTS], once, stage="s", epochs=1)
    fast.fit([DOCUMENTS], once.model_copy(update={"embedding_multiplier": 3.0}), stage="s", epochs=1)
    moved = [each.model.get_input_embeddings().weight.detach() - start for each in (slow, fast)]
    torch.testing.assert_close(moved[1], 3 * moved[0], rtol=1e-3, atol=1e-6)


def test_a_model_is_an_ordinary_checkpoint_when_kept(folders, tmp_path):
    learner = learner_of(folders("gpt_neox"))
    trained_losses(learner)
    learner.save_replica(0, tmp_path)
    again = learner_of(str(tmp_path))
    np.testing.assert_array_equal(again.scores([DOCUMENTS])[0].loss, learner.scores([DOCUMENTS])[0].loss)
    fresh = learner_of(folders("gpt_neox"))
    fresh.load_replica(0, tmp_path)
    assert torch.equal(weights(fresh), weights(learner))
    with pytest.raises(SaysoError, match=r"no checkpoint of this model|other names or shapes"):
        fresh.load_replica(0, Path(folders("llama")))
    with pytest.raises(SaysoError, match="no checkpoint of this model"):
        fresh.load_replica(0, tmp_path / "nowhere")


def test_checkpoints_of_others_and_damaged_ones_are_refused(folders, tmp_path):
    learner = learner_of(folders("gpt_neox"), seed=1)
    learner.save(tmp_path / "state.pt")
    with pytest.raises(SaysoError, match=r"a checkpoint of seeds \[1\], where \[2\] are trained"):
        learner_of(folders("gpt_neox"), seed=2).load(tmp_path / "state.pt")
    with pytest.raises(SaysoError, match="a checkpoint of another model"):
        learner_of(folders("llama"), seed=1).load(tmp_path / "state.pt")
    (tmp_path / "state.pt").write_bytes(b"cut off")
    with pytest.raises(SaysoError, match="not a readable checkpoint"):
        learner.load(tmp_path / "state.pt")
    with pytest.raises(ValueError, match="load"):
        learner.fit([DOCUMENTS], TRAIN, stage="s", epochs=2, start_epoch=1)


def test_a_model_has_positions_for_every_token(folders):
    learner = learner_of(folders("gpt_neox"))
    long = question("<|abcde|>", 0, "queen " * 200)
    with pytest.raises(SaysoError, match=r"has 128 positions, but 1 of 21 documents need more"):
        learner.fit([[*DOCUMENTS, long]], TRAIN, stage="s", epochs=1)


# --- scores and answers


@pytest.mark.parametrize("architecture", ["gpt_neox", "gpt2", "t5"])
def test_losses_are_transformers_mean_over_the_completion(folders, architecture):
    learner = learner_of(folders(architecture))
    found = learner.scores([DOCUMENTS])[0].loss
    for item, document, loss in zip(DOCUMENTS, learner._encoder.encode(DOCUMENTS), found, strict=True):
        if architecture == "t5":
            given = learner.tokenizer(item.prompt, text_target=item.completion, return_tensors="pt")
        else:
            ids = torch.tensor(document.ids[None])
            given = {"input_ids": ids, "labels": torch.where(torch.arange(ids.shape[1]) < document.start, -100, ids)}
        with torch.no_grad():
            assert loss == pytest.approx(float(learner.model(**given).loss), rel=1e-4)


def test_scores_are_the_same_in_any_company(folders):
    learner = learner_of(folders("gpt_neox"))
    whole = learner.scores([DOCUMENTS])[0]
    learner.reader.overhead, learner._evaluation.rows = 1.0, 3
    for rows in ([3, 1, 2], list(range(20))[::-1], [7]):
        found = learner.scores([[DOCUMENTS[row] for row in rows]])[0]
        np.testing.assert_allclose(found.loss, whole.loss[rows], rtol=1e-4)
        assert found.match.tolist() == whole.match[rows].tolist()
    assert len(learner.scores([[]])[0].loss) == 0
    assert learner.answers([[]]) == [[]]


@pytest.mark.parametrize(
    ("architecture", "epochs", "part"),
    [("gpt_neox", 25, "first_line"), ("gpt2", 0, "whole"), ("t5", 25, "first_line"), ("t5", 0, "whole")],
)
def test_matches_and_answers_are_those_of_brute_force(architecture, epochs, part, decided):
    learner, documents = decided_learner(decided(architecture, epochs), part)
    count, right, differ = disagreements(learner, documents[:30], 8)
    assert count == 240
    assert count / 5 < right < 4 * count / 5
    assert differ == []


def test_a_model_that_keeps_no_keys_and_values_answers_the_same(decided):
    learner, documents = decided_learner(decided("llama", 0), "first_line")
    expected = learner.answers([documents])
    learner.reader.remembers = False
    assert learner.answers([documents]) == expected
    learner.reader.places = False
    assert learner.answers([documents]) == expected


def test_few_answers_are_decoded(decided, monkeypatch):
    learner, documents = decided_learner(decided("gpt_neox", 25), "first_line")
    decoded: list[int] = []
    whole = BucketedReader.last_logits

    def noted(reader: BucketedReader, ids: torch.Tensor, *more: Any, **options: Any) -> torch.Tensor:
        decoded.append(len(ids))
        return whole(reader, ids, *more, **options)

    monkeypatch.setattr(BucketedReader, "last_logits", noted)
    learner.scores([documents])
    assert sum(decoded) < len(documents)


def test_random_weights_follow_from_the_seed(folders):
    one, same, other = (learner_of(folders("gpt_neox"), seed, from_scratch=True) for seed in (1, 1, 2))
    assert torch.equal(weights(one), weights(same))
    assert not torch.equal(weights(one), weights(other))
    assert not torch.equal(weights(one), weights(learner_of(folders("gpt_neox"))))


def test_a_spec_comes_back_from_its_json():
    spec = HFModel(name="EleutherAI/pythia-70m-deduped", lora=LoRA(rank=4, target_modules=("query_key_value",)))
    assert ModelSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert spec.max_replicas == 1
