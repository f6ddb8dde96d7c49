"""Run all benchmarks, or some: ``python -m benchmarks [stacking] [scoring] [profile] [prepare] [paper-digits]``."""

from __future__ import annotations

import sys

from benchmarks import paper_digits, prepare, scoring, stacking, step_profile

BENCHMARKS = {
    "stacking": stacking.main,
    "scoring": scoring.main,
    "profile": step_profile.main,
    "prepare": prepare.main,
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
