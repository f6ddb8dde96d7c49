import pytest

from sayso.core.errors import SaysoError
from sayso.learners.architectures import config_for
from tests.conftest import make_tiny
from tests.learners.conftest import example, learner_of

SIZES = make_tiny().model.config  # type: ignore[attr-defined]


@pytest.mark.parametrize("architecture", ["gpt_neox", "llama", "gpt2", "qwen2"])
def test_the_sizes_of_one_model_make_a_model_of_another_architecture_that_runs(architecture):
    learner = learner_of((" a", " b"), architecture=architecture, config=config_for(architecture, SIZES))
    config = learner._models.module.config
    assert config.model_type == architecture
    assert config.hidden_size == SIZES["hidden_size"]
    assert config.num_hidden_layers == SIZES["num_hidden_layers"]
    assert config.max_position_embeddings == SIZES["max_position_embeddings"]
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
