"""How large networks that see are, by arithmetic alone: those of `sayso.learners.grids.networks`, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

#: ConvNeXt's: pixels of a patch and of the window of a block, and how much wider a block is inside.
_PATCH, _WINDOW, _EXPANSION = 4, 7, 4


@dataclass(frozen=True)
class NetworkSize:
    """A network, or a layer of one.

    `parameters`; `flops` of its products for one picture, two for each weight used; `values` it computes of one picture
    (a backward pass needs them); `layers`: products, norms and activations, one after the other.
    """

    parameters: int
    flops: int
    values: int
    layers: int = 1


def mlp_size(shape: tuple[int, int], outputs: int, *, width: int, depth: int) -> NetworkSize:
    """Size of `sayso.learners.grids.networks.mlp`."""
    inputs = [shape[0] * shape[1], *[width] * depth]
    hidden = [each for low, high in pairwise(inputs) for each in (_linear(low, high), _activation(high), _norm(high))]
    return _total([*hidden, _linear(inputs[-1], outputs)])


def convnet_size(shape: tuple[int, int], outputs: int, *, width: int, hidden: int) -> NetworkSize:
    """Size of `sayso.learners.grids.networks.convnet`."""
    layers, channels, places = [], 1, 1
    for halved, (wider, kernel) in enumerate(((width, 5), (2 * width, 3), (2 * width, 3)), start=1):
        places = math.prod(-(-length // 2**halved) for length in shape)
        layers += [_convolution(channels, wider, kernel, places), _activation(wider, places)]
        channels = wider
    return _total([*layers, _linear(channels * places, hidden), _activation(hidden), _linear(hidden, outputs)])


def convnext_size(
    shape: tuple[int, int], outputs: int, *, depths: Sequence[int], hidden_sizes: Sequence[int]
) -> NetworkSize:
    """Size of `sayso.learners.grids.networks.ConvNeXt`, whose pictures are padded to whole strides."""
    stride = _PATCH * 2 ** (len(depths) - 1)
    patches = [-(-length // stride) * stride // _PATCH for length in shape]
    layers, before = [], 0
    for stage, (depth, width) in enumerate(zip(depths, hidden_sizes, strict=True)):
        places = math.prod(length // 2**stage for length in patches)
        if stage == 0:
            layers += [_convolution(1, width, _PATCH, places), _norm(width, places)]
        else:
            layers += [_norm(before, 4 * places), _convolution(before, width, 2, places)]
        layers += depth * _block(width, places)
        before = width
    return _total([*layers, _norm(before), _linear(before, outputs)])


def _block(width: int, places: int) -> list[NetworkSize]:
    inner = _EXPANSION * width
    window = _convolution(1, width, _WINDOW, places)  # of each channel alone
    response = _norm(inner, places)  # global response normalization has as many weights
    expanded = [_linear(width, inner, places), _activation(inner, places), response]
    return [window, _norm(width, places), *expanded, _linear(inner, width, places)]


def _linear(inputs: int, outputs: int, places: int = 1) -> NetworkSize:
    return _convolution(inputs, outputs, 1, places)


def _convolution(inputs: int, outputs: int, kernel: int, places: int) -> NetworkSize:
    """Of `inputs` channels that each output sees, at so many places."""
    weights = inputs * outputs * kernel**2
    return NetworkSize(weights + outputs, 2 * weights * places, outputs * places)


def _norm(width: int, places: int = 1) -> NetworkSize:
    return NetworkSize(2 * width, 0, width * places)


def _activation(width: int, places: int = 1) -> NetworkSize:
    return NetworkSize(0, 0, width * places)


def _total(layers: Sequence[NetworkSize]) -> NetworkSize:
    return NetworkSize(
        sum(layer.parameters for layer in layers),
        sum(layer.flops for layer in layers),
        sum(layer.values for layer in layers),
        sum(layer.layers for layer in layers),
    )
