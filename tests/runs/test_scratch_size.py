import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.errors import SaysoError
from sayso.learners.stacked.architectures import config_for
from sayso.runs.scratch_size import BLOCKS, ENCODER_DECODERS, scratch_size

CONFIG = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 80}


@pytest.mark.parametrize(
    ("architecture", "more"),
    [
        *((architecture, {}) for architecture in sorted(BLOCKS)),
        ("gpt_neox", {"attention_bias": False}),
        ("llama", {"num_key_value_heads": 2, "tie_word_embeddings": True}),
        ("llama", {"head_dim": 20, "attention_bias": True}),
    ],
)
def test_arithmetic_gives_the_parameters_of_the_model(architecture, more):
    config = CONFIG | more
    ids = {"vocab_size": 100, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(architecture, **{**config_for(architecture, config), **ids})
        )
    assert scratch_size(architecture, config, 100).parameters == model.num_parameters()


@pytest.mark.parametrize("architecture", sorted(ENCODER_DECODERS))
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"num_decoder_layers": 2, "relative_attention_num_buckets": 8},
        {"d_kv": 20, "feed_forward_proj": "gated-gelu"},
        {"feed_forward_proj": "relu", "tie_word_embeddings": False},
    ],
)
def test_arithmetic_gives_the_parameters_of_an_encoder_and_a_decoder(architecture, more):
    for config in (config_for(architecture, CONFIG) | more, {**CONFIG, "d_ff": 80, **more}):
        given = {name: value for name, value in config.items() if name != "intermediate_size"}
        with torch.device("meta"):
            model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(architecture, **given, vocab_size=100))
        found = scratch_size(architecture, given, 100)
        assert found.parameters == model.num_parameters()
        assert found.encoder


def test_what_is_not_known_is_one_line():
    with pytest.raises(
        SaysoError, match=r"no estimate: the layers of 'gpt2' are not known, those of gpt_neox, .*, t5, .* are"
    ):
        scratch_size("gpt2", CONFIG, 100)
    with pytest.raises(SaysoError, match=r"follows from model\.config\.intermediate_size, which is not set"):
        scratch_size("llama", {k: v for k, v in CONFIG.items() if k != "intermediate_size"}, 100)
    with pytest.raises(SaysoError, match=r"model\.config\.hidden_size, found 'wide'"):
        scratch_size("llama", CONFIG | {"hidden_size": "wide"}, 100)
