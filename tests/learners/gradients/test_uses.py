"""What is listened to, and what cannot be."""

import logging
from typing import Any

import pytest
import torch
from torch import nn

from sayso.core.learner import GradientPairs
from sayso.core.training import TrainSpec
from sayso.learners.gradients.factors import whole
from sayso.learners.gradients.uses import Listeners, UnknownWeightsError
from tests.learners.gradients.test_ways import DOCUMENTS, single


class Scaled(nn.Embedding):
    """Looks up the row after the one it is asked for, and multiplies, as some models' embeddings do."""

    def forward(self, input: torch.Tensor, past: int = 0) -> torch.Tensor:  # noqa: A002
        return super().forward(input + 1 + past) * 7.0


class Net(nn.Module):
    """Every kind of use of weights, one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.scaled = nn.Embedding(9, 6, padding_idx=2), Scaled(12, 6)
        self.norm, self.fixed = nn.LayerNorm(6), nn.Linear(6, 6).requires_grad_(False)
        self.twice, self.head = nn.Linear(6, 6), nn.Linear(6, 9, bias=False)
        self.head.weight = self.plain.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.plain(ids) + self.scaled(ids, past=1))
        out: torch.Tensor = self.head(self.twice(self.fixed(self.twice(hidden)).relu_()))
        return out


@pytest.mark.parametrize("together", [[0, 1, 2], [0]])
def test_uses_make_the_gradient_of_each_document(together):
    torch.manual_seed(0)
    net = Net().double()
    parameters = {name: one for name, one in net.named_parameters() if one.requires_grad}
    listeners = Listeners(net, parameters)
    ids = torch.tensor([[1, 2, 3, 3], [4, 2, 2, 8], [0, 5, 1, 1]])[together]

    def loss(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), rows[:, 1:].flatten(), reduction="sum")

    with listeners.noting() as calls:
        total = loss(net(ids), ids)
    assert not any(module._forward_hooks for module in net.modules())
    gradients = torch.autograd.grad(total, [call.edge for call in calls], allow_unused=True)
    found = listeners.uses(calls, gradients, len(ids))
    assert found.keys() == parameters.keys()
    for at, row in enumerate(ids):
        right = torch.autograd.grad(loss(net(row[None]), row[None]), list(parameters.values()))
        for (name, own), expected in zip(parameters.items(), right, strict=True):
            made = torch.cat([part for _, part in whole(found[name], own.shape)])
            torch.testing.assert_close(made[at], expected, msg=name)


class Foreign(nn.Module):
    """Adds a weight of the model's own, which no layer owns."""

    def __init__(self, inner: nn.Module, width: int) -> None:
        super().__init__()
        self.inner, self.own = inner, nn.Parameter(0.1 * torch.randn(width))

    def forward(self, *given: Any, **named: Any) -> Any:
        return self.inner(*given, **named) + self.own


def test_a_weight_that_no_known_layer_owns_is_refused():
    net = Foreign(nn.Linear(3, 3), 3)
    with pytest.raises(UnknownWeightsError, match=r"^the model itself \(Foreign\) has 3 weights of no known use$"):
        Listeners(net, dict(net.named_parameters()))


def test_a_model_with_such_a_weight_is_read_document_by_document_and_says_so(tmp_path, caplog):
    learner = single(tmp_path, "gpt_neox")
    block = learner.model.gpt_neox.layers[0]
    block.mlp = Foreign(block.mlp, 32)
    learner._gradients._parameters = dict(learner.model.named_parameters())
    asked = GradientPairs(DOCUMENTS[:2], DOCUMENTS[2:4])
    with caplog.at_level(logging.WARNING):
        found = [learner.gradient_products([[asked]], TrainSpec())[0][0] for _ in range(2)]
    assert [each.way for each in found] == ["contracted", "contracted"]
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.endswith(
        ": its gradients are made one by one, for gpt_neox.layers.0.mlp (Foreign) has 32 weights of no known use"
    )


def test_a_model_that_goes_past_its_layers_is_found_out(tmp_path, caplog):
    learner = single(tmp_path, "gpt_neox")
    mlp = learner.model.gpt_neox.layers[0].mlp.dense_h_to_4h
    dense = learner.model.gpt_neox.layers[0].mlp.dense_4h_to_h
    dense.register_forward_hook(lambda module, given, out: out + given[0] @ mlp.weight)  # unheard of
    with caplog.at_level(logging.WARNING):
        ((found,),) = learner.gradient_products([[GradientPairs(DOCUMENTS[:1], DOCUMENTS[1:2])]], TrainSpec())
    assert found.way == "contracted"
    assert "products of what its layers are given and give back are off by" in caplog.text
