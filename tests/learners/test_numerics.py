"""How a process computes is what its experiment asks for, from before it computes anything."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from sayso.learners.numerics import WORKSPACE, Numerics


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    of_convolutions: Any = torch.backends.cudnn
    convolutions = of_convolutions.conv.fp32_precision
    products = torch.backends.cuda.matmul.fp32_precision
    monkeypatch.delenv(WORKSPACE, raising=False)
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cuda.matmul.fp32_precision = products
    of_convolutions.conv.fp32_precision = convolutions


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("tf32", [True, False])
def test_what_is_set_up_is_how_it_computes(deterministic, tf32, monkeypatch):
    Numerics(deterministic, tf32).set_up()
    assert Numerics.now() == Numerics(deterministic, tf32)
    assert (WORKSPACE in os.environ) == deterministic
    of_convolutions: Any = torch.backends.cudnn
    assert of_convolutions.conv.fp32_precision == ("tf32" if tf32 else "ieee")
    monkeypatch.delenv(WORKSPACE, raising=False)


def test_a_workspace_of_ones_own_stays(monkeypatch):
    monkeypatch.setenv(WORKSPACE, ":16:8")
    Numerics(deterministic=True).set_up()
    assert os.environ[WORKSPACE] == ":16:8"


def test_what_cannot_be_done_in_one_order_is_refused():
    Numerics(deterministic=True).set_up()
    with pytest.raises(RuntimeError, match="deterministic"):
        torch.nn.functional.max_unpool1d(torch.ones(1, 1, 2), torch.tensor([[[0, 2]]]), [2])
