"""The loss of an output layer and its gradients are torch's own, and logits of few places are there at once."""

import numpy as np
import pytest
import torch
from torch import nn

from sayso.learners.cross_entropy import Targets, is_plain, said

PLACES, WIDTH, WORDS = 11, 8, 23


def targets(most: int, seed: int = 0) -> Targets:
    draw = np.random.default_rng(seed)
    places = np.sort(draw.integers(PLACES, size=17))  # several targets of one place, and places of none
    right = torch.as_tensor(draw.integers(WORDS, size=17))
    return Targets(right, torch.as_tensor(places), places, most)


def head_and_hidden(*, bias: bool, seed: int = 0) -> tuple[nn.Linear, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    head = nn.Linear(WIDTH, WORDS, bias=bias)
    with torch.no_grad():
        for each in head.parameters():
            each.copy_(torch.randn(each.shape, generator=generator))
    return head, torch.randn(PLACES, WIDTH, generator=generator).requires_grad_()


def torchs_own(head: nn.Module, hidden: torch.Tensor, wanted: Targets) -> torch.Tensor:
    return nn.functional.cross_entropy(head(hidden)[wanted.where].float(), wanted.right, reduction="sum")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("most", [1, 4, 11, 100])
def test_losses_and_gradients_are_torchs_own(bias, most):
    head, hidden = head_and_hidden(bias=bias)
    wanted = targets(most)
    found, right = said(head, hidden, wanted), torchs_own(head, hidden, wanted)
    assert found.item() == pytest.approx(right.item(), rel=1e-6)
    inputs = [hidden, *head.parameters()]
    ours, theirs = (torch.autograd.grad(each / 7, inputs) for each in (found, right))
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-6)


def test_only_what_is_trained_has_a_gradient():
    head, hidden = head_and_hidden(bias=True)
    head.requires_grad_(False)
    (found,) = torch.autograd.grad(said(head, hidden, targets(4)), [hidden])
    (right,) = torch.autograd.grad(torchs_own(head, hidden, targets(4)), [hidden])
    assert torch.allclose(found, right, rtol=1e-5, atol=1e-6)
    assert not said(head, hidden.detach(), targets(4)).requires_grad


def test_going_back_twice_gives_the_same_twice():
    head, hidden = head_and_hidden(bias=False)
    loss = said(head, hidden, targets(4))
    first = torch.autograd.grad(loss, [hidden], retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(loss, [hidden])[0])


def test_half_precision_is_that_of_autocast():
    head, hidden = head_and_hidden(bias=True)
    with torch.autocast("cpu", torch.bfloat16):
        found, right = said(head, hidden, targets(100)), torchs_own(head, hidden, targets(100))
    assert found.item() == pytest.approx(right.item(), rel=1e-6)
    for one, other in zip(
        torch.autograd.grad(found, [hidden, head.weight]),
        torch.autograd.grad(right, [hidden, head.weight]),
        strict=True,
    ):
        assert one.dtype == other.dtype == torch.float32
        assert float((one - other).norm() / other.norm()) < 0.01


def test_logits_of_few_places_are_there_at_once(monkeypatch):
    head, hidden = head_and_hidden(bias=False)
    sizes = []
    linear = nn.functional.linear

    def noted(given, *more):
        sizes.append(len(given))
        return linear(given, *more)

    monkeypatch.setattr(nn.functional, "linear", noted)
    torch.autograd.backward(said(head, hidden, targets(4)))
    assert sizes == [4, 4, 3]


def test_a_layer_of_another_kind_or_that_is_listened_to_is_called():
    head, hidden = head_and_hidden(bias=True)
    calls = []
    with head.register_forward_hook(lambda *_: calls.append(1)):
        assert not is_plain(head)
        found = said(head, hidden, targets(4))
    assert calls == [1]
    assert is_plain(head)
    assert found.item() == pytest.approx(said(head, hidden, targets(4)).item(), rel=1e-6)
    assert not is_plain(nn.Sequential(head))
    assert said(nn.Sequential(head), hidden, targets(4)).item() == pytest.approx(found.item(), rel=1e-6)
