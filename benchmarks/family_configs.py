"""Tiny configurations of every architecture of transformers that continues or answers texts.

Sizes are small by every name that configurations have for them; what some need beside is in `MORE`. What does more than
read and write text, or cannot be made small, is in `LEFT_OUT` with the reason.
"""

from __future__ import annotations

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
    **dict.fromkeys(("head_dim", "d_kv", "linear_key_head_dim", "linear_value_head_dim"), 16),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads"), 2),
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
_GROUPS = {"n_group": 1, "topk_group": 1}
_RANKS = {"kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16}
_LATENT = {**_RANKS, **_GROUPS}
_SPARSE = {**_LATENT, "index_topk": 64, "index_head_dim": 16, "index_n_heads": 2}
_MAMBA = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_expand": 2, "mamba_chunk_size": 16}
_TWO_KINDS = {"layer_types": ["sliding_attention", "full_attention"]}
_LINEAR = {"layer_types": ["linear_attention", "full_attention"]}
_INKLING = {
    **{"unpadded_vocab_size": 384, "swa_num_attention_heads": 2, "swa_num_key_value_heads": 2, "swa_head_dim": 16},
    **{"d_rel": 4, "rel_extent": 64},
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
    **dict.fromkeys(("bailing_hybrid", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next"), _LINEAR),
    "falcon_h1": {**_MAMBA, "mamba_d_ssm": 64},
    "nemotron_h": {
        **{"layers_block_type": ["linear_attention", "full_attention"], "ssm_state_size": 8, "mamba_num_heads": 4},
        **{"mamba_head_dim": 16, "n_groups": 1, "chunk_size": 16, "moe_shared_expert_intermediate_size": 64},
    },
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "bamba": {**_MAMBA, "attn_layer_indices": [1]},
    "granitemoehybrid": {**_MAMBA, "shared_intermediate_size": 64, "layer_types": ["mamba", "attention"]},
    "cohere_compass_text": {
        "layer_types": ["full_attention"] * 2,
        "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 10000.0}},
    },
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8},
        "ffn_config": {"ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 2, "hidden_size": 32},
    },
    "deepseek_v32": {**_SPARSE, "head_dim": 8, "first_k_dense_replace": 1},
    "glm_moe_dsa": {**_SPARSE, "head_dim": 8, "first_k_dense_replace": 1},
    "hy_v4": {**_SPARSE, "head_dim": 8},
    "dots1": {**_GROUPS, "n_shared_experts": 1, "first_k_dense_replace": 1},
    "dots3_note_text": {**_SPARSE, "shared_experts_intermediate_size": 64},
    "gemma3n_text": {
        **_TWO_KINDS,
        **{"num_kv_shared_layers": 0, "vocab_size_per_layer_input": 384, "hidden_size_per_layer_input": 8},
        **{"laurel_rank": 8, "activation_sparsity_pattern": [0.0, 0.0]},
    },
    "gemma4_text": {
        **_TWO_KINDS,
        **{"vocab_size_per_layer_input": 384, "hidden_size_per_layer_input": 8, "global_head_dim": 16},
    },
    "inkling2_text": _INKLING,
    "inkling2_loop_text": {
        **_INKLING,
        **{"num_hidden_layers": 4, "n_layers_per_attn_res_block": 1, "loop_gate_rank": 4},
        **{"loop_layer_index_start": 1, "loop_layer_index_end": 3},
    },
    "kimi_linear": {
        **{name: value for name, value in _RANKS.items() if name != "q_lora_rank"},
        **{
            "layer_types": ["linear_attention", "full_attention"],
            "topk_group": 1,
            "linear_head_dim": 16,
            "linear_num_heads": 2,
            "num_experts_per_token": 2,
        },
    },
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "longcat_flash": {
        **{**_RANKS, "head_dim": 8, "expert_ffn_hidden_size": 64},
        **{"zero_expert_num": 2, "moe_topk": 2, "n_routed_experts": 4},
    },
    "mimo_v2_flash": {"num_attention_heads": 4, "v_head_dim": 16},
    "prophetnet": {"add_cross_attention": True, "is_decoder": False, "init_std": 0.2},
    "reformer": {
        **{"axial_pos_embds_dim": [16, 16], "axial_pos_shape": [8, 16], "attn_layers": ["local", "local"]},
        **{"attention_head_size": 16, "feed_forward_size": 64, "local_attn_chunk_length": 8},
    },
    "roc_bert": {
        **{"pronunciation_embed_dim": 8, "pronunciation_vocab_size": 384},
        **{"shape_embed_dim": 8, "shape_vocab_size": 384},
    },
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        **{"num_hidden_layers": 4, "layer_types": ["mamba", "hybrid"] * 2, "num_attention_heads": 4},
        **{"attention_hidden_size": 64, "attention_head_dim": 16, "mamba_d_state": 8, "mamba_dt_rank": 4},
    },
    "zamba2": {
        **{"layer_types": ["mamba", "hybrid"], "hybrid_layer_ids": [1], "attention_hidden_size": 64},
        **{"attention_head_dim": 32, "mamba_d_state": 8, "n_mamba_heads": 4, "mamba_headdim": 16, "chunk_size": 16},
        **{"kv_channels": 16, "num_query_groups": 2, "adapter_rank": 4},
    },
    "zaya": {"num_experts_per_tok": 1, "router_hidden_size": 16},
}
#: What is not tried, and why, beside what reads pictures or sounds.
LEFT_OUT = {
    "blt": "a model of bytes with a second model that cuts them into patches; not made small",
    "encoder-decoder": "any two models put together; not made small",
    "gemma4_assistant": "a helper of another model, not one of its own",
    "gemma4_unified_assistant": "a helper of another model, not one of its own",
    "t5gemma": "two models, each with a configuration of its own; not made small",
    "xlm": "it predicts masked words, or the next in place of a mask",
}
#: Parts of configurations that tell of more than text.
_SENSES = ("vision_config", "audio_config", "vq_config", "audio_encoder_config", "speech_config", "encoder_config")
#: Beyond this a "tiny" model is not one.
MOST_PARAMETERS = 3_000_000


def left_out(architecture: str) -> str | None:
    """Why an architecture is not tried; None where it is."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

    if architecture in LEFT_OUT:
        return LEFT_OUT[architecture]
    config = AutoConfig.for_model(architecture)
    known = {*config.to_dict(), *config.sub_configs}
    heard = architecture in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES and not config.is_encoder_decoder
    named = ("git", "whisper", "musicgen", "fuyu", "phi4_multimodal")
    if heard or not known.isdisjoint(_SENSES) or architecture.startswith(named):
        return "it reads or makes pictures or sounds too"
    return None


def config_of(architecture: str, **settings: Any) -> Any:
    """The configuration of a tiny model, with settings of one's own."""
    from transformers import AutoConfig

    default = AutoConfig.for_model(architecture)
    known = {*default.to_dict(), *default.attribute_map}
    small = {name: value for name, value in SMALL.items() if name in known}
    config = AutoConfig.for_model(architecture, **{**small, **MORE.get(architecture, {}), **settings})
    if config.is_encoder_decoder and getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = START
    return config


def make(architecture: str, **settings: Any) -> Any:
    """A tiny model of random weights, in evaluation mode.

    Raises
    ------
    ValueError
        If it is neither causal nor sequence-to-sequence, or not tiny.
    """
    import torch

    from sayso.learners.modules import class_of

    config = config_of(architecture, **settings)
    kind = class_of(config)
    if kind is None:
        raise ValueError("neither causal nor sequence-to-sequence")
    with torch.device("meta"):
        size = sum(each.numel() for each in kind.from_config(config).parameters())
    if size > MOST_PARAMETERS:
        raise ValueError(f"not made small: {size} parameters")
    torch.manual_seed(0)
    return kind.from_config(config, dtype=torch.float32).eval()
