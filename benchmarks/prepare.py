"""Preparing a file of the CVDB's size (2.29 million rows, 49 columns, mixed encoding): time and peak memory."""

from __future__ import annotations

import gzip
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.data.files.make import CVDB_COLUMNS, cvdb_row

from benchmarks.alone import peak_megabytes, run_alone
from sayso.data.published.cvdb_file import Encoding

ROWS = 2_290_000
#: Share of rows with a date of death and all else that counts: about half a million people pass the filters.
COMPLETE = 0.32
SYLLABLES = ("ma", "ri", "jo", "an", "pe", "tro", "lu", "is", "el", "sa", "ka", "ren", "dou", "gla", "vik", "tor")
ACCENTED = ("é", "ö", "ñ", "ü", "ê", "š", "ç")


def main() -> None:
    """Write such a file, then prepare it in a process of its own, in both encodings."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cross-verified-database.csv.gz"
        with gzip.open(file, "wb", compresslevel=3) as stream:
            stream.write((",".join(CVDB_COLUMNS) + "\n").encode())
            stream.writelines(_lines(random.Random(0)))  # noqa: S311 - made-up people, no secrets
        print(f"file      {ROWS} rows, {file.stat().st_size / 1e6:.0f} MB gzipped", flush=True)
        for encoding in ("paper", "repaired"):
            run_alone("prepare", str(file), encoding, folder)


def prepared(file: str, encoding: Encoding, folder: str) -> None:
    """Prepare it here, and print how long that took."""
    from sayso.data.published.cache import prepare_file
    from sayso.data.published.cvdb_file import recipe

    start = time.perf_counter()
    done = prepare_file(recipe(encoding), Path(file), Path(folder))
    seconds, size = time.perf_counter() - start, done.path.stat().st_size / 1e6
    print(f"{encoding:9} {seconds:6.1f} s, peak {peak_megabytes():5.0f} MB, table {size:.1f} MB")
    print(f"          {done.counts}")


def _lines(draw: random.Random) -> Iterator[bytes]:
    for number in range(ROWS):
        first, last = ("".join(draw.choices(SYLLABLES, k=draw.randint(2, 4))).capitalize() for _ in range(2))
        if draw.random() < 0.1:
            last += draw.choice(ACCENTED)
        if draw.random() < 0.05:
            last += f"_({draw.choice(SYLLABLES)})"
        birth = draw.randint(-500, 1990)
        line = cvdb_row(
            wikidata_code=f"Q{number}",
            name=f"{first}_{last}_{number % 4000}",
            birth=f"{birth}.0",
            death=f"{birth + 60}.0" if draw.random() < COMPLETE else "",
            gender="Male" if draw.random() < 0.85 else "Female",
            level3_main_occ=draw.choice(("actor", "film", "militar", "aristocrat", "football", "politician")),
            string_citizenship_raw_d=draw.choice(("'France'", "'Germany'_'US'", "'United_Kingdom'")),
            un_region=draw.choice(("Europe", "Asia", "America", "Africa", "Oceania")),
            wiki_readers_2015_2018=f"{draw.lognormvariate(9, 2):.1f}",
        )
        yield (line + "\n").encode("latin-1" if draw.random() < 0.01 else "utf-8", errors="replace")


if __name__ == "__main__":
    prepared(sys.argv[1], "repaired" if sys.argv[2] == "repaired" else "paper", sys.argv[3])
