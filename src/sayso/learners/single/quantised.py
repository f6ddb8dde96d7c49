"""Folders whose weights are quantised (bitsandbytes, GPTQ, AWQ, FP8, ...): LoRA is trained beside them, or nothing."""

from __future__ import annotations

from typing import Any

from sayso.core.errors import SaysoError
from sayso.learners.specs import HFModel

#: Bitsandbytes on a CPU packs weights anew when it first computes without gradients, and has none from then on.
_REPACKS = "support_avx512bf16_for_cpu"


def quantised_as(config: Any) -> str | None:
    """How a configuration says that weights are quantised, such as ``bitsandbytes, 4 bits``; None if it does not."""
    settings = getattr(config, "quantization_config", None)
    if settings is None:
        return None
    given = settings if isinstance(settings, dict) else settings.to_dict()
    bits = given.get("bits") or (4 if given.get("load_in_4bit") else 8 if given.get("load_in_8bit") else None)
    method = given.get("quant_method", "unknown method")
    return f"{getattr(method, 'value', method)}{f', {bits} bits' if bits else ''}"


def require_trainable(config: Any, spec: HFModel) -> None:
    """Refuse quantised weights that are themselves to be trained.

    Raises
    ------
    SaysoError
        If they are quantised, and no LoRA is asked for.
    """
    if spec.lora is None and (how := quantised_as(config)):
        raise SaysoError(
            f"model {spec.name}: its weights are quantised ({how}), and steps of training would be lost in the "
            "rounding; take the model it was made of, or train LoRA beside it (model.lora)"
        )


def ready_for_low_rank(model: Any, spec: HFModel) -> None:
    """Let gradients through quantised weights to LoRA's; nothing is done to ordinary ones.

    Raises
    ------
    SaysoError
        If transformers knows no way through weights of that kind.
    """
    quantiser = getattr(model, "hf_quantizer", None)
    if quantiser is not None and not quantiser.is_trainable:
        raise SaysoError(
            f"model {spec.name}: its weights are quantised ({quantised_as(model.config)}), and transformers does not "
            "train LoRA beside that kind; take the model it was made of"
        )
    for module in model.modules():
        if hasattr(module, _REPACKS):
            setattr(module, _REPACKS, False)


def without_quantisation(config: Any) -> Any:
    """The configuration of the same model with ordinary weights."""
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    return config
