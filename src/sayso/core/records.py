"""Records, and what a job says of itself. Records appear in one order and hold no times: same job, same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One number: a measure of one seed, on one subset of an evaluation set, over `n` examples, after an epoch.

    `stage2_seed` numbers the times X2 was dealt anew within the seed, from 0 on. `what` tells several numbers of one
    measure apart (a metric, a layer, a position). Epoch 0 of a stage is the state it starts from. A value that could
    not be measured is NaN (null in the file).
    """

    experiment: str
    cell: str
    seed: int
    stage: str
    epoch: int
    measure: str
    eval_set: str
    subset: str
    value: float
    n: int
    stage2_seed: int = 0
    what: str = ""


COLUMNS = tuple(column.name for column in fields(Record))
_VALUE = COLUMNS.index("value")


@dataclass(frozen=True)
class Manifest:
    """What a job rests on: the full resolved spec, data, versions, and the code's git commit if it is a checkout.

    `model`: what training started from (`ModelSpec.identity`), None where the settings say it all. `as_read`: what was
    found when it was loaded (the type its weights are stored in, their commit) and what follows from it and from the
    machine (``max_new_tokens``, threads, the fastest precision). `resumed`: how the job went on later with other
    versions or on another device, one line each. `matrix_peak_tflops`: what matrix products reached when it began, by
    precision, in 1e12 operations a second; nothing of small models.
    """

    job: str
    cell: str
    seeds: tuple[int, ...]
    digest: str
    experiment: dict[str, Any]
    data_sha256: str
    versions: dict[str, str]
    git_commit: str | None
    device: str
    started: str
    model: str | None = None
    as_read: dict[str, str | int] = field(default_factory=dict)
    resumed: tuple[str, ...] = ()
    matrix_peak_tflops: dict[str, float] = field(default_factory=dict)


def to_line(record: Record) -> str:
    """One line of a records file: values in the order of `COLUMNS`, the last left out where there is nothing to say."""
    values = [_plain(item) for item in astuple(record)]
    return json.dumps(values if record.what else values[:-1]) + "\n"


def from_line(line: str) -> Record:
    """Read a line back.

    Raises
    ------
    ValueError
        If it is cut off or no record.
    """
    return records_of([line])[0]


def records_of(lines: Sequence[str]) -> list[Record]:
    """Read lines back, in a third of the time of one by one.

    Raises
    ------
    ValueError
        If one of them is cut off or no record.
    """
    try:
        rows = json.loads(f"[{','.join(lines)}]")
        for values in rows:
            values[_VALUE] = math.nan if values[_VALUE] is None else float(values[_VALUE])
        records = [Record(*values) for values in rows]
    except (TypeError, LookupError) as error:
        raise ValueError("not a record") from error
    if len(records) != len(lines):
        raise ValueError("not a record a line")
    return records


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
