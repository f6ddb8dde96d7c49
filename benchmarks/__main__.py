"""Run all benchmarks, or the ones named: ``python -m benchmarks NAME ...``; `BENCHMARKS` has their names."""

from __future__ import annotations

import sys

from benchmarks import (
    demo,
    evaluation,
    exact_match,
    families,
    fidelity,
    paper_digits,
    paper_set_inclusion,
    prepare,
    scoring,
    stacking,
    startup,
    step_profile,
    training,
)

BENCHMARKS = {
    "startup": startup.main,
    "demo": demo.main,
    "stacking": stacking.main,
    "scoring": scoring.main,
    "profile": step_profile.main,
    "prepare": prepare.main,
    "fidelity": fidelity.main,
    "exact-match": exact_match.main,
    "families": families.main,
    "evaluation": evaluation.main,
    "training": training.main,
    "paper-set-inclusion": paper_set_inclusion.main,
    "paper-digits": paper_digits.main,
}

if __name__ == "__main__":
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"no benchmark '{unknown[0]}'; there is: {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"== {name}: {(sys.modules[BENCHMARKS[name].__module__].__doc__ or '').splitlines()[0]}", flush=True)
        BENCHMARKS[name]()
        print(flush=True)
