"""Gradients made one by one, against closed forms; and what is left behind."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sayso.learners.gradients.contraction import contraction
from sayso.learners.gradients.pairs import compared

WEIGHTS, DOCUMENTS = 12, 5
DRAW = np.random.default_rng(0)
X, W = DRAW.normal(size=(DOCUMENTS, WEIGHTS)).astype(np.float32), DRAW.normal(size=WEIGHTS).astype(np.float32)
ALL = np.arange(DOCUMENTS)


def linear() -> tuple[dict[str, Tensor], Callable[[int], Tensor]]:
    """The loss (w.x)^2 / 2 has the gradient (w.x) x by w; b's is a constant; nothing depends on the last weight."""
    weight, bias = torch.tensor(W).view(3, 4).requires_grad_(), torch.zeros(2, requires_grad=True)

    def loss(row: int) -> Tensor:
        return (weight.flatten() @ torch.tensor(X[row])) ** 2 / 2 + (row * bias).sum()

    return {"layers.0.weight": weight, "bias": bias, "emb": torch.ones(5, requires_grad=True)}, loss


@pytest.mark.parametrize("held", [1, 40, 60, 10_000])
def test_a_linear_model_has_its_closed_form(held):
    parameters, loss = linear()
    wanted = DRAW.random((3, DOCUMENTS)) < 0.7
    found = compared(contraction(loss, parameters, held), DOCUMENTS, ALL[:3], ALL, wanted, by_layer=True)
    by_weight, by_bias = (X.astype(float) @ W)[:, None] * X, np.arange(5.0)[:, None].repeat(2, 1)
    exact = np.concatenate([by_weight, by_bias], axis=1)
    np.testing.assert_allclose(found.products[wanted], (exact[:3] @ exact.T)[wanted], rtol=1e-5)
    assert np.isnan(found.products[~wanted]).all()
    assert list(found.parts) == ["layer 1", "output", "embeddings"]
    np.testing.assert_allclose(found.parts["layer 1"][wanted], (by_weight[:3] @ by_weight.T)[wanted], rtol=1e-5)
    np.testing.assert_allclose(found.columns.l1, abs(exact).sum(1), rtol=1e-6)
    np.testing.assert_allclose(found.rows.l2, np.linalg.norm(exact[:3], axis=1), rtol=1e-6)
    np.testing.assert_allclose(found.columns.linf, abs(exact).max(1), rtol=1e-6)
    whole = np.concatenate([exact[:3], exact])  # the first three are rows and columns
    assert found.sum_squared == pytest.approx((whole.sum(0) ** 2).sum(), rel=1e-6)
    trace = ((whole - whole.mean(0)) ** 2).sum() / len(whole)
    squares = (found.rows.l2**2).sum() + (found.columns.l2**2).sum()
    assert squares / len(whole) - found.sum_squared / len(whole) ** 2 == pytest.approx(trace, rel=1e-5)


def test_only_columns_that_are_wanted_are_read_again():
    parameters, loss = linear()
    read: list[int] = []

    def counted(row: int) -> Tensor:
        read.append(row)
        return loss(row)

    wanted = np.zeros((2, DOCUMENTS), dtype=bool)
    wanted[0, 3] = wanted[1, 4] = True
    compared(contraction(counted, parameters, 1), DOCUMENTS, ALL[:2], ALL, wanted, by_layer=False)
    assert read == [0, 3, 1, 4, 2]


def test_sums_are_exact_where_float32_would_lose_them():
    weight = torch.ones(100_000, requires_grad=True)
    scale = [1.0, 1e-5]
    way = contraction(lambda row: (weight * scale[row]).sum(), {"w": weight}, 10**6)
    both = np.arange(2)
    found = compared(way, 2, both, both, np.ones((2, 2), dtype=bool), by_layer=False)
    assert found.products[0, 0] == 100_000
    one_by_one = np.cumsum(np.full(100_000, 1e-5, dtype=np.float32))[-1]
    assert abs(one_by_one - 1) > 3e-4
    assert found.products[0, 1] == pytest.approx(1.0, rel=2e-5)  # processors differ in how they add up a part
    assert found.rows.l1[1] == pytest.approx(1.0, rel=1e-6)
    assert found.sum_squared == pytest.approx(100_000 * (2 + 2e-5) ** 2, rel=1e-9)


@pytest.mark.parametrize("held", [1, 10_000])
def test_nothing_is_left_behind_even_by_an_error(held):
    parameters, loss = linear()
    kept = [torch.full_like(tensor, 3) for tensor in parameters.values()]
    for tensor, gradient in zip(parameters.values(), kept, strict=True):
        tensor.grad = gradient

    def fails(row: int) -> Tensor:
        if row == 3:
            raise KeyError(row)
        return loss(row)

    wanted = np.ones((2, DOCUMENTS), dtype=bool)
    with pytest.raises(KeyError):
        compared(contraction(fails, parameters, held), DOCUMENTS, ALL[:2], ALL, wanted, by_layer=False)
    for tensor, gradient in zip(parameters.values(), kept, strict=True):
        assert tensor.grad is gradient
        assert bool((gradient == 3).all())
        assert not tensor._post_accumulate_grad_hooks


def test_no_rows_or_no_columns_give_empty_products_and_all_norms():
    parameters, loss = linear()
    way = contraction(loss, parameters, 10_000)
    found = compared(way, 2, ALL[:0], ALL[:2], np.ones((0, 2), dtype=bool), by_layer=False)
    assert found.products.shape == (0, 2)
    assert found.rows.l1.shape == (0,)
    assert (found.columns.l2 > 0).all()
    found = compared(way, 0, ALL[:0], ALL[:0], np.ones((0, 0), dtype=bool), by_layer=True)
    assert found.parts["layer 1"].shape == (0, 0)
    assert found.sum_squared == 0
