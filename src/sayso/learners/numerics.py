"""How a process multiplies in float32 and whether it adds up in one order, for all it computes from its start on."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

#: What cuBLAS reads when it starts: with it products come out the same whenever they are taken.
WORKSPACE, _FIXED = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


@dataclass(frozen=True)
class Numerics:
    """`deterministic`: the same bits at each try on the same GPU. `tf32`: products in float32 take 10 bits of factors.

    Without `tf32` they take all 23, on GPUs and in convolutions as well, where torch would leave some out.
    """

    deterministic: bool = False
    tf32: bool = False

    def set_up(self) -> None:
        """Let this process compute so; before it has computed anything on a GPU."""
        if self.deterministic:
            os.environ.setdefault(WORKSPACE, _FIXED)
        torch.use_deterministic_algorithms(self.deterministic)
        precision = "tf32" if self.tf32 else "ieee"
        torch.backends.cuda.matmul.fp32_precision = precision
        torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]

    @classmethod
    def now(cls) -> Numerics:
        """How this process computes."""
        return cls(
            deterministic=torch.are_deterministic_algorithms_enabled(),
            tf32=torch.backends.cuda.matmul.fp32_precision == "tf32",
        )
