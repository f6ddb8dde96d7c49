"""Models that come with code of their own, in a local folder, as on the hub."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.tiny_models import tiny_tokenizer

#: A causal model of two blocks with attention; `REMEMBER`, `FORWARD` and `MASK` are put in.
MODELLING = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast


class ForeignConfig(PretrainedConfig):
    model_type = "foreign"

    def __init__(self, vocab_size=384, width=16, num_hidden_layers=2, **more):
        self.vocab_size, self.width, self.num_hidden_layers = vocab_size, width, num_hidden_layers
        super().__init__(**more)


class Block(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.index = index
        self.qkv, self.out = nn.Linear(config.width, 3 * config.width), nn.Linear(config.width, config.width)

    def forward(self, hidden, memory):
        query, key, value = self.qkv(hidden)[:, None].chunk(3, -1)
        if memory is not None:
            key, value = memory.update(REMEMBER, self.index)
        last = torch.arange(query.shape[2])[:, None] + key.shape[2] - query.shape[2]
        seen = torch.arange(key.shape[2])[None] <= last
        said = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=MASK)
        return hidden + self.out(said[:, 0])


class ForeignModel(PreTrainedModel):
    config_class = ForeignConfig

    def __init__(self, config):
        super().__init__(config)
        self.tokens = nn.Embedding(config.vocab_size, config.width)
        self.places = nn.Embedding(128, config.width)
        self.layers = nn.ModuleList(Block(config, index) for index in range(config.num_hidden_layers))
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.tokens

    def get_output_embeddings(self):
        return self.head

    def forward(self, FORWARD):
        before = past_key_values.get_seq_length() if past_key_values is not None else 0
        hidden = self.tokens(input_ids) + self.places(torch.arange(input_ids.shape[1]) + before)
        for layer in self.layers:
            hidden = layer(hidden, past_key_values if use_cache else None)
        return CausalLMOutputWithPast(logits=self.head(hidden), past_key_values=past_key_values)
"""
FORWARD = "input_ids, attention_mask=None, past_key_values=None, use_cache=None, **more"


def save_foreign(folder: Path, *, remember: str = "key, value", forward: str = FORWARD, mask: str = "seen") -> Path:
    """Write such a model, with random weights, and its tokenizer into a folder."""
    code = MODELLING.replace("REMEMBER", remember).replace("FORWARD", forward).replace("MASK", mask)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "modeling_foreign.py").write_text(code)
    auto = {"AutoConfig": "modeling_foreign.ForeignConfig", "AutoModelForCausalLM": "modeling_foreign.ForeignModel"}
    tokenizer = tiny_tokenizer()
    config = {"model_type": "foreign", "auto_map": auto, "architectures": ["ForeignModel"], "vocab_size": 384}
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer.save_pretrained(folder)
    draw = torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {
        "tokens.weight": (384, 16),
        "places.weight": (128, 16),
        "head.weight": (384, 16),
    }
    for at in range(2):
        shapes |= {f"layers.{at}.qkv.weight": (48, 16), f"layers.{at}.qkv.bias": (48,)}
        shapes |= {f"layers.{at}.out.weight": (16, 16), f"layers.{at}.out.bias": (16,)}
    weights = {name: 0.4 * torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder
