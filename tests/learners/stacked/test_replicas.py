import numpy as np
import pytest
import torch
from pydantic import JsonValue
from transformers import AutoTokenizer

from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.learners.encoding import Encoder
from sayso.learners.stacked.architectures import config_for
from sayso.learners.stacked.batching import Tokens, stack
from sayso.learners.stacked.learner import StackedLearner
from sayso.learners.stacked.replicas import Replicas, _flat_linear
from sayso.learners.stacked.tokenizer import word_tokenizer
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES, AUTO_CLASS

TINY = make_tiny()
CORPORA = [build_corpus(TINY, seed) for seed in (3, 4)]
TOKENIZERS = [word_tokenizer(corpus.tokens) for corpus in CORPORA]
CPU = torch.device("cpu")
#: Architectures whose modules do what vmap cannot.
SIZES: dict[str, dict[str, JsonValue]] = {
    "mvp": {"d_model": 8, "encoder_layers": 1, "encoder_ffn_dim": 8, "encoder_attention_heads": 1},
    "longt5": {"d_model": 8, "num_layers": 1, "d_ff": 8, "num_heads": 1},
    "prophetnet": {
        "hidden_size": 8,
        "num_encoder_layers": 1,
        "num_decoder_layers": 1,
        "encoder_ffn_dim": 8,
        "decoder_ffn_dim": 8,
        "num_encoder_attention_heads": 1,
        "num_decoder_attention_heads": 1,
    },
}
#: Architectures whose modules look at the values of a mask, which vmap forbids.
_SMALL: dict[str, JsonValue] = {"hidden_size": 16, "num_hidden_layers": 2}
LOOKING: dict[str, dict[str, JsonValue]] = {
    "lfm2": {
        **_SMALL,
        **{"intermediate_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2},
        "layer_types": ["conv", "full_attention"],
    },
    "mamba2": {**_SMALL, "num_heads": 4, "head_dim": 8, "n_groups": 1, "state_size": 8},
}
EVERY_ARCHITECTURE = pytest.mark.parametrize("architecture", ARCHITECTURES)


def replicas(architecture: str = "gpt_neox", seeds: tuple[int, ...] = (3, 4), **config: object) -> Replicas:
    return Replicas(seeds, TOKENIZERS[: len(seeds)], architecture, {**ARCHITECTURES[architecture], **config}, CPU)


def tokens_of(models: Replicas) -> Tokens:
    """Six documents of each replica, as its model reads and writes them."""
    start = 0 if models.seq2seq else None
    there = zip(TOKENIZERS, CORPORA, strict=True)
    documents = [Encoder(own, start, words=True).encode(corpus.train["X2"][:6]) for own, corpus in there]
    return Tokens.of(stack(documents, pad=0), CPU)


def test_the_contexts_padding_is_masked_and_nothing_else():
    models = replicas("t5")
    tokens = tokens_of(models).at(0)
    given = models._arguments(tokens)
    assert torch.equal(given["attention_mask"][:, 0, 0] == 0, tokens.context != 0)
    assert given["attention_mask"].isfinite().all()


@EVERY_ARCHITECTURE
def test_a_saved_replica_is_an_ordinary_checkpoint_that_gives_the_same_logits(architecture, tmp_path):
    models = replicas(architecture)
    tokens = tokens_of(models)
    stacked = models.logits(tokens)
    for replica in (0, 1):
        models.save_pretrained(replica, TOKENIZERS[replica], tmp_path / str(replica))
        model = AUTO_CLASS[architecture].from_pretrained(tmp_path / str(replica), local_files_only=True)
        there = AutoTokenizer.from_pretrained(tmp_path / str(replica), local_files_only=True)
        documents = CORPORA[replica].train["X2"]
        texts = [document.text for document in documents]
        assert there(texts)["input_ids"] == TOKENIZERS[replica](texts)["input_ids"]
        assert model.config.vocab_size == len(there)
        own = tokens.at(replica)
        if model.config.is_encoder_decoder:
            given = dict(there([document.prompt for document in documents[:6]], padding=True, return_tensors="pt"))
            given["decoder_input_ids"] = own.ids
        else:
            given = {"input_ids": there(texts[:6], padding=True, return_tensors="pt")["input_ids"]}
        given.pop("token_type_ids", None)
        with torch.no_grad():
            logits = model(**given).logits
        torch.testing.assert_close(logits, stacked[replica].detach(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(logits, models.logits_of(replica, own).detach(), rtol=1e-5, atol=1e-6)


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
        "t5": "shared.weight",
    }
    assert models.embedding == name[architecture]


@EVERY_ARCHITECTURE
def test_only_the_logits_asked_for_are_computed_and_they_are_the_same(architecture):
    models = replicas(architecture)
    tokens = tokens_of(models)
    whole = models.logits(tokens)
    for keep in (1, 2, tokens.ids.shape[2]):
        last = models.logits(tokens, keep)
        assert last.shape[2] == keep
        torch.testing.assert_close(last, whole[:, :, -keep:], rtol=1e-5, atol=1e-6)


@EVERY_ARCHITECTURE
def test_logits_at_chosen_positions_are_those_there_and_so_are_their_gradients(architecture):
    models = replicas(architecture)
    tokens = tokens_of(models)
    rows, length = tokens.ids.shape[:2], tokens.ids.shape[2]
    positions = torch.as_tensor(np.random.default_rng(0).integers(length, size=(*rows, 3)))
    whole = models.logits(tokens)
    there = whole.gather(2, positions[..., None].expand(-1, -1, -1, whole.shape[3]))
    chosen = models.logits_at(tokens, positions)
    torch.testing.assert_close(chosen, there, rtol=1e-5, atol=1e-6)
    weights = list(models.parameters.values())
    one, other = (torch.autograd.grad(logits.square().sum(), weights) for logits in (there, chosen))
    for expected, found in zip(one, other, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(models.logits(tokens), whole, rtol=0, atol=0)  # nothing is left behind


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


@pytest.mark.parametrize("architecture", ["gpt_neox", "llama", "t5"])
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
        ("t5", {"dropout_rate": 0.1}),
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


@pytest.mark.parametrize("architecture", ["mvp", "longt5", "prophetnet"])
def test_an_architecture_that_does_not_run_side_by_side_is_refused_before_it_is_trained(architecture):
    with pytest.raises(
        SaysoError, match=f"model {architecture} cannot be run side by side, choose another: "
    ) as caught:
        Replicas((3, 4), TOKENIZERS, architecture, config_for(architecture, SIZES[architecture]), CPU)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("architecture", ["lfm2", "mamba2"])
def test_a_module_that_looks_at_its_mask_is_given_none(architecture):
    models = Replicas((3, 4), TOKENIZERS, architecture, LOOKING[architecture], CPU)
    assert set(models._arguments(tokens_of(models).at(0))) == {"input_ids"}
    assert models.logits(tokens_of(models)).isfinite().all()


def test_a_module_that_does_not_is_told_that_a_row_is_one_document():
    models = replicas("llama")
    tokens = tokens_of(models)
    assert models._arguments(tokens.at(0))["attention_mask"].eq(1).all()
    found = models.logits(tokens)
    models._masks = False
    assert torch.equal(models.logits(tokens), found)


def test_a_model_that_reads_both_ways_and_writes_nothing_is_refused():
    with pytest.raises(SaysoError, match="model bert: neither a causal nor a sequence-to-sequence language model"):
        Replicas((3,), TOKENIZERS[:1], "bert", {}, CPU)


def test_the_tokenizers_settings_are_the_models():
    models = StackedLearner(CORPORA, "gpt_neox", ARCHITECTURES["gpt_neox"])._models
    config = models.module.config
    assert (config.pad_token_id, config.eos_token_id, config.vocab_size) == (0, 1, len(TOKENIZERS[0]))
