"""Fresh seeds of the catalogue's experiments: in which share of draws of the default seeds each claim holds.

    python -m benchmarks power                                    # everything in `sayso.paper.shown`, 64 fresh seeds
    python -m benchmarks.power pocket pocket-strict --out DIR     # some of them; what is finished there is kept
    python -m benchmarks.power pocket --without                   # also with each departure from the paper taken back

Prints a table, and writes what it found into ``src/sayso/paper/expected.json``, which ``sayso show`` reads.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import sayso
from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.paper.departures import DEPARTURES
from sayso.paper.expected import Expected, ExpectedClaim, ExpectedWithout
from sayso.paper.judging import families
from sayso.paper.shown import SHOWN
from sayso.results import Results
from sayso.stats.power import power

SEEDS = "8000-8063"
#: Without a departure, at most so many of them.
SEEDS_WITHOUT = 16
EXPECTED = Path(sayso.__file__).parent / "paper" / "expected.json"


def main() -> None:
    """All experiments that are there to show something, on fresh seeds."""
    measure(list(SHOWN), SEEDS, Path("sayso-results") / "fresh", without=True)


def measure(names: list[str], seeds: str, out: Path, *, without: bool, jobs: int | None = None) -> None:
    """Run what is missing, print the table, and keep what was found."""
    known = json.loads(EXPECTED.read_text(encoding="utf-8"))
    for name in names:
        experiment = sayso.load(name)
        found = _run(experiment, seeds, out / name, jobs)
        claims = _claims(found, experiment.seeds.count, SHOWN[name])
        taken_back = known.get(name, {}).get("without", []) if _same(known.get(name), experiment) else []
        if without:
            taken_back = [
                _without(experiment, number, out / f"{name}-without-{number}", jobs)
                for number in range(len(DEPARTURES.get(name, ())))
            ]
        kept = Expected.model_validate(
            {
                "of": experiment.digest(),
                "seeds": _seeds_of(found),
                "count": experiment.seeds.count,
                "claims": [claim.model_dump() for claim in claims],
                "without": taken_back,
            }
        )
        known[name] = kept.model_dump(mode="json")
        EXPECTED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        _print(name, kept)


def _run(experiment: Experiment, seeds: str, out: Path, jobs: int | None) -> Results:
    return sayso.run(experiment, out=out, seeds=Seeds.parse(seeds), jobs=jobs)


def _without(experiment: Experiment, number: int, out: Path, jobs: int | None) -> dict[str, object]:
    """The experiment without one of its departures, on as many fresh seeds as it has by default, or fewer."""
    departure = DEPARTURES[experiment.name][number]
    first = Seeds.parse(SEEDS).first
    seeds = f"{first}-{first + min(experiment.seeds.count, SEEDS_WITHOUT) - 1}"
    found = _run(departure.taken_back(experiment), seeds, out, jobs)
    claims = _claims(found, experiment.seeds.count, SHOWN[experiment.name])
    return ExpectedWithout(what=departure.what, seeds=seeds, claims=tuple(claims)).model_dump(mode="json")


def _claims(found: Results, count: int, shown: tuple[str, ...]) -> list[ExpectedClaim]:
    """What each claim that is to be shown comes to on all seeds, and in draws of `count` of them."""
    result = []
    for family in families(found.records(), found.experiment):
        shares = power(family.differences, family.margins, family.worth, [count])
        for place, finding in enumerate(family.findings):
            if finding.claim in shown:
                comparison = finding.comparison
                result.append(
                    ExpectedClaim(
                        cell=finding.cell,
                        claim=finding.claim,
                        difference=comparison.difference,
                        low=comparison.low,
                        high=comparison.high,
                        holds=float(shares.holds[0, place]),
                        fails=float(shares.fails[0, place]),
                    )
                )
    return result


def _seeds_of(found: Results) -> str:
    seeds = sorted(set(found.records()["seed"]))
    return f"{seeds[0]}-{seeds[-1]}"


def _same(kept: dict[str, object] | None, experiment: Experiment) -> bool:
    return kept is not None and kept["of"] == experiment.digest()


def _print(name: str, kept: Expected) -> None:
    print(name, flush=True)
    for table in kept.tables():
        print(f"  {table.title}")
        for claim, difference, holds, fails in table.rows:
            print(f"    {claim:45s} {difference:22s} holds in {holds}, fails in {fails}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=list(SHOWN), metavar="NAME")
    parser.add_argument("--seeds", default=SEEDS)
    parser.add_argument("--out", type=Path, default=Path("sayso-results") / "fresh")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--without", action="store_true")
    chosen = parser.parse_args()
    measure(chosen.names, chosen.seeds, chosen.out, without=chosen.without, jobs=chosen.jobs)
