"""Gradients of many documents at once, of models so small that a pass costs more than what it computes.

Documents of one kind (of one length, say) are read together, each with a gradient of its own (``vmap`` of ``grad``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

from torch import Tensor

from sayso.learners.gradients.whole import Read, Take, WholeGradients

#: Makes the gradients of documents of one kind, by position: for each weight one of shape (documents, ...).
Gradients = Callable[[Sequence[int]], Mapping[str, Tensor]]


def side_by_side(
    gradients: Gradients,
    kinds: Sequence[Hashable],
    parameters: Mapping[str, Tensor],
    held: int,
    most: int | None = None,
) -> WholeGradients:
    """Compare gradients that are made many at a time.

    `kinds`: of each document; only those of one kind are read together. `held`, `most`: see `WholeGradients`.
    """
    return WholeGradients("side by side", by_kind(gradients, kinds), parameters, held, most)


def by_kind(gradients: Gradients, kinds: Sequence[Hashable]) -> Read:
    """Read documents, those of one kind together."""

    def read(documents: Sequence[int], take: Take) -> None:
        places: dict[Hashable, list[int]] = defaultdict(list)
        for place, document in enumerate(documents):
            places[kinds[document]].append(place)
        for own in places.values():
            for name, gradient in gradients([documents[place] for place in own]).items():
                take(own, name, gradient)

    return read
