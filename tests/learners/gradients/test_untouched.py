"""Measuring leaves weights, what is in ``.grad``, modes, hooks and chance as they were, to the bit."""

from typing import Any

import pytest
import torch

from sayso.core.learner import GradientPairs, Update
from sayso.core.training import TrainSpec
from tests.learners.gradients.test_ways import DOCUMENTS, single


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("what", ["ghost", "contracted", "steps"])
def test_a_model_is_left_as_it_was(what, fails, tmp_path, monkeypatch):
    learner = single(tmp_path, "gpt2")  # it drops at random in training
    asked = GradientPairs(DOCUMENTS[:2], DOCUMENTS[1:4])
    learner.gradient_products([[asked]], TrainSpec())  # the ways are proven
    before = {name: tensor.detach().clone() for name, tensor in learner.model.state_dict().items()}
    for tensor in learner.model.parameters():
        tensor.grad = torch.ones_like(tensor)
    learner.model.train()
    state = torch.get_rng_state()
    reader = learner.reader.apart  # which reads documents of which gradients are asked
    loss, calls = reader.loss, []

    def raises(*given: Any) -> torch.Tensor:
        calls.append(given)
        if fails and len(calls) == 4:
            raise KeyError
        return loss(*given)

    monkeypatch.setattr(reader, "loss", raises)

    def measure() -> None:
        if what == "steps":
            learner.step_effects([[Update(DOCUMENTS[0], DOCUMENTS[1:3])] * 2], TrainSpec())
        else:
            learner.gradient_products([[asked]], TrainSpec(), way=what, held=1)

    if fails:
        with pytest.raises(KeyError):
            measure()
    else:
        measure()
    assert torch.equal(state, torch.get_rng_state())
    assert all(module.training for module in learner.model.modules())
    assert not any(module._forward_hooks for module in learner.model.modules())
    assert not any(tensor._post_accumulate_grad_hooks for tensor in learner.model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.model.state_dict().items())
    assert all(bool((tensor.grad == 1).all()) for tensor in learner.model.parameters())
