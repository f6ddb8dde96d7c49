"""Run all benchmarks but those that take hours, or the ones named: ``python -m benchmarks NAME ...`` (`BENCHMARKS`)."""

from __future__ import annotations

import sys

from benchmarks import (
    belief,
    demo,
    evaluation,
    exact_match,
    families,
    fidelity,
    gpu,
    gradients,
    launches,
    many,
    near_ties,
    operations,
    page,
    paper_digits,
    paper_set_inclusion,
    power,
    prepare,
    probes,
    scoring,
    stacking,
    startup,
    step_profile,
    tables,
    threads,
    training,
    watching,
)

BENCHMARKS = {
    "startup": startup.main,
    "demo": demo.main,
    "stacking": stacking.main,
    "threads": threads.main,
    "scoring": scoring.main,
    "profile": step_profile.main,
    "operations": operations.main,
    "launches": launches.main,
    "prepare": prepare.main,
    "tables": tables.main,
    "page": page.main,
    "many": many.main,
    "fidelity": fidelity.main,
    "exact-match": exact_match.main,
    "near-ties": near_ties.main,
    "families": families.main,
    "evaluation": evaluation.main,
    "training": training.main,
    "paper-set-inclusion": paper_set_inclusion.main,
    "paper-digits": paper_digits.main,
    "gradients": gradients.main,
    "probes": probes.main,
    "gpu": gpu.main,
    "belief": belief.main,
    "power": power.main,
    "watching": watching.main,
}

#: Left out where none is named: they take hours.
HOURS = ("belief", "power")

if __name__ == "__main__":
    if sys.argv[1:2] == ["gpu"] and any(each.startswith("-") for each in sys.argv[2:]):
        gpu.main(sys.argv[2:])
        sys.exit()
    names = sys.argv[1:] or [name for name in BENCHMARKS if name not in HOURS]
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"no benchmark '{unknown[0]}'; there is: {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"== {name}: {(sys.modules[BENCHMARKS[name].__module__].__doc__ or '').splitlines()[0]}", flush=True)
        BENCHMARKS[name]()
        print(flush=True)
