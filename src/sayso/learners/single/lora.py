"""Which layers of a model low-rank additions cannot go to."""

from __future__ import annotations

from typing import Any

#: Models whose own kernels read the weights of some layers by themselves, past any addition; peft refuses these layers.
_STATE_SPACE = frozenset({"mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h"})
_PASSED_BY = ("out_proj", "conv1d")


def left_alone(model: Any, target_modules: Any) -> list[str] | None:
    """Names of the layers that ``all-linear`` must leave out in this model; None where there are none."""
    if target_modules != "all-linear" or model.config.model_type not in _STATE_SPACE:
        return None
    return list(_PASSED_BY)
