"""Which layer a weight is of."""

import pytest

from sayso.learners.gradients.layers import layers_of


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("gpt_neox.embed_in.weight", "embeddings"),
        ("gpt_neox.layers.0.mlp.dense.weight", "layer 1"),
        ("gpt_neox.layers.11.attention.dense.bias", "layer 12"),
        ("gpt_neox.final_layer_norm.bias", "output"),
        ("embed_out.weight", "output"),
        ("lm_head.weight", "output"),
    ],
)
def test_layers_of_a_causal_model(name, layer):
    assert layers_of(["gpt_neox.layers.0.mlp.dense.weight", name])[name] == layer


def test_layers_of_two_stacks_say_whose_they_are():
    names = {
        "shared.weight": "embeddings",
        "encoder.block.0.layer.0.SelfAttention.q.weight": "encoder layer 1",
        "encoder.block.0.layer.1.DenseReluDense.wi.weight": "encoder layer 1",
        "encoder.final_layer_norm.weight": "output",
        "decoder.block.3.layer.0.SelfAttention.q.weight": "decoder layer 4",
    }
    assert layers_of(names) == names


def test_low_rank_additions_belong_to_the_layer_they_are_added_to():
    names = [f"base_model.model.model.layers.{at}.mlp.up_proj.lora_A.default.weight" for at in (1, 3)]
    assert list(layers_of(names).values()) == ["layer 2", "layer 4"]


def test_layers_of_a_plain_sequence_are_counted():
    assert layers_of(["1.weight", "1.bias", "3.weight"]) == {
        "1.weight": "layer 1",
        "1.bias": "layer 1",
        "3.weight": "layer 2",
    }
