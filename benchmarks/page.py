"""Writing the report of 16 seeds, against what one would do by hand: pandas reads the records, Altair draws one chart.

The records are made up, as many as the experiment ``pocket`` gives. Each is timed in a process of its own, on its own
processor's time without what its imports take.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.alone import peak_megabytes, run_alone

SEEDS = 16


def main() -> None:
    """Make the results folder, then read it both ways."""
    from tests.planted import planted_records, planted_store

    import sayso
    from sayso.core.store import Store

    with tempfile.TemporaryDirectory() as folder:
        pocket = sayso.load("pocket")
        gap = {("exact_match", "validation", "D5cons"): 0.1}
        planted_store(Store(Path(folder)), pocket, planted_records(pocket, range(SEEDS), gap))
        for who in ("by hand", "sayso"):
            run_alone("page", who, folder)


def ours(folder: str) -> str:
    """Write the report with all its charts and their files."""
    from sayso.results import Results

    for module in ("sayso.paper.judging", "sayso.report.page"):
        importlib.import_module(module)
    begun = time.process_time()
    page = Results(folder).report()
    taken = time.process_time() - begun
    charts = len(list((page.parent / "charts").glob("*.svg")))
    return f"sayso    {taken:6.2f} s, {page.stat().st_size / 1e6:.2f} MB, {charts} charts, as SVG, PNG and CSV as well"


def peers(folder: str) -> str:
    """Draw one chart of means over seeds into a page that opens from the disk."""
    import altair as alt
    import pandas as pd

    begun = time.process_time()
    lines = [line for file in Path(folder).glob("jobs/*/records.jsonl") for line in file.read_text().splitlines()]
    records = pd.DataFrame([json.loads(line) for line in lines]).iloc[:, 2:9]
    records.columns = ["seed", "stage", "epoch", "measure", "asked", "subset", "value"]
    asked = records[(records["measure"] == "exact_match") & (records["asked"] == "validation")]
    means = asked.groupby(["stage", "epoch", "subset"], as_index=False)["value"].mean()
    page = Path(folder) / "by-hand.html"
    alt.Chart(means).mark_line().encode(x="epoch", y="value", color="subset", column="stage").save(page, inline=True)
    return f"by hand  {time.process_time() - begun:6.2f} s, {page.stat().st_size / 1e6:.2f} MB, 1 chart"


if __name__ == "__main__":
    said = {"sayso": ours, "by hand": peers}[sys.argv[1]](sys.argv[2])
    print(f"{said}, peak {peak_megabytes():,.0f} MB", flush=True)
