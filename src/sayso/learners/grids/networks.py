"""Networks that see a whole picture and say something of each of its cells."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import ConvNextV2Config, ConvNextV2ForImageClassification

from sayso.core.errors import SaysoError
from sayso.learners.grids.specs import ConvNeXtV2, GridConvNet, GridMLP, GridModel

#: Makes a network for pictures of so many rows and columns that gives so many outputs.
MakeNetwork = Callable[[tuple[int, int], int], nn.Module]


class _Product(torch.autograd.Function):
    """What a linear layer says, and gradients as they are to lie in memory.

    Of replicas under vmap torch would multiply the other way round and then write the gradient of every weight anew,
    transposed, which takes a fifth of a step.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return nn.functional.linear(inputs, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG004
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        inputs, weight = ctx.saved_tensors
        return gradient @ weight if ctx.needs_input_grad[0] else None, gradient.mT @ inputs, gradient.sum(0)


class Linear(nn.Linear):
    """torch's linear layer, cheaper to train side by side; on a CPU with the same numbers to the bit.

    It has no derivative in forward mode.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """(n, inputs) -> (n, outputs), or any other shape as torch's."""
        if self.bias is None or input.dim() != 2 or torch.is_autocast_enabled(input.device.type):
            return super().forward(input)  # in autocast, gradients are of another type than weights
        said: Tensor = _Product.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return said


def mlp(shape: tuple[int, int], outputs: int, *, width: int, depth: int) -> nn.Module:
    """A multi-layer perceptron on all pixels: (n, rows, columns) -> (n, outputs)."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = shape[0] * shape[1]
    for _ in range(depth):
        layers += [Linear(inputs, width), nn.GELU(), nn.LayerNorm(width)]
        inputs = width
    return nn.Sequential(*layers, Linear(width, outputs))


def convnet(shape: tuple[int, int], outputs: int, *, width: int, hidden: int) -> nn.Module:
    """Three convolutions, each halving the picture, and one hidden layer: (n, rows, columns) -> (n, outputs)."""
    rows, columns = (-(-length // 8) for length in shape)
    return nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.Conv2d(1, width, 5, stride=2, padding=2),
        nn.GELU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.GELU(),
        nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(2 * width * rows * columns, hidden),
        nn.GELU(),
        nn.Linear(hidden, outputs),
    )


class ConvNeXt(nn.Module):
    """ConvNeXt V2 of transformers with one channel, on pictures padded so that its strides lose no pixel."""

    def __init__(
        self, shape: tuple[int, int], outputs: int, *, depths: Sequence[int], hidden_sizes: Sequence[int]
    ) -> None:
        super().__init__()
        config = ConvNextV2Config(
            num_channels=1,
            num_stages=len(depths),
            depths=list(depths),
            hidden_sizes=list(hidden_sizes),
            num_labels=outputs,
        )
        self.network = ConvNextV2ForImageClassification(config)
        stride: int = config.patch_size * 2 ** (len(depths) - 1)
        below, right = (-length % stride for length in shape)
        self.padding = (0, right, 0, below)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, rows, columns) -> (n, outputs)."""
        padded = torch.nn.functional.pad(pixels, self.padding, value=-1.0)
        logits: Tensor = self.network(padded[:, None]).logits
        return logits


def network_of(spec: GridModel) -> MakeNetwork:
    """What makes networks of a description.

    Raises
    ------
    SaysoError
        If it is of no kind known here.
    """
    if isinstance(spec, GridMLP):
        return functools.partial(mlp, width=spec.width, depth=spec.depth)
    if isinstance(spec, GridConvNet):
        return functools.partial(convnet, width=spec.width, hidden=spec.hidden)
    if isinstance(spec, ConvNeXtV2):
        return functools.partial(ConvNeXt, depths=spec.depths, hidden_sizes=spec.hidden_sizes)
    raise SaysoError(f"{type(spec).__name__}: no network of this kind; give its class a learner of its own")
