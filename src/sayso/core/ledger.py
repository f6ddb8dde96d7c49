"""What each part of the data contributed to training, one line a seed, stage, subset and kind of document."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one kind of document of one subset contributed to a stage of one seed, all epochs together.

    Parameters
    ----------
    seed
        The seed.
    stage
        Name of the stage.
    stage2_seed
        Which deal of X2, from 0 on.
    part
        Part of the corpus: ``world``, ``X1``, ``X2``; what is replayed is among them.
    subset
        Name of the subset.
    kind
        As of `Example`.
    documents
        How many were trained on, each as often as it was.
    tokens
        How many of their tokens were read, a picture being one.
    counted
        How many of these count in the loss (of a picture: cells).
    share
        Their weight in the loss that is stepped on, the mean over updates of counted tokens of theirs over all counted
        tokens of the batch; the shares of a seed and stage sum to 1.
    place
        The mean of where in the epoch they came, from 0 to 1.
    """

    seed: int
    stage: str
    stage2_seed: int
    part: str
    subset: str
    kind: str
    documents: int
    tokens: int
    counted: int
    share: float
    place: float


CONTRIBUTION_COLUMNS = tuple(field.name for field in fields(Contribution))
_TYPES = (int, str, int, str, str, str, int, int, int, float, float)


def to_lines(contributions: Iterable[Contribution]) -> str:
    """Lines of a ledger: values in the order of `CONTRIBUTION_COLUMNS`."""
    return "".join(json.dumps(astuple(each), ensure_ascii=False) + "\n" for each in contributions)


def from_lines(text: str) -> list[Contribution]:
    """Read lines back.

    Raises
    ------
    ValueError
        If one is cut off or no contribution.
    """
    return [_from_line(line) for line in text.splitlines()]


def _from_line(line: str) -> Contribution:
    values = json.loads(line)
    if not isinstance(values, list) or len(values) != len(_TYPES) or not all(map(isinstance, values, _TYPES)):
        raise ValueError("not a contribution")
    return Contribution(*values)
