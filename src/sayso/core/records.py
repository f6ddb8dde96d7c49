"""Records, and what a job says of itself. Records appear in one order and hold no times: same job, same bytes."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, astuple, dataclass, field, fields
from typing import Any

from pydantic_core import from_json


@dataclass(frozen=True, slots=True)
class Record:
    """One number: a measure of one seed, on one subset of an evaluation set, after an epoch.

    Parameters
    ----------
    experiment
        Name of the experiment.
    cell
        Name of the cell, ``main`` where nothing varies.
    seed
        The seed.
    stage
        Name of the stage.
    epoch
        How many epochs of it were done; 0 is the state it starts from.
    measure
        Name of the measure.
    eval_set
        Name of the evaluation set.
    subset
        Name of the subset.
    value
        The number, in the measure's unit; NaN (null in the file) where it could not be measured.
    n
        Over how many examples.
    stage2_seed
        Numbers the times X2 was dealt anew within the seed, from 0 on.
    what
        Tells several numbers of one measure apart: a metric, a layer, a position.
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
#: What the last columns are where a line leaves them out.
_LEFT_OUT = [column.default for column in fields(Record) if column.default is not MISSING]


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
    values = _whole(json.loads(line))
    values[_VALUE] = _number(values[_VALUE])
    return Record(*values)


def columns_of(content: bytes) -> list[tuple[Any, ...]]:
    """The records of a file, column by column in the order of `COLUMNS`; a tenth of the time of line by line.

    Raises
    ------
    ValueError
        If a line is cut off or no record.
    """
    rows: list[Any] = from_json(b"[%b]" % content.rstrip(b"\n").replace(b"\n", b","))
    if len(rows) != content.count(b"\n"):
        raise ValueError("not a record a line")
    columns: list[tuple[Any, ...]]
    if set(map(type, rows)) == {list} and set(map(len, rows)) == {len(COLUMNS) - 1}:  # nothing in the last column
        columns = [*zip(*rows, strict=True), (_LEFT_OUT[-1],) * len(rows)]
    else:
        columns = list(zip(*map(_whole, rows), strict=True)) or [()] * len(COLUMNS)
    if not set(map(type, columns[_VALUE])) <= {float}:
        columns[_VALUE] = tuple(map(_number, columns[_VALUE]))
    return columns


def _whole(values: Any) -> list[Any]:
    """Values of a line with those that it leaves out."""
    left_out = len(COLUMNS) - len(values) if isinstance(values, list) else -1
    if not 0 <= left_out <= len(_LEFT_OUT):
        raise ValueError("not a record")
    return [*values, *_LEFT_OUT[len(_LEFT_OUT) - left_out :]]


def _number(value: Any) -> float:
    """A value as it was, NaN where nothing could be measured."""
    try:
        return math.nan if value is None else float(value)
    except TypeError as error:
        raise ValueError("not a record") from error


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
