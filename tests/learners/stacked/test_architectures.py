import pytest
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from sayso.core.errors import SaysoError
from sayso.learners.known_models import ENCODER_DECODERS
from sayso.learners.stacked.architectures import config_for, config_of
from tests.conftest import make_tiny
from tests.learners.conftest import example, learner_of

SIZES = make_tiny().model.config  # type: ignore[attr-defined]


@pytest.mark.parametrize("architecture", ["gpt_neox", "llama", "gpt2", "qwen2", "t5", "bart"])
def test_the_sizes_of_one_model_make_a_model_of_another_architecture_that_runs(architecture):
    learner = learner_of((" a", " b"), architecture=architecture, config=config_for(architecture, SIZES))
    config = learner._models.module.config
    assert config.model_type == architecture
    assert config.hidden_size == SIZES["hidden_size"]
    assert config.num_hidden_layers == SIZES["num_hidden_layers"]
    assert getattr(config, "max_position_embeddings", None) == (
        None if architecture == "t5" else SIZES["max_position_embeddings"]
    )
    for name in ("num_decoder_layers", "decoder_layers"):  # a decoder beside an encoder
        assert getattr(config, name, SIZES["num_hidden_layers"]) == SIZES["num_hidden_layers"]
    (scores,) = learner.scores([[example("a", "b")]])
    assert scores.loss[0] > 0


def test_an_unknown_architecture_is_an_error_that_names_some():
    with pytest.raises(SaysoError, match="did you mean 'gpt_neox'"):
        config_for("gpt_neoxx", SIZES)
    with pytest.raises(SaysoError, match="for example: gpt_neox, gpt2, llama"):
        config_for("zzzzzzzzzz", SIZES)


def test_a_setting_without_a_counterpart_is_an_error():
    with pytest.raises(SaysoError, match="gpt2 has no setting 'use_parallel_residual'"):
        config_for("gpt2", {**SIZES, "use_parallel_residual": False})


def test_sizes_come_back_from_a_sequence_to_sequence_models_words():
    small = config_for("t5", SIZES)
    assert (small["d_kv"], small["dropout_rate"]) == (SIZES["hidden_size"] // SIZES["num_attention_heads"], 0.0)
    back = config_for("gpt_neox", {name: value for name, value in small.items() if name != "dropout_rate"})
    assert {name: back[name] for name in SIZES if name in back} == {
        name: value for name, value in SIZES.items() if name != "max_position_embeddings"
    }
    with pytest.raises(SaysoError, match="gpt_neox has no setting 'd_kv'"):
        config_for("gpt_neox", {"d_model": 64, "num_heads": 2, "d_kv": 64})


def test_a_decoder_may_be_of_another_size_than_its_encoder():
    assert config_for("bart", {"decoder_layers": 3, "encoder_layers": 2})["decoder_layers"] == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"num_layers": 2, "num_decoder_layers": 6, "feed_forward_proj": "gated-gelu", "d_kv": 8, "d_model": 16},
        {"num_layers": 2, "tie_word_embeddings": False, "dropout_rate": 0.0},
        {"d_ff": 16},
    ],
)
def test_a_configuration_that_is_read_makes_the_model_it_was_written_of(settings, tmp_path):
    written = AutoConfig.for_model("t5", **settings)
    written.save_pretrained(tmp_path)
    architecture, config = config_of(tmp_path)
    assert architecture == "t5"
    assert AutoConfig.for_model("t5", **config).to_dict() == written.to_dict()


def test_a_configuration_of_another_kind_is_an_error(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    with pytest.raises(SaysoError, match=r"config\.json: 'vit' is no causal or sequence-to-sequence architecture"):
        config_of(tmp_path)


def test_which_architectures_read_prompts_apart_is_what_their_configurations_say():
    for name in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        assert (name in ENCODER_DECODERS) == AutoConfig.for_model(name).is_encoder_decoder, name
    for name in ENCODER_DECODERS:
        assert name in {*MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}
