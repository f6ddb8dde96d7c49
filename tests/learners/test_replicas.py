import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.learners.replicas import Replicas, _flat_linear
from sayso.learners.stacked import StackedLearner
from sayso.learners.tokenizer import word_tokenizer
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES

TINY = make_tiny()
CORPORA = [build_corpus(TINY, seed) for seed in (3, 4)]
TOKENIZERS = [word_tokenizer(corpus.tokens) for corpus in CORPORA]
CPU = torch.device("cpu")
EVERY_ARCHITECTURE = pytest.mark.parametrize("architecture", ARCHITECTURES)


def replicas(architecture: str = "gpt_neox", seeds: tuple[int, ...] = (3, 4), **config: object) -> Replicas:
    return Replicas(seeds, TOKENIZERS[: len(seeds)], architecture, {**ARCHITECTURES[architecture], **config}, CPU)


def ids_of(replica: int) -> torch.Tensor:
    texts = [document.text for document in CORPORA[replica].train["X2"][:6]]
    return torch.tensor(TOKENIZERS[replica](texts, padding=True)["input_ids"])


@EVERY_ARCHITECTURE
def test_a_saved_replica_is_an_ordinary_checkpoint_that_gives_the_same_logits(architecture, tmp_path):
    models = replicas(architecture)
    stacked = models.logits(torch.stack([ids_of(0), ids_of(1)]))
    for replica in (0, 1):
        models.save_pretrained(replica, TOKENIZERS[replica], tmp_path / str(replica))
        model = AutoModelForCausalLM.from_pretrained(tmp_path / str(replica), local_files_only=True)
        there = AutoTokenizer.from_pretrained(tmp_path / str(replica), local_files_only=True)
        texts = [document.text for document in CORPORA[replica].train["X2"]]
        assert there(texts)["input_ids"] == TOKENIZERS[replica](texts)["input_ids"]
        assert model.config.vocab_size == len(there)
        with torch.no_grad():
            logits = model(ids_of(replica)).logits
        torch.testing.assert_close(logits, stacked[replica].detach(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(logits, models.logits_of(replica, ids_of(replica)).detach(), rtol=1e-5, atol=1e-6)


@EVERY_ARCHITECTURE
def test_a_saved_replica_can_be_brought_back_and_the_others_stay(architecture, tmp_path):
    models, others = replicas(architecture), replicas(architecture, seeds=(8, 9))
    models.save_pretrained(1, TOKENIZERS[1], tmp_path)
    others.load_pretrained(1, TOKENIZERS[1], tmp_path)
    untouched = replicas(architecture, seeds=(8, 9))
    for name, tensor in others.parameters.items():
        assert torch.equal(tensor[1], models.parameters[name][1])
        assert torch.equal(tensor[0], untouched.parameters[name][0])


def test_a_checkpoint_that_does_not_fit_is_an_error(tmp_path):
    models = replicas()
    models.save_pretrained(0, TOKENIZERS[0], tmp_path / "right")
    with pytest.raises(SaysoError, match="its vocabulary is not that of the seed"):
        models.load_pretrained(1, TOKENIZERS[1], tmp_path / "right")
    with pytest.raises(SaysoError, match="its weights have other names or shapes"):
        replicas(hidden_size=8).load_pretrained(0, TOKENIZERS[0], tmp_path / "right")
    with pytest.raises(SaysoError, match="its weights have other names or shapes"):
        replicas("llama").load_pretrained(0, TOKENIZERS[0], tmp_path / "right")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SaysoError, match="no checkpoint that transformers can read"):
        models.load_pretrained(0, TOKENIZERS[0], tmp_path / "empty")


@EVERY_ARCHITECTURE
def test_random_weights_follow_from_the_seed_alone(architecture):
    torch.manual_seed(1)
    together = replicas(architecture)
    before = torch.random.get_rng_state()
    alone = replicas(architecture, seeds=(4,))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(tensor[1], alone.parameters[name][0]) for name, tensor in together.parameters.items())
    embedding = together.parameters[together.embedding]
    assert not torch.equal(embedding[0], embedding[1])


@EVERY_ARCHITECTURE
def test_the_embedding_is_found(architecture):
    models = replicas(architecture)
    name = {
        "gpt_neox": "gpt_neox.embed_in.weight",
        "llama": "model.embed_tokens.weight",
        "gpt2": "transformer.wte.weight",
    }
    assert models.embedding == name[architecture]


@EVERY_ARCHITECTURE
def test_only_the_logits_asked_for_are_computed_and_they_are_the_same(architecture):
    models = replicas(architecture)
    ids = torch.stack([ids_of(0), ids_of(1)])
    whole = models.logits(ids)
    for keep in (1, 2, ids.shape[2]):
        last = models.logits(ids, keep)
        assert last.shape[2] == keep
        torch.testing.assert_close(last, whole[:, :, -keep:], rtol=1e-5, atol=1e-6)


@EVERY_ARCHITECTURE
def test_logits_at_chosen_positions_are_those_there_and_so_are_their_gradients(architecture):
    models = replicas(architecture)
    ids = torch.stack([ids_of(0), ids_of(1)])
    positions = torch.as_tensor(np.random.default_rng(0).integers(ids.shape[2], size=(*ids.shape[:2], 3)))
    whole = models.logits(ids)
    there = whole.gather(2, positions[..., None].expand(-1, -1, -1, whole.shape[3]))
    chosen = models.logits_at(ids, positions)
    torch.testing.assert_close(chosen, there, rtol=1e-5, atol=1e-6)
    weights = list(models.parameters.values())
    one, other = (torch.autograd.grad(logits.square().sum(), weights) for logits in (there, chosen))
    for expected, found in zip(one, other, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(models.logits(ids), whole, rtol=0, atol=0)  # nothing is left behind


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3), (2, 4, 5, 3)])
def test_a_flat_linear_layer_is_the_ordinary_one(shape):
    layer = torch.nn.Linear(3, 7, bias=False)
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    results = []
    for forward in (layer, lambda given: _flat_linear(layer, given)):
        result = forward(rows)
        results.append((result, *torch.autograd.grad(result.square().sum(), (rows, layer.weight))))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("architecture", ["gpt_neox", "llama"])
def test_layers_without_bias_are_the_flat_ones(architecture):
    """Were they not, results would be the same and a step several times as long."""
    linear = [part for part in replicas(architecture).module.modules() if isinstance(part, torch.nn.Linear)]
    flat = [part for part in linear if getattr(part.forward, "func", None) is _flat_linear]
    assert flat == [part for part in linear if part.bias is None] != []


@pytest.mark.parametrize(
    ("architecture", "setting"),
    [
        ("gpt_neox", {"hidden_dropout": 0.1}),
        ("gpt_neox", {"attention_dropout": 0.1}),
        ("llama", {"attention_dropout": 0.1}),
        ("gpt2", {"resid_pdrop": 0.1}),
        ("gpt2", {"embd_pdrop": 0.1}),
        ("gpt2", {"attn_pdrop": 0.1}),
    ],
)
def test_dropout_is_refused(architecture, setting):
    with pytest.raises(SaysoError, match=f"model {architecture}: replicas side by side need dropout 0"):
        replicas(architecture, **setting)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"hiden_size": 8}, "model gpt_neox has no setting 'hiden_size'; did you mean 'hidden_size'?"),
        ({"n_embd": 8}, "model gpt_neox has no setting 'n_embd'"),
        ({"num_attention_heads": 3}, "model gpt_neox cannot be made"),
        ({"hidden_size": "large"}, "model gpt_neox cannot be made"),
    ],
)
def test_a_setting_the_architecture_does_not_have_is_an_error_of_one_line(setting, message):
    with pytest.raises(SaysoError) as caught:
        replicas(**setting)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_architecture_is_an_error_of_one_line():
    with pytest.raises(SaysoError) as caught:
        Replicas((3,), TOKENIZERS[:1], "gpt_neoxx", {}, CPU)
    assert "gpt_neoxx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_tokenizers_settings_are_the_models():
    models = StackedLearner(CORPORA, "gpt_neox", ARCHITECTURES["gpt_neox"])._models
    config = models.module.config
    assert (config.pad_token_id, config.eos_token_id, config.vocab_size) == (0, 1, len(TOKENIZERS[0]))
