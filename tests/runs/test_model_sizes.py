from __future__ import annotations

import pytest
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from sayso.core.errors import SaysoError
from sayso.learners.known_models import KNOWN_MODELS
from sayso.learners.stacked.architectures import config_for
from sayso.runs.model_sizes import find_model, from_scratch
from tests.tiny_models import save_tiny

CONFIG = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 80}


@pytest.mark.parametrize(
    ("architecture", "more", "parameters"),
    [
        # by hand: of a layer 4 w² of attention, 2 or 3 w f of the feed-forward layer, their biases and norms
        ("gpt_neox", {}, 2 * 100 * 48 + 2 * 48 + 3 * (4 * 48**2 + 2 * 48 * 80 + 4 * 48 + 80 + 48 + 4 * 48)),
        ("gpt_neox", {"attention_bias": False}, 61920 - 3 * 4 * 48),
        ("llama", {}, 2 * 100 * 48 + 48 + 3 * (4 * 48**2 + 3 * 48 * 80 + 2 * 48)),
        ("llama", {"num_key_value_heads": 2, "tie_word_embeddings": True}, 72144 - 100 * 48 - 3 * 2 * 48 * 24),
        ("olmo", {}, 72144 - 48 - 3 * 2 * 48),
        ("t5", {}, 100 * 48 + 2 * 48 + 2 * 32 * 4 + 3 * (12 * 48**2 + 4 * 48 * 80 + 5 * 48)),
    ],
)
def test_parameters_are_those_that_arithmetic_gives(architecture, more, parameters):
    found = from_scratch(architecture, config_for(architecture, CONFIG) | more, 100)
    assert (found.parameters, found.layers, found.width, found.vocabulary) == (parameters, 3, 48, 100)
    assert found.tied == (architecture == "t5" or "tie_word_embeddings" in more)
    assert found.encoder == (architecture == "t5")


@pytest.mark.parametrize("architecture", ["gpt2", "bloom", "opt", "qwen2", "mamba", "bart", "mixtral"])
def test_other_architectures_have_the_size_of_the_models_themselves(architecture):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = config_for(architecture, {k: v for k, v in sizes.items() if architecture != "mamba" or "heads" not in k})
    config |= {"d_ff": 32, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32} if architecture == "bart" else {}
    found = from_scratch(architecture, config, 90)
    ids = {"vocab_size": 90, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    kind = AutoModelForSeq2SeqLM if found.encoder else AutoModelForCausalLM
    model = kind.from_config(AutoConfig.for_model(architecture, **config, **ids))
    assert found.parameters == sum(weight.numel() for weight in {id(w): w for w in model.parameters()}.values())
    assert (found.layers, found.width, found.vocabulary) == (2, 32, 90)
    assert found.tied == (model.get_output_embeddings().weight is model.get_input_embeddings().weight)


@pytest.mark.parametrize(
    ("name", "architecture", "config"),
    [
        ("EleutherAI/pythia-70m-deduped", "gpt_neox", (512, 6, 8, 2048)),
        ("EleutherAI/pythia-2.8b-deduped", "gpt_neox", (2560, 32, 32, 10240)),
        ("EleutherAI/gpt-neo-125m", "gpt_neo", (768, 12, 12, 3072)),
        ("meta-llama/Llama-2-7b-hf", "llama", (4096, 32, 32, 11008)),
        ("google-t5/t5-small", "t5", (512, 6, 8, 2048)),
    ],
)
def test_what_is_written_down_of_models_on_the_hub_is_what_their_settings_make(name, architecture, config):
    written = KNOWN_MODELS[name]
    sizes = dict(
        zip(("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"), config, strict=True)
    )
    given = config_for(architecture, sizes)
    if architecture == "gpt_neo":
        given |= {"attention_types": [[["global", "local"], 6]]}
    found = from_scratch(architecture, given, written.vocabulary)
    for field in ("parameters", "layers", "width", "tied", "encoder"):
        assert getattr(found, field) == getattr(written, field), field


def test_a_local_model_is_measured_by_its_configuration_and_needs_no_weights(tmp_path):
    folder = save_tiny(tmp_path, "gpt_neox")
    found = find_model(folder)
    assert (found.layers, found.width, found.tied, found.encoder) == (2, 32, False, False)
    whole = AutoModelForCausalLM.from_pretrained(folder)
    assert found.parameters == whole.num_parameters()
    for weights in tmp_path.rglob("*.safetensors"):
        weights.unlink()
    assert find_model(folder) == found


def test_what_is_not_known_is_one_line(tmp_path):
    with pytest.raises(SaysoError, match=r"size of model 'EleutherAI/pythia-2.8b' is not known; did you mean"):
        find_model("EleutherAI/pythia-2.8b")
    with pytest.raises(SaysoError, match="not a model whose size can be read"):
        find_model(str(tmp_path))
    with pytest.raises(SaysoError, match="no estimate: model gtp2"):
        from_scratch("gtp2", CONFIG, 100)
    with pytest.raises(SaysoError, match=r"no estimate: .*'wide'") as caught:
        from_scratch("llama", CONFIG | {"hidden_size": "wide"}, 100)
    assert "\n" not in str(caught.value)


def test_the_size_of_a_known_model_imports_nothing_heavy(fresh_python):
    code = (
        "import sys; from sayso.runs.model_sizes import find_model; find_model('EleutherAI/pythia-2.8b-deduped')\n"
        "print({'torch', 'transformers'} & sys.modules.keys())"
    )
    assert fresh_python(code) == "set()\n"
