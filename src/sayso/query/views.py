"""DuckDB's views of results folders: records, predictions, jobs and what else is kept, of one folder or several."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import require_one_origin
from sayso.core.store import Store
from sayso.core.sweep import combinations
from sayso.query.index import Indexed, index
from sayso.query.tables import SCHEMAS, pieces

#: What there is to ask, in the order it is shown.
VIEWS = ("records", "final", "jobs", "cells", "predictions", "ledger", "details")

#: What a row of a table is of: of two jobs with the same seed the first one's counts.
_IDENTITY = {
    "records": "experiment, cell, seed, stage, epoch, measure, eval_set, subset, stage2_seed, what",
    "ledger": "cell, stage, part, subset, kind, seed, stage2_seed",
}
#: Columns that are JSON, and those that come later than they are kept.
_AS = {"jobs": "* replace (settings::json as settings)", "details": "* replace (content::json as content)"}


def connect(paths: Iterable[Path]) -> duckdb.DuckDBPyConnection:
    """Open a database in memory with `VIEWS` of results folders, whose indexes are brought up to date.

    Nothing is installed or loaded from elsewhere by it.

    Raises
    ------
    SaysoError
        If one is no results folder, is named twice, its files are damaged, or its jobs rest on different data or
        models.
    """
    stores = [Store(path) for path in paths]
    twice = Counter(str(store.path.resolve()) for store in stores)
    for path, count in twice.items():
        if count > 1:
            raise SaysoError(f"{path}: named twice; name each results folder once")
    experiments = [store.experiment() for store in stores]
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("attach ':memory:' as parts (compress)")  # where nobody who lists tables sees them
    parts: dict[str, list[str]] = {name: [] for name in SCHEMAS}
    for number, store in enumerate(stores):
        found = index(store)
        for table, selected in _of_folder(connection, number, found).items():
            parts[table].append(f"select {_text(str(store.path))} as folder, * from ({selected})")
        _require_one_origin(connection, parts["jobs"][-1], found)
    _keep(connection, "cells", [_cells(stores, experiments)])
    for table, selects in parts.items():
        joined = " union all ".join(selects)
        if table == "jobs":
            joined = f"select * from ({joined}) left join (select * exclude position from cells) using (folder, cell)"
        connection.execute(f"create view {table} as select {_AS.get(table, '*')} from ({joined})")
    connection.execute(
        "create view final as select * from records join "
        "(select folder, cell, stage, max(epoch) as epoch from records group by all) "
        "using (folder, cell, stage, epoch)"
    )
    return connection


def _of_folder(connection: duckdb.DuckDBPyConnection, number: int, found: Indexed) -> dict[str, str]:
    """Of each table of a folder how its rows are selected: out of files and memory, those that count."""
    tables = {table: _rows(connection, f"{table}_{number}", found, table) for table in SCHEMAS}
    seeds = connection.execute(f"select cell, unnest(seeds) as seed, job, seeds from ({tables['jobs']})").fetchall()
    several = Counter((cell, seed) for cell, seed, _, _ in seeds)
    if max(several.values(), default=0) > 1:
        first = {(cell, seed): job for cell, seed, job, _ in sorted(seeds, key=lambda each: (each[3], each[2]))[::-1]}
        counts = pa.table({"job": list(first.values()), "seed": [seed for _, seed in first]})
        _keep(connection, f"parts.counts_{number}", [counts])
        for table, of in _IDENTITY.items():
            tables[table] += f" qualify row_number() over (partition by {of} order by job) = 1"
        for table in ("predictions", "details"):
            tables[table] = f"select * from ({tables[table]}) semi join parts.counts_{number} using (job, seed)"
    if found.others:
        _keep(connection, f"parts.others_{number}", list(pieces("jobs", found.others)))
        tables["jobs"] += f" union all select * from parts.others_{number}"
    return tables


def _rows(connection: duckdb.DuckDBPyConnection, name: str, found: Indexed, table: str) -> str:
    selects = []
    if files := found.files[table]:
        listed = ", ".join(_text(_no_pattern(str(path))) for path in files)
        selects.append(f"select * from read_parquet([{listed}], hive_partitioning = false)")
    if found.memory[table] or not files:
        _keep(connection, f"parts.{name}", [SCHEMAS[table].empty_table(), *found.memory[table]])
        selects.append(f"select * from parts.{name}")
    return f"select * from ({' union all '.join(selects)})"


def _keep(connection: duckdb.DuckDBPyConnection, name: str, parts: Sequence[pa.Table]) -> None:
    """Hold a table in memory."""
    for number, part in enumerate(parts):
        connection.register("part", part)
        connection.execute(f"insert into {name} from part" if number else f"create table {name} as from part")
        connection.unregister("part")


def _require_one_origin(connection: duckdb.DuckDBPyConnection, jobs: str, found: Indexed) -> None:
    """As `sayso.core.identity.require_one_origin`, which reads every job, only where the index says that it would."""
    different = "select distinct settings, data_sha256, model_sha256"
    finished = f"from ({jobs}) where state = 'finished'"
    seen: dict[tuple[str, str], str] = {}
    for settings, *there in connection.execute(f"{different} {finished}").fetchall():
        written = json.loads(settings)
        for name, sha256 in zip(("knowledge", "model"), there, strict=True):
            key = (name, json.dumps(written.get(name), sort_keys=True))
            if sha256 is not None and seen.setdefault(key, sha256) != sha256:
                require_one_origin(found.finished)


def _cells(stores: Sequence[Store], experiments: Sequence[Experiment]) -> pa.Table:
    """All cells, with the settings that the axes of some folder vary."""
    paths = list(dict.fromkeys(path for experiment in experiments for path in experiment.axes))
    rows: list[dict[str, Any]] = []
    for store, experiment in zip(stores, experiments, strict=True):
        usual = experiment.settings()
        for position, (cell, settings) in enumerate(combinations(experiment)):
            own = {path: settings.get(path, usual.get(path)) for path in paths}
            rows.append({"folder": str(store.path), "cell": cell, "position": position, **own})
    columns = {name: [row[name] for row in rows] for name in ("folder", "cell", "position")}
    return pa.table({**columns, **{path: _column([row[path] for row in rows]) for path in paths}})


def _column(values: list[Any]) -> pa.Array:
    """Values of a setting: as numbers, truths or text if they all are, else as JSON."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return pa.array(values, pa.float64() if float in kinds else pa.int64())
    if kinds in ({bool}, {str}):
        return pa.array(values)
    return pa.array([None if value is None else json.dumps(value, ensure_ascii=False) for value in values], pa.string())


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def _no_pattern(path: str) -> str:
    """A path in which no character stands for others."""
    return "".join({"[": "[[]", "*": "[*]", "?": "[?]"}.get(character, character) for character in path)
