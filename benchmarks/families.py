"""How tiny models of every architecture of transformers are read, and how far losses and gradients are from plain ones.

Each is made from its configuration with small sizes, read by the way that its self-test chose, and compared with plain
calls of the whole model on each document alone. Those that small sizes do not make small are left out.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from typing import Any

#: What a decoder's text begins with, and what rows are filled with; some look for the latter.
START, PAD = 2, 1
#: Small sizes by every name that configurations have for them.
SMALL: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "emb_dim"), 32),
    **dict.fromkeys(("num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_decoder_layers", "num_encoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "num_heads", "n_head", "n_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("encoder_attention_heads", "num_encoder_attention_heads", "num_decoder_attention_heads"), 2),
    **dict.fromkeys(("num_key_value_heads", "multi_query_group_num"), 2),
    **dict.fromkeys(("intermediate_size", "d_ff", "ffn_dim", "d_inner", "ffn_hidden_size", "encoder_ffn_dim"), 64),
    **dict.fromkeys(("decoder_ffn_dim", "moe_intermediate_size", "shared_expert_intermediate_size", "n_inner"), 64),
    **dict.fromkeys(("head_dim", "d_kv"), 16),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k"), 2),
    **dict.fromkeys(("max_position_embeddings", "n_positions"), 128),
    **{"vocab_size": 384, "word_embed_proj_dim": 32, "sliding_window": 64},
    **{
        "pad_token_id": PAD,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "decoder_start_token_id": START,
        "forced_eos_token_id": None,
    },
    **{"is_decoder": True, "add_cross_attention": False},
}
_LATENT = {
    **{"kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16},
    **{"n_group": 1, "topk_group": 1},
}
#: What some need beside these.
MORE: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 16},
    "mamba": {"state_size": 8},
    "falcon_mamba": {"state_size": 8},
    "mamba2": {"num_heads": 4, "head_dim": 16, "n_groups": 1, "state_size": 8},
    "codegen": {"rotary_dim": 8, "n_ctx": 128, "num_attention_heads": 4, "n_head": 4},
    "gptj": {"rotary_dim": 8},
    "deepseek_v2": _LATENT,
    "deepseek_v3": {**_LATENT, "head_dim": 8},
    "axk1": {**_LATENT, "head_dim": 8},
    "youtu": {**_LATENT, "head_dim": 8},
    "granite": {"logits_scaling": 4.0, "embedding_multiplier": 3.0},
    "led": {"attention_window": [8, 8]},
}
#: Beyond this a "tiny" model is not one.
MOST_PARAMETERS = 3_000_000


def make(architecture: str) -> Any:
    """A tiny model of random weights, in evaluation mode."""
    import torch
    from transformers import AutoConfig

    from sayso.learners.modules import class_of

    default = AutoConfig.for_model(architecture)
    known = {*default.to_dict(), *default.attribute_map}
    settings = {name: value for name, value in SMALL.items() if name in known} | MORE.get(architecture, {})
    config = AutoConfig.for_model(architecture, **settings)
    kind = class_of(config)
    if kind is None:
        raise ValueError("neither causal nor sequence-to-sequence")
    with torch.device("meta"):
        size = sum(each.numel() for each in kind.from_config(config).parameters())
    if size > MOST_PARAMETERS:
        raise ValueError(f"{size} parameters")
    torch.manual_seed(0)
    if config.is_encoder_decoder:
        config.decoder_start_token_id = START
    return kind.from_config(config, dtype=torch.float32).eval()


def survey() -> Iterator[tuple[str, str, float, float, str]]:
    """For each architecture: how it is read, how far loss and gradient are off (relative), and what was said."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    names = {**MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, **MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES}
    for architecture in sorted(names):
        try:
            model = make(architecture)
        except Exception as error:
            yield architecture, "not made", 0.0, 0.0, " ".join(str(error).split())[:120]
            continue
        try:
            yield (architecture, *read(model))
        except Exception as error:
            yield architecture, "FAILED", 0.0, 0.0, " ".join(str(error).split())[:120]


def read(model: Any) -> tuple[str, float, float, str]:
    """How one model is read, how far its loss and gradient are off, and what was said about it."""
    import numpy as np
    import torch

    from sayso.core.errors import SaysoError
    from sayso.learners.encoding import Document
    from sayso.learners.single.proving import choose_reader
    from sayso.learners.single.reader import takes

    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("sayso").addHandler(handler)
    try:
        reader = choose_reader(model, "m", list(range(10, 370, 15)), PAD, torch.device("cpu"))
    except SaysoError as error:
        return "refused", 0.0, 0.0, str(error)
    finally:
        logging.getLogger("sayso").removeHandler(handler)
    draw = np.random.default_rng(0)
    start, none = model.config.is_encoder_decoder, np.array([], dtype=np.int64)
    begins = draw.integers(5, 380, size=12)
    documents = []
    for row in range(8):
        own = draw.integers(5, 380, size=4 + row % 3)
        if start:
            context, ids = draw.integers(5, 380, size=6 + row % 4), np.concatenate([[START], own])
            documents.append(Document(context, ids, 1, len(ids), 1))
        else:
            ids = np.concatenate([begins[: 12 - row % 2], own])
            documents.append(Document(none, ids, len(ids) - 3, len(ids), 1))
    reader.overhead = 4.0
    plan = reader.plan(documents, [len(item.ids) for item in documents], None, share=reader.shares)
    parameters = [each for each in model.parameters() if each.requires_grad]
    losses, gradients = [], []
    memory = {"use_cache": False} if "use_cache" in takes(model) else {}
    for way in ("ours", "plain"):
        if way == "ours":
            loss = sum((reader.loss(documents, parts) for parts in plan), torch.zeros(()))
        else:
            loss = torch.zeros(())
            for item in documents:
                read = torch.as_tensor(item.ids[None, :-1])
                given = {"input_ids": torch.as_tensor(item.context[None]), "decoder_input_ids": read}
                logits = model(**(given if start else {"input_ids": read}), **memory).logits[0]
                loss = loss + torch.nn.functional.cross_entropy(
                    logits.float(), torch.as_tensor(item.ids[1:]), reduction="sum"
                )
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        losses.append(float(loss))
        gradients.append(torch.cat([torch.zeros(0), *(each.flatten() for each in found if each is not None)]).double())
    off = float((gradients[0] - gradients[1]).norm() / gradients[1].norm())
    kept = {(True, True): "kept", (True, False): "kept, one length", (False, True): "anew", (False, False): "anew"}
    how = reader.name + (", shared" if reader.shares else "") + ", " + kept[reader.remembers, reader.places]
    return how, abs(losses[0] / losses[1] - 1), off, " ".join(said)


def main() -> None:
    """Print the table."""
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    counts: dict[str, int] = {}
    for architecture, how, loss, gradient, said in survey():
        kind = how.split(",")[0]
        counts[kind] = counts.get(kind, 0) + 1
        print(f"{architecture:26} {how:28} {loss:.1e} {gradient:.1e} {said}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
