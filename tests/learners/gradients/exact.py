"""Gradients by autograd in float64, one document after the other, and what follows from them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sayso.core.learner import GradientPairs, GradientProducts
from sayso.learners.encoding import Document


def plain_loss(model: Any, item: Document) -> torch.Tensor:
    """The mean loss of a document's counted tokens, by a plain call of the model."""
    ids = torch.as_tensor(item.ids[None])
    mask = (torch.arange(len(item.ids) - 1) < item.real)[None].long()
    given: dict[str, Any] = {"input_ids": ids[:, :-1], "attention_mask": mask}
    if len(item.context):
        given = {"input_ids": torch.as_tensor(item.context[None]), "decoder_input_ids": ids[:, :-1]}
    return torch.nn.functional.cross_entropy(model(**given).logits[0, item.first - 1 :], ids[0, item.first :])


def exact_gradients(losses: Sequence[torch.Tensor], parameters: Sequence[torch.Tensor]) -> NDArray[np.float64]:
    """Whole gradients, shape (documents, numbers)."""
    rows = []
    for loss in losses:
        found = torch.autograd.grad(loss, list(parameters), materialize_grads=True)
        rows.append(torch.cat([each.flatten() for each in found]))
    return torch.stack(rows).double().numpy()


def assert_right(
    found: GradientProducts, pairs: GradientPairs, gradients: NDArray[np.float64], tolerance: float = 1e-4
) -> None:
    """Check everything, given the exact gradients of rows and then of columns."""
    rows, columns = gradients[: len(pairs.rows)], gradients[len(pairs.rows) :]
    right = rows @ columns.T
    size = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(columns, axis=1)
    wanted = np.ones(right.shape, bool) if pairs.wanted is None else pairs.wanted
    assert (np.isnan(found.products) == ~wanted).all()
    assert (abs(found.products - right) <= tolerance * size)[wanted].all()
    for norms, own in ((found.rows, rows), (found.columns, columns)):
        np.testing.assert_allclose(norms.l1, abs(own).sum(1), rtol=tolerance)
        np.testing.assert_allclose(norms.l2, np.sqrt((own**2).sum(1)), rtol=tolerance)
        np.testing.assert_allclose(norms.linf, abs(own).max(1), rtol=tolerance)
    np.testing.assert_allclose(found.sum_squared, (gradients.sum(0) ** 2).sum(), rtol=tolerance)
    if found.parts:
        total = np.stack(list(found.parts.values())).sum(0)
        np.testing.assert_allclose(total[wanted], found.products[wanted], rtol=1e-9, atol=1e-9 * size.max(initial=0))
