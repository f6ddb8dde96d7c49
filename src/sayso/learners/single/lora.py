"""Which layers of a model low-rank additions cannot go to."""

from __future__ import annotations

from typing import Any

_INNER, _FUSED = ("x_proj", "dt_proj", "out_proj"), ("out_proj",)
#: Layers whose weights a model's own code or kernels read by themselves, past any addition: it would be trained on a
#: CPU and not on a GPU, or never. By the kind of model, as transformers calls it.
PASSED_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("mamba", "falcon_mamba"), _INNER),
    **dict.fromkeys(("mamba2", "bamba", "falcon_h1", "granitemoehybrid", "nemotron_h", "zamba2"), _FUSED),
    "jamba": ("dt_proj",),
    "longcat_flash": ("classifier",),
}


def left_alone(model: Any, target_modules: Any) -> list[str] | None:
    """Names of the layers that ``all-linear`` must leave out in this model; None where there are none."""
    if target_modules != "all-linear" or model.config.model_type not in PASSED_BY:
        return None
    return list(PASSED_BY[model.config.model_type])
