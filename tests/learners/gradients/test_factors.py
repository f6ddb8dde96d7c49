"""Inner products of factors against those of the gradients they make."""

import itertools

import pytest
import torch

from sayso.learners.gradients import factors
from sayso.learners.gradients.factors import Direct, Outer, Picked, Use, inner, joined, whole

ROWS, WIDTH = 40, 30
SIZE = torch.Size((ROWS, WIDTH))


def drawn(kind: str, documents: int, tokens: int, seed: int) -> Use:
    draw = torch.Generator().manual_seed(seed)
    right = torch.randn(documents, tokens, WIDTH, generator=draw, dtype=torch.float64)
    if kind == "outer":
        return Outer(torch.randn(documents, tokens, ROWS, generator=draw, dtype=torch.float64), right)
    if kind == "picked":
        return Picked(torch.randint(5, (documents, tokens), generator=draw), right)
    return Direct(torch.randn(documents, ROWS * WIDTH, generator=draw, dtype=torch.float64))


def gradient(use: Use) -> torch.Tensor:
    """Plainly, token by token."""
    if isinstance(use, Direct):
        return use.gradient.view(-1, *SIZE)
    result = torch.zeros(len(use.right), *SIZE, dtype=torch.float64)
    for document, token in itertools.product(*map(range, use.right.shape[:2])):
        if isinstance(use, Picked):
            result[document, use.ids[document, token]] += use.right[document, token]
        else:
            result[document] += torch.outer(use.left[document, token], use.right[document, token])
    return result


@pytest.mark.parametrize("block", [1, 2000, 2**24])
@pytest.mark.parametrize(
    "many", [("outer",), ("picked",), ("outer", "picked"), ("outer", "outer"), ("direct", "outer")]
)
@pytest.mark.parametrize("others", [("outer",), ("picked", "picked", "outer")])
def test_products_are_those_of_the_gradients(block, many, others, monkeypatch):
    monkeypatch.setattr(factors, "BLOCK", block)
    one = [drawn(kind, 3, 2, seed) for seed, kind in enumerate(many)]
    other = [drawn(kind, 4, 5, 10 + seed) for seed, kind in enumerate(others)]
    left, right = (torch.stack([gradient(use) for use in own]).sum(0) for own in (one, other))
    expected = torch.einsum("iab,jab->ij", left, right)
    torch.testing.assert_close(inner(one, other, SIZE), expected)
    torch.testing.assert_close(inner(joined(one, SIZE), joined(other, SIZE), SIZE), expected)
    torch.testing.assert_close(torch.cat([part for _, part in whole(one, SIZE)]), left)


def test_factors_that_are_more_numbers_than_a_gradient_are_multiplied_out():
    few, many = drawn("outer", 2, 17, 0), drawn("outer", 2, 18, 0)  # 17 * 70 < 1200 <= 18 * 70
    assert isinstance(joined([few], SIZE)[0], Outer)
    assert isinstance(joined([many], SIZE)[0], Direct)
    assert isinstance(joined([few, few], SIZE)[0], Direct)
