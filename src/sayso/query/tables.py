"""What jobs that have finished hold, as Arrow tables, a piece at a time: the tables of which an index is made."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from sayso.core.columns import NUMBERS, Columns
from sayso.core.job_folder import JobFolder
from sayso.core.ledger import Contribution
from sayso.core.predictions import OF_EACH, PREDICTIONS, Answered, predictions
from sayso.core.records import COLUMNS
from sayso.core.spec import canonical_json
from sayso.runs.status import statuses

#: Rows of a piece, about; a job is in one piece.
ROWS = 100_000

_TEXT = pa.dictionary(pa.int32(), pa.string())
_LEDGER_TYPES = (pa.int64(), _TEXT, pa.int64(), _TEXT, _TEXT, _TEXT, *(pa.int64(),) * 3, *(pa.float64(),) * 2)
_ANSWERED_TYPES = {
    **{"seed": pa.int64(), "stage2_seed": pa.int64(), "answers": pa.list_(pa.string()), "match": pa.bool_()},
    **{"f1": pa.float64(), "loss": pa.float64(), "prompt": pa.string(), "said": pa.string()},
}
_ANSWERED = tuple(field.name for field in fields(Answered))
_SPEEDS = ("seconds", "tokens_a_second", "share_of_matrix_peak")

#: Columns of each table.
SCHEMAS = {
    "jobs": pa.schema(
        {
            **{"job": pa.string(), "cell": _TEXT, "seeds": pa.list_(pa.int64()), "state": _TEXT},
            **{"epochs_done": pa.int64(), "epochs": pa.int64()},
            **{"started": pa.timestamp("s"), "finished": pa.timestamp("s")},
            **{"measured_later": pa.list_(pa.string()), "tokens": pa.int64(), **dict.fromkeys(_SPEEDS, pa.float64())},
            **dict.fromkeys(("device", "git_commit", "digest", "data_sha256", "model_sha256"), _TEXT),
            **dict.fromkeys(("versions", "as_read"), pa.map_(pa.string(), pa.string())),
            **{"went_on": pa.list_(pa.string()), "settings": _TEXT},
        }
    ),
    "records": pa.schema(
        {"job": _TEXT, **{name: pa.from_numpy_dtype(NUMBERS[name]) if name in NUMBERS else _TEXT for name in COLUMNS}}
    ),
    "ledger": pa.schema(
        {"job": _TEXT, "cell": _TEXT, **dict(zip((f.name for f in fields(Contribution)), _LEDGER_TYPES, strict=True))}
    ),
    "predictions": pa.schema(
        {"job": _TEXT, "cell": _TEXT, **{name: _ANSWERED_TYPES.get(name, _TEXT) for name in _ANSWERED}}
    ),
    "details": pa.schema(
        {
            **{"job": _TEXT, "cell": _TEXT, "measure": _TEXT, "seed": pa.int64(), "stage": _TEXT},
            **{"stage2_seed": pa.int64(), "content": pa.string()},
        }
    ),
}


def pieces(table: str, folders: Sequence[JobFolder]) -> Iterator[pa.Table]:
    """A table of these jobs, piece by piece.

    Raises
    ------
    SaysoError
        If a file is damaged, as readers of job folders say it.
    """
    if table == "records":
        yield from _records(folders)
        return
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMAS[table].names}
    for rows in _ROWS_OF[table](folders):
        for name, column in columns.items():
            column += rows[name]
        if len(columns["job"]) >= ROWS:
            yield pa.table(columns, schema=SCHEMAS[table])
            columns = {name: [] for name in columns}
    if columns["job"]:
        yield pa.table(columns, schema=SCHEMAS[table])


def _records(folders: Iterable[JobFolder]) -> Iterator[pa.Table]:
    columns, jobs, names = Columns(), array("i"), list[str]()
    for folder in folders:
        for own in folder.columns():
            columns.extend(own)
            jobs.extend([len(names)] * len(own[0]))
        names.append(folder.path.name)
        if len(columns) >= ROWS:
            yield _of_columns(columns, jobs, names)
            columns, jobs, names = Columns(), array("i"), []
    if len(columns):
        yield _of_columns(columns, jobs, names)


def _of_columns(columns: Columns, jobs: Sequence[int], names: Sequence[str]) -> pa.Table:
    """A table of records; a value that could not be measured is null."""
    found = [pa.DictionaryArray.from_arrays(np.array(jobs, dtype=np.int32), names)]
    for name in COLUMNS:
        if name in NUMBERS:
            found.append(pa.array(columns.numbers(name), from_pandas=True))
        else:
            found.append(pa.DictionaryArray.from_arrays(*columns.texts(name)))
    return pa.table(found, schema=SCHEMAS["records"])


_Rows = Mapping[str, Sequence[Any]]


def _jobs(folders: Sequence[JobFolder]) -> Iterator[_Rows]:
    for folder, status in zip(folders, statuses(folders), strict=True):
        manifest = folder.manifest()
        marker = folder.finish_marker() if folder.finished else {}
        training = marker.get("training", {})
        row = {
            "job": folder.path.name,
            **{"cell": manifest.cell, "seeds": list(manifest.seeds), "state": status.state},
            **{"epochs_done": status.epochs_done, "epochs": status.epochs},
            **{"started": _time(manifest.started), "finished": _time(marker.get("finished"))},
            **{"measured_later": list(folder.measured()), "tokens": training.get("tokens")},
            **{name: training.get(name) for name in _SPEEDS},
            **{"device": manifest.device, "git_commit": manifest.git_commit, "digest": manifest.digest},
            **{"data_sha256": manifest.data_sha256, "model_sha256": manifest.model},
            "versions": list(manifest.versions.items()),
            "as_read": [(name, str(value)) for name, value in manifest.as_read.items()],
            **{"went_on": list(manifest.resumed), "settings": canonical_json(manifest.experiment)},
        }
        yield {name: [value] for name, value in row.items()}


def _ledger(folders: Sequence[JobFolder]) -> Iterator[_Rows]:
    names = SCHEMAS["ledger"].names[2:]
    for folder in folders:
        if found := folder.ledger():
            own = {name: [getattr(each, name) for each in found] for name in names}
            yield {**_of(folder, len(found)), **own}


def _predictions(folders: Sequence[JobFolder]) -> Iterator[_Rows]:
    for folder in folders:
        for each in predictions(folder):
            count = len(each.said)
            own = {n: getattr(each, n) if n in OF_EACH else [getattr(each, n)] * count for n in _ANSWERED}
            yield {**_of(folder, count), **own}


def _details(folders: Sequence[JobFolder]) -> Iterator[_Rows]:
    for folder in folders:
        for path in folder.kept():
            for row in folder.read_kept(path):
                seed, stage, deal = row.pop("seed"), row.pop("stage"), row.pop("stage2_seed")
                label = f"{stage}-{deal}" if deal else stage
                measure = path.name.removesuffix(f"-{label}.jsonl.gz")
                if measure == PREDICTIONS:
                    break
                yield {
                    **_of(folder, 1),
                    **{"measure": [measure], "seed": [seed], "stage": [stage], "stage2_seed": [deal]},
                    "content": [json.dumps(row, ensure_ascii=False)],
                }


_ROWS_OF: dict[str, Callable[[Sequence[JobFolder]], Iterator[_Rows]]] = {
    "jobs": _jobs,
    "ledger": _ledger,
    "predictions": _predictions,
    "details": _details,
}


def _of(folder: JobFolder, count: int) -> dict[str, list[str]]:
    return {"job": [folder.path.name] * count, "cell": [folder.manifest().cell] * count}


def _time(text: object) -> datetime | None:
    """A time in UTC, without its zone; None where none was written."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return None
