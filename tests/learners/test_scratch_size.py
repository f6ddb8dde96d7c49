import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from sayso.core.errors import SaysoError
from sayso.learners.architectures import config_for
from sayso.learners.scratch_size import BLOCKS, scratch_size

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


def test_what_is_not_known_is_one_line():
    with pytest.raises(SaysoError, match=r"no estimate: the layers of 'gpt2' are not known, those of gpt_neox, .* are"):
        scratch_size("gpt2", CONFIG, 100)
    with pytest.raises(SaysoError, match=r"follows from model\.config\.intermediate_size, which is not set"):
        scratch_size("llama", {k: v for k, v in CONFIG.items() if k != "intermediate_size"}, 100)
    with pytest.raises(SaysoError, match=r"model\.config\.hidden_size, found 'wide'"):
        scratch_size("llama", CONFIG | {"hidden_size": "wide"}, 100)
