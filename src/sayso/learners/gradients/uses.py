"""What layers are given and the gradients of what they give, noted while documents are read, as factors.

Every module without parts that owns weights is listened to. Some are known: linear layers, those of GPT-2 (transposed),
embeddings. Others have few weights (normalisations, position biases): their own gradient is made for each document.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.func import functional_call, vjp, vmap
from transformers.pytorch_utils import Conv1D

from sayso.learners.gradients.factors import Direct, Outer, Picked, Use, joined

#: Most weights of a module of no known kind.
FEW = 2**18


@dataclass(frozen=True)
class Call:
    """One call of a module: what it was given, and where in the graph the gradient of what it gave passes."""

    module: nn.Module
    given: tuple[Any, ...]
    named: Mapping[str, Any]
    edge: GradientEdge


#: Makes factors of one call: (call, gradient of what it gave, documents) -> the use of each weight, by its own name.
Factors: TypeAlias = Callable[[Call, Tensor, int], dict[str, Use]]


class UnknownWeightsError(ValueError):
    """Weights whose gradients cannot be had as factors; the message says which."""


class Listeners:
    """The modules of a model that own what is trained, and how factors are made of their calls.

    Raises
    ------
    UnknownWeightsError
        If a weight belongs to no module of a known kind, nor to a small one.
    """

    def __init__(self, model: nn.Module, parameters: Mapping[str, Tensor]) -> None:
        self._names = {id(tensor): name for name, tensor in parameters.items()}
        self._sizes = {name: tensor.shape for name, tensor in parameters.items()}
        self._factors: dict[nn.Module, Factors] = {}
        for name, module in model.named_modules():
            own = {word: one for word, one in module.named_parameters(recurse=False) if id(one) in self._names}
            if own:
                self._factors[module] = _factors_of(module, name, own)
        # a width of what goes in and one of what comes out
        self.per_token = sum(sum(one.shape) for one in parameters.values() if one.dim() == 2)

    @contextlib.contextmanager
    def noting(self) -> Iterator[list[Call]]:
        """Note the calls of all these modules, as long as this lasts."""
        calls: list[Call] = []

        def note(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], out: Any) -> None:
            if not isinstance(out, Tensor):
                raise UnknownWeightsError(f"{type(module).__name__} gives no tensor")
            if out.requires_grad:
                calls.append(Call(module, given, named, get_gradient_edge(out)))

        handles = [module.register_forward_hook(note, with_kwargs=True) for module in self._factors]
        try:
            yield calls
        finally:
            for handle in handles:
                handle.remove()

    @torch.no_grad()
    def uses(self, calls: Sequence[Call], gradients: Sequence[Tensor | None], documents: int) -> dict[str, list[Use]]:
        """Factors of every weight that was used, for so many documents that were read together."""
        found: dict[str, list[Use]] = defaultdict(list)
        for call, gradient in zip(calls, gradients, strict=True):
            if gradient is not None:
                for word, use in self._factors[call.module](call, gradient, documents).items():
                    if (name := self._names.get(id(getattr(call.module, word)))) is not None:
                        found[name].append(use)
        return {name: joined(uses, self._sizes[name]) for name, uses in found.items()}


def _factors_of(module: nn.Module, name: str, own: Mapping[str, Tensor]) -> Factors:
    if isinstance(module, nn.Linear) and type(module).forward is nn.Linear.forward:
        return _linear
    if isinstance(module, Conv1D) and type(module).forward is Conv1D.forward:
        return _transposed
    if isinstance(module, nn.Embedding) and module.max_norm is None and not module.scale_grad_by_freq:
        return _embedding
    numbers = sum(one.numel() for one in own.values())
    if next(module.children(), None) is None and numbers <= FEW:
        return _small
    raise UnknownWeightsError(
        f"{name or 'the model itself'} ({type(module).__name__}) has {numbers} weights of no known use"
    )


def _given(call: Call) -> Tensor:
    """What a call was given, its only argument."""
    (given,) = (*call.given, *call.named.values())
    assert isinstance(given, Tensor)
    return given.detach()


def _by_document(tensor: Tensor, documents: int) -> Tensor:
    """What belongs to tokens, shape (..., width) -> (documents, tokens, width)."""
    return tensor.reshape(documents, -1, tensor.shape[-1])


def _linear(call: Call, gradient: Tensor, documents: int) -> dict[str, Use]:
    left, right = _by_document(gradient, documents), _by_document(_given(call), documents)
    return {"weight": Outer(left, right), **_bias(call.module, left)}


def _transposed(call: Call, gradient: Tensor, documents: int) -> dict[str, Use]:
    left, right = _by_document(_given(call), documents), _by_document(gradient, documents)
    return {"weight": Outer(left, right), **_bias(call.module, right)}


def _bias(module: nn.Module, gradient: Tensor) -> dict[str, Use]:
    return {} if module.bias is None else {"bias": Direct(gradient.sum(1))}


def _embedding(call: Call, gradient: Tensor, documents: int) -> dict[str, Use]:
    """Which rows are looked up, and by what they are multiplied, is seen with weights that say their row's number."""
    module = call.module
    assert isinstance(module, nn.Embedding)
    right = _by_document(gradient, documents)
    if type(module).forward is nn.Embedding.forward:
        ids = _given(call).reshape(documents, -1)
    else:
        numbers = torch.arange(module.num_embeddings, device=gradient.device)
        telling = torch.stack([torch.ones_like(numbers), numbers], 1).to(gradient.dtype)
        told = functional_call(module, {"weight": telling}, call.given, dict(call.named))
        scale = told[..., :1]
        ids = (told[..., 1:] / scale).round().long().reshape(documents, -1)
        right = right * scale.reshape(documents, -1, 1)
    if module.padding_idx is not None:
        right = right * (ids != module.padding_idx)[..., None]
    return {"weight": Picked(ids, right)}


def _small(call: Call, gradient: Tensor, documents: int) -> dict[str, Use]:
    """The gradient of each document by a module's own few weights."""
    module = call.module
    weights = {word: one.detach() for word, one in module.named_parameters(recurse=False)}
    tensors = {at: one.detach() for at, one in enumerate(call.given) if isinstance(one, Tensor)}
    words = {word: one.detach() for word, one in call.named.items() if isinstance(one, Tensor)}

    def of_one(tensors: dict[int, Tensor], words: dict[str, Tensor], gradient: Tensor) -> dict[str, Tensor]:
        given = tuple(tensors.get(at, one) for at, one in enumerate(call.given))

        def forward(weights: dict[str, Tensor]) -> Tensor:
            out: Tensor = functional_call(module, weights, given, {**call.named, **words})
            return out

        (found,) = vjp(forward, weights)[1](gradient)
        return found  # type: ignore[no-any-return]

    if documents == 1:
        found = {word: one[None] for word, one in of_one(tensors, words, gradient).items()}
    else:

        def apart(one: Tensor) -> Tensor:
            return one.reshape(documents, -1, *one.shape[1:])

        parts = {at: apart(one) for at, one in tensors.items()}, {word: apart(one) for word, one in words.items()}
        found = vmap(of_one)(*parts, apart(gradient))
    return {word: Direct(one.flatten(1)) for word, one in found.items()}
