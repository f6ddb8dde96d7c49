"""Leaving each process its part of a model, and proving on a short document that it is read and trained as before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sayso.core.errors import SaysoError
from sayso.learners.device import wide
from sayso.learners.encoding import Document
from sayso.learners.several.sharding import local, shard
from sayso.learners.several.team import Team
from sayso.learners.single.grouping import Group
from sayso.learners.single.pretrained import trained
from sayso.learners.single.proving import GRADIENT_BOUND, LOSS_BOUND
from sayso.learners.single.reader import Reader


def shard_as_proven(model: Any, reader: Reader, short: Sequence[Document], team: Team, name: str) -> None:
    """Leave this process its part of all weights; all processes do so at once.

    Raises
    ------
    SaysoError
        If the model cannot be sharded, or a document's loss or gradient is another one then.
    """
    before, square = _loss_and_gradient(model, reader, short[0])
    shard(model, reader.root, team.size, reader.device, name)
    after, part = _loss_and_gradient(model, reader, short[0])
    norm, right = np.sqrt([team.total(np.array([part]))[0], square])
    alike = abs(after - before) <= LOSS_BOUND * max(1.0, abs(before))
    if not (alike and abs(norm - right) <= GRADIENT_BOUND * right):
        raise SaysoError(
            f"model {name}: sharded, it has a loss of {after:.5g} and a gradient of norm {norm:.5g}, where it had "
            f"{before:.5g} and {right:.5g}; leave sharded out"
        )


def _loss_and_gradient(model: Any, reader: Reader, document: Document) -> tuple[float, float]:
    """A document's loss, and the squared norm of its gradient, or of the process's own part of it."""
    loss = reader.loss([document], [Group((0,))])
    torch.autograd.backward(loss)
    gradients = [local(one.grad) for one in trained(model).values() if one.grad is not None]
    square = sum(float(wide(each).square().sum()) for each in gradients)
    model.zero_grad()
    return float(loss.detach()), square
