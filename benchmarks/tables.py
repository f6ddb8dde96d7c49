"""Reading tables of 10, 5,000 and 1,000,000 rows, and checking them, against pandas.read_csv of the same file."""

from __future__ import annotations

import csv
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.alone import peak_megabytes, run_alone

ROWS = (10, 5_000, 1_000_000)
COLUMNS = ("name", "born", "died", "place", "occupation", "country", "gender")
SYLLABLES = ("ma", "ri", "jo", "an", "pe", "tro", "lu", "is", "el", "sa", "ka", "ren")


def main() -> None:
    """Write such tables as CSV, JSONL and Parquet, then read each in a process of its own."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        for rows in ROWS:
            file = Path(folder) / f"{rows}.csv"
            _write(file, rows)
            frame = pd.read_csv(file)
            frame.to_json(file.with_suffix(".jsonl"), orient="records", lines=True)
            frame.to_parquet(file.with_suffix(".parquet"))
            del frame
            for name, end in (("pandas", ".csv"), ("sayso", ".csv"), ("sayso", ".jsonl"), ("sayso", ".parquet")):
                run_alone("tables", name, str(file.with_suffix(end)))


def ours(file: str) -> str:
    """Read a table and check it."""
    from sayso.data.check import check
    from sayso.data.tables.table import Table
    from sayso.paper.table import EXPERIMENTS

    start, cpu = time.perf_counter(), time.process_time()
    table = Table(file=file)
    taken = table.taken()
    read = time.perf_counter() - start
    check(table, EXPERIMENTS["paper-main"])
    both, cpu = time.perf_counter() - start, time.process_time() - cpu
    timed = f"read {read:6.2f} s, checked as well {both:6.2f} s (CPU {cpu:.2f} s)"
    return f"{taken.rows:>9,} rows {taken.kind:8} {timed}"


def peers(file: str) -> str:
    """Read it with pandas."""
    import pandas as pd

    start = time.perf_counter()
    frame = pd.read_csv(file)
    return f"{len(frame):>9,} rows pandas   read {time.perf_counter() - start:6.2f} s"


def _write(file: Path, rows: int) -> None:
    """People with a year that is missing for some, several occupations for others."""
    draw = random.Random(0)  # noqa: S311 - made-up people, no secrets
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(rows):
            first, last, place = ("".join(draw.choices(SYLLABLES, k=draw.randint(2, 4))).capitalize() for _ in range(3))
            born = draw.randint(1000, 1990)
            died = f"{born + 60}.0" if draw.random() < 0.9 else ""
            job = draw.choice(("actor", "poet", "cook;baker", "king"))
            country, gender = draw.choice(("France", "Peru", "Côte d'Ivoire")), draw.choice(("male", "female"))
            writer.writerow((f"{first} {last} {number}", born, died, place, job, country, gender))


if __name__ == "__main__":
    said = {"sayso": ours, "pandas": peers}[sys.argv[1]](sys.argv[2])
    print(f"{said}, peak {peak_megabytes():,.0f} MB", flush=True)
