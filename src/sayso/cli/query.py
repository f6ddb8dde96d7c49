"""The command ``query``: SQL over the records of results folders."""

from __future__ import annotations

import csv as csv_files
import io
import json as json_text
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.cli import completing
from sayso.cli.folders import notice, results_of
from sayso.cli.options import examples
from sayso.core.errors import SaysoError

if TYPE_CHECKING:
    import duckdb

app = typer.Typer()

#: Most rows of a table on the terminal; files have all of them.
SHOWN = 200
#: Rows that are taken at a time.
_AT_ONCE = 10_000

WORDS = typer.Argument(
    metavar="DIR... SQL",
    help="Results folders, or their names below sayso-results, the newest if none is given; then what to ask, in "
    "quotes. Without it: what there is to ask.",
    autocompletion=completing.folders,
)


@app.command(
    epilog=examples(
        "sayso query pocket",
        "sayso query pocket \"from final where measure = 'loss' and stage = 'stage2'\"",
        'sayso query A B "from records" --parquet records.parquet',
    )
)
def query(
    words: Annotated[list[str] | None, WORDS] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all rows to a Parquet file; every record without SQL.")
    ] = None,
) -> None:
    """Ask for records, predictions and jobs of results folders in SQL.

    DuckDB answers, from an index that is kept in each folder. The column folder tells several of them apart.
    """
    if sum((csv, json, parquet is not None)) > 1:
        raise SaysoError("--csv, --json and --parquet exclude each other; choose one")
    folders, sql = _folders_and_sql(words or [])
    from sayso.results import database

    found = [results_of(folder) for folder in folders] or [results_of(None)]
    connection = database([each.path for each in found])
    for each in found:
        notice(each)
    connection.execute("set python_enable_replacements = false")  # names are views, never variables of this program
    if parquet is not None:
        rows = _to_parquet(connection, sql or "from records", parquet)
        typer.echo(f"{parquet}: {rows:,} rows")
    elif sql is None and not (csv or json):
        _show_views(connection)
    else:
        columns, rows_of = _asked(connection, sql or "from records")
        if csv:
            _print_csv(list(columns), rows_of)
        elif json:
            _print_json(columns, rows_of)
        else:
            _show(list(columns), rows_of)


def _folders_and_sql(words: Sequence[str]) -> tuple[list[Path], str | None]:
    """What is named and what is asked: the last word is SQL if it has a blank and is no folder."""
    if words and any(map(str.isspace, words[-1])) and not os.path.exists(words[-1]):
        return [Path(word) for word in words[:-1]], words[-1]
    return [Path(word) for word in words], None


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[dict[str, str], Iterator[Sequence[Any]]]:
    """Columns of what SQL gives, with their types, and its rows.

    Raises
    ------
    SaysoError
        If DuckDB cannot do what is asked, in its own words, or two columns have one name.
    """
    import duckdb

    try:
        connection.execute(sql)
        found = [(column[0], str(column[1])) for column in connection.description or []]
    except duckdb.Error as error:
        raise _in_one_line(error) from error
    columns = dict(found)
    if len(columns) < len(found):
        twice = next(name for place, (name, _) in enumerate(found) if name in dict(found[:place]))
        raise SaysoError(f"two columns are called '{twice}'; give one another name with 'as'")

    def rows() -> Iterator[Sequence[Any]]:
        try:
            while some := connection.fetchmany(_AT_ONCE):
                yield from some
        except duckdb.Error as error:
            raise _in_one_line(error) from error

    return columns, rows()


def _in_one_line(error: Exception) -> SaysoError | KeyboardInterrupt:
    """DuckDB's words, without the line of SQL below them."""
    import duckdb

    if isinstance(error, duckdb.InterruptException):
        return KeyboardInterrupt()
    return SaysoError(" ".join(str(error).partition("\n\nLINE ")[0].split()))


def _to_parquet(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> int:
    """Write what SQL gives to a file that appears whole or not at all; how many rows."""
    import duckdb

    if not path.parent.is_dir():
        raise SaysoError(f"{path}: there is no folder {path.parent}; make it, or name a file elsewhere")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        relation = connection.sql(sql)
        if relation is None:
            raise SaysoError("--parquet takes what a query gives, and this SQL gives no rows")
        relation.write_parquet(str(temporary), compression="zstd")
        temporary.replace(path)
    except duckdb.Error as error:
        raise _in_one_line(error) from error
    finally:
        temporary.unlink(missing_ok=True)
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _show_views(connection: duckdb.DuckDBPyConnection) -> None:
    """What there is to ask: each view with how many rows it has, and its columns with their types."""
    from sayso.cli import terminal
    from sayso.query.views import VIEWS

    rows = []
    for view in VIEWS:
        columns = connection.execute(f"describe {view}").fetchall()
        (count,) = connection.execute(f"select count(*) from {view}").fetchone() or (0,)  # noqa: S608
        rows.append((view, f"{count:,}", ", ".join(f"{_name(column[0])} {column[1]}" for column in columns)))
    terminal.show(terminal.plain_table(("view", "rows", "columns"), rows))


def _show(names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    from itertools import islice

    from sayso.cli import terminal

    shown = [[_readable(value) for value in row] for row in islice(rows, SHOWN)]
    terminal.show(terminal.plain_table(names, shown))
    if next(rows, None) is not None:
        typer.echo(f"the first {SHOWN} rows; --csv, --json and --parquet FILE give all of them", err=True)


def _print_csv(names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv_files.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_plain(value) for value in row])
        if text.tell() > _AT_ONCE:
            _flush(text)
    _flush(text)


def _flush(text: io.StringIO) -> None:
    typer.echo(text.getvalue(), nl=False)
    text.seek(0)
    text.truncate()


def _print_json(columns: Mapping[str, str], rows: Iterator[Sequence[Any]]) -> None:
    """A list of objects, one a line."""
    before = "[\n"
    for row in rows:
        values = {name: _of_json(value) for name, value in zip(columns, row, strict=True)}
        for name, kind in columns.items():
            if kind == "JSON" and values[name] is not None:
                values[name] = json_text.loads(values[name])
        typer.echo(before + json_text.dumps(values, ensure_ascii=False, default=str), nl=False)
        before = ",\n"
    typer.echo("[\n\n]" if before == "[\n" else "\n]")


def _name(column: str) -> str:
    """A column as SQL takes it."""
    return column if column.isidentifier() else f'"{column}"'


def _of_json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """A value of a field: lists and maps as JSON, what was not measured as nothing."""
    if isinstance(value, (list, tuple, dict)):
        return json_text.dumps(value, ensure_ascii=False, default=str)
    return "" if _of_json(value) is None else value


def _readable(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) and math.isfinite(value) else str(_plain(value))
