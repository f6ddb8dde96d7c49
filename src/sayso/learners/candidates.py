"""Candidate answers of examples as documents of their own, each text once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sayso.core.examples import Example
from sayso.core.learner import Candidates
from sayso.learners.encoding import Document


@dataclass(frozen=True)
class Written:
    """Candidates as `examples`, each text once; `places`: which of these are each example's candidates."""

    examples: list[Example]
    places: list[NDArray[np.int64]]

    def choices(self, values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The values of each example's candidates, of values of `examples`."""
        return [values[own] for own in self.places]


def written(examples: Sequence[Example], candidates: Candidates) -> Written:
    """Write each candidate where the first accepted answer of its example stands, without what follows that."""
    found: dict[tuple[str, str], int] = {}
    texts: list[Example] = []
    places = []
    for example, own in zip(examples, candidates, strict=True):
        before = example.completion.partition(example.answers[0])[0]
        rows = []
        for candidate in own:
            completion = before + candidate
            key = (example.prompt, completion)
            if key not in found:
                found[key] = len(texts)
                texts.append(replace(example, completion=completion, answers=(candidate,)))
            rows.append(found[key])
        places.append(np.array(rows, dtype=np.int64))
    return Written(texts, places)


def total(loss: NDArray[np.float64], documents: Sequence[Document]) -> NDArray[np.float64]:
    """Log-probabilities of completions in nats, given their mean losses a token."""
    found: NDArray[np.float64] = -loss * np.array([len(item.ids) - item.start for item in documents])
    return found
