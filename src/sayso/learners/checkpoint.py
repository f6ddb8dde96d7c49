"""The state of replicas side by side on disk: weights and optimizer, enough to go on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sayso.core.errors import SaysoError


def save_state(
    path: Path, seeds: list[int], parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer | None
) -> None:
    """Write the state of the replicas of these seeds; the file appears whole or not at all."""
    state = {
        "seeds": seeds,
        "weights": {name: tensor.detach() for name, tensor in parameters.items()},
        "optimizer": optimizer.state_dict() if optimizer is not None else None,
    }
    temporary = path.with_name(f".{path.name}.part")
    torch.save(state, temporary)
    temporary.replace(path)


def load_state(path: Path, seeds: list[int], parameters: Mapping[str, Tensor], device: torch.device) -> Any:
    """Bring back the weights that `save_state` wrote, and return the optimizer's state.

    Raises
    ------
    SaysoError
        If the file is damaged or belongs to other seeds.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise SaysoError(f"{path}: not a readable checkpoint; delete its folder to run these seeds again") from error
    if state["seeds"] != seeds:
        raise SaysoError(f"{path}: a checkpoint of seeds {state['seeds']}, where {seeds} are trained")
    with torch.no_grad():
        for name, tensor in parameters.items():
            tensor.copy_(state["weights"][name])
    return state["optimizer"]
