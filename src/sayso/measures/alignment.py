"""How far gradients point the same way: the metrics of section 5.1 and appendix F, over pairs of documents.

E_D[rho] = mean over definitions i of D of the mean over their questions j of rho(grad(def_i), grad(question_ij))
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sayso.core.learner import GradientProducts

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

COSINE, INNER_PRODUCT, DISTANCE = "cosine", "inner product", "squared distance"


def metrics(found: GradientProducts) -> dict[str, Floats]:
    """Inner product, cosine and squared L2 distance of every pair, each of the shape of the products.

    NaN where a product was not asked for; a cosine also where a gradient is zero.
    """
    rows, columns = found.rows.l2[:, None], found.columns.l2[None]
    scale = rows * columns
    cosine = np.divide(found.products, scale, out=np.full_like(found.products, np.nan), where=scale > 0)
    return {
        COSINE: cosine,
        INNER_PRODUCT: found.products,
        DISTANCE: np.maximum(rows**2 + columns**2 - 2 * found.products, 0.0),
    }


def by_layer(found: GradientProducts) -> Mapping[str, dict[str, Floats]]:
    """What each layer adds to inner product and cosine of every pair; they sum up to those of all weights."""
    scale = found.rows.l2[:, None] * found.columns.l2[None]
    return {
        layer: {
            COSINE: np.divide(part, scale, out=np.full_like(part, np.nan), where=scale > 0),
            INNER_PRODUCT: part,
        }
        for layer, part in found.parts.items()
    }


def mean_of_rows(values: Floats, chosen: Mask) -> Floats:
    """Mean of the chosen pairs of each row, shape (rows,); NaN where none is chosen, or one of them is NaN."""
    counts = chosen.sum(1)
    total = np.where(chosen, values, 0.0).sum(1)
    means: Floats = np.divide(total, counts, out=np.full(len(values), np.nan), where=counts > 0)
    return means


def mean(values: Floats) -> float:
    """Mean of those that are numbers; NaN where none is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")


def covariance_trace(squared_norms: Floats, sum_squared: float) -> float:
    """Trace of the covariance of gradients: appendix F's mean of squared distances over all pairs, halved.

    Parameters
    ----------
    squared_norms
        Of each gradient, shape (documents,).
    sum_squared
        The squared norm of their sum.
    """
    count = len(squared_norms)
    if not count:
        return float("nan")
    return max(float(squared_norms.mean()) - sum_squared / count**2, 0.0)


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation, ties sharing their mean rank; NaN with fewer than 3 pairs, or one value only."""
    there = ~(np.isnan(first) | np.isnan(second))
    one, other = _ranks(first[there]), _ranks(second[there])
    if len(one) < 3 or not one.any() or not other.any():
        return float("nan")
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def rounded(value: float) -> float | None:
    """Six significant digits, as details are kept; None for NaN."""
    return None if np.isnan(value) else float(f"{value:.6g}")


def _ranks(values: Floats) -> Floats:
    """Ranks around 0, of equal values the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[place]
    return ranks - ranks.mean() if len(ranks) else ranks
