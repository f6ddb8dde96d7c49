"""How close a sweep comes to ideal packing: 10,000 jobs of 1 minute to 10 hours on 1 to 64 nodes that fail; simulated.

    python -m benchmarks packing        # the table of docs/packing.md; a minute
    python -m benchmarks.packing check  # 200 real jobs in two processes, against what the simulation says of them

Nodes take job after job from one list, each the next that nobody holds, as processes do that share a results folder.
The list is in the order of the plan (sizes are usually named from small to large, so short jobs are first), in random
order, or longest first by an estimate (`sayso.runs.needs.longest_first`, which also puts jobs begun before the rest).
A node that fails loses what its job did since the last checkpoint; the job is free when its lease has lapsed.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sayso
from sayso.core.experiment import Experiment
from sayso.core.lease_file import USUAL_LAPSE_S
from sayso.runs.needs import Needs, longest_first

MINUTE, HOUR = 60.0, 3600.0
SHORTEST, LONGEST = MINUTE, 10 * HOUR
JOBS, NODES = (10_000, 1_000), (1, 2, 4, 8, 16, 32, 64)
#: Estimates are off by a factor whose logarithm is normal: two of three are right within this one.
OFF_BY = 2.0
DRAWS = range(100, 110)
#: Orders, as the table calls them; the last two are longest first.
BY_ESTIMATE = "by estimate"
NAMES = ("as planned", "random", BY_ESTIMATE, "by length")


@dataclass(frozen=True)
class Setting:
    """Seconds: until a job trains (the first on a node; any other), between checkpoints, until a lease has lapsed.

    A node fails after `between_failures` on average, at any moment alike, and is away for `down`.
    """

    first_start: float = 30.0
    start: float = 5.0
    checkpoint: float = 10 * MINUTE
    lapse: float = USUAL_LAPSE_S
    between_failures: float = 24 * HOUR
    down: float = 30 * MINUTE

    def next_failure(self, now: float, rng: random.Random) -> float:
        """When a node that is there now fails; never where there are no failures."""
        return now + self.between_failures * rng.expovariate(1.0)


@dataclass
class Outcome:
    """Seconds: from start to end, of work that was lost, of starts, and of nodes that were away before the end."""

    makespan: float = 0.0
    lost: float = 0.0
    starts: float = 0.0
    away: list[tuple[float, float]] = field(default_factory=list)
    failures: int = 0

    def share(self, work: Sequence[float], nodes: int) -> float:
        """Of the ideal: all work shared out evenly, or the longest job, with nothing lost."""
        return max(sum(work) / nodes, max(work)) / self.makespan

    def share_given_failures(self, work: Sequence[float], nodes: int) -> float:
        """Of the ideal with what is lost anyway shared out evenly: starts, work done twice, nodes that are away."""
        away = sum(min(end, self.makespan) - begin for begin, end in self.away if begin < self.makespan)
        needed = (sum(work) + self.lost + self.starts + away) / nodes
        return max(needed, max(work)) / self.makespan


def simulate(work: Sequence[float], nodes: int, setting: Setting, rng: random.Random) -> Outcome:
    """Run jobs in the order given; `work` is the seconds each takes. A job of a node that failed comes first again."""
    outcome, left, fresh = Outcome(), list(work), 0
    fails = [setting.next_failure(0.0, rng) for _ in range(nodes)]
    begun = [False] * nodes
    given_up: list[tuple[float, int]] = []  # when they are free, and which
    idle = [(0.0, node) for node in range(nodes)]
    ends: list[float] = []
    while fresh < len(work) or given_up:
        now, node = heapq.heappop(idle)
        if fails[node] <= now:
            outcome.failures += 1
            back = fails[node] + setting.down
            outcome.away.append((fails[node], back))
            fails[node], begun[node] = setting.next_failure(back, rng), False
            heapq.heappush(idle, (max(now, back), node))
            continue
        if given_up and given_up[0][0] <= now:
            job = heapq.heappop(given_up)[1]
        elif fresh < len(work):
            job, fresh = fresh, fresh + 1
        else:
            heapq.heappush(idle, (given_up[0][0], node))
            continue
        start = setting.start if begun[node] else setting.first_start
        begun[node], end = True, now + start + left[job]
        if end <= fails[node]:
            outcome.starts += start
            ends.append(end)
            heapq.heappush(idle, (end, node))
            continue
        trained = max(0.0, fails[node] - now - start)
        kept = trained // setting.checkpoint * setting.checkpoint
        outcome.starts += min(start, fails[node] - now)
        outcome.lost += trained - kept
        left[job] -= kept
        heapq.heappush(given_up, (fails[node] + setting.lapse, job))
        heapq.heappush(idle, (fails[node], node))
    outcome.makespan = max(ends)
    return outcome


def drawing(*numbers: int) -> random.Random:
    """Random numbers that follow from some numbers."""
    return random.Random("-".join(map(str, numbers)))  # noqa: S311 (nothing is kept secret)


def sweep(jobs: int, rng: random.Random) -> list[float]:
    """Seconds of jobs, drawn evenly on a logarithmic scale; short ones first."""
    return sorted(math.exp(rng.uniform(math.log(SHORTEST), math.log(LONGEST))) for _ in range(jobs))


def orders(work: Sequence[float], rng: random.Random) -> dict[str, list[float]]:
    """The same jobs in each of the orders."""
    estimated = [seconds * math.exp(rng.gauss(0, math.log(OFF_BY))) for seconds in work]
    shuffled = rng.sample(list(work), len(work))

    def first(seconds: Sequence[float]) -> list[float]:
        order = longest_first(range(len(work)), lambda job: Needs(hours=seconds[job] / HOUR), begun=lambda _: False)
        return [work[job] for job in order]

    return dict(zip(NAMES, (list(work), shuffled, first(estimated), first(work)), strict=True))


def table() -> None:
    """Print what share of the ideal each order comes to, in per cent: the mean of the draws, and the worst one."""
    setting = Setting()
    rows: list[tuple[str, ...]] = [("jobs", "nodes", "ideal, hours", *NAMES, "failures", "given failures")]
    for jobs in JOBS:
        for nodes in NODES:
            found: dict[str, list[Outcome]] = {name: [] for name in NAMES}
            works = []
            for draw in DRAWS:
                rng = drawing(draw, jobs, nodes)
                works.append(sweep(jobs, rng))
                for name, order in orders(works[-1], rng).items():
                    found[name].append(simulate(order, nodes, setting, drawing(draw, nodes)))
            shares = [
                _percent([each.share(work, nodes) for each, work in zip(found[name], works, strict=True)])
                for name in NAMES
            ]
            ideal = statistics.mean(max(sum(work) / nodes, max(work)) for work in works) / HOUR
            lost = found[BY_ESTIMATE]
            given = [each.share_given_failures(work, nodes) for each, work in zip(lost, works, strict=True)]
            failures = f"{statistics.mean(each.failures for each in lost):,.0f}"
            rows.append((f"{jobs:,}", str(nodes), f"{ideal:,.0f}", *shares, failures, _percent(given)))
    rows.insert(1, ("---",) * len(rows[0]))
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _percent(shares: Sequence[float]) -> str:
    return f"{100 * statistics.mean(shares):.1f} ({100 * min(shares):.1f})"


#: Jobs of the check: so many cells of different lengths, and two seeds of each, one a process.
RATES, EPOCHS, SEEDS, PROCESSES = 20, (1, 2, 4, 8, 16), 2, 2


def tiny_sweep() -> Experiment:
    """Two hundred jobs of the pocket world made small, some sixteen times as long as others."""
    rates = tuple(round(1e-3 * (1 + rate / RATES), 6) for rate in range(RATES))
    pocket = sayso.load("pocket").with_settings(
        {
            "knowledge.entities": 8,
            "split.aliases_per_entity": 12,
            "model.config.hidden_size": 16,
            "model.config.intermediate_size": 16,
            "stages.stage0.epochs": 1,
            "stages.stage2.epochs": 1,
            "keep": "none",
            "measures": [{"type": "ExactMatch", "when": "stage"}],
        }
    )
    return pocket.model_copy(update={"axes": {"stages.stage1.epochs": EPOCHS, "train.learning_rate": rates}})


@dataclass
class Seen:
    """What a real run said of itself: seconds of jobs in the order they were begun, and of starts."""

    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def hear(self, job_id: str, event: dict[str, object]) -> None:
        """Take in an event."""
        if event["event"] == "building":
            self.began[job_id] = time.monotonic()
        elif event["event"] == "finished":
            self.ended[job_id] = time.monotonic()

    def predicted(self, begin: float) -> tuple[float, float, float]:
        """Seconds by the simulation, given how long each job took; until the first were begun, and between two."""
        work = [self.ended[job] - began for job, began in self.began.items()]
        starts = sorted(self.began.values())
        first = statistics.mean(starts[:PROCESSES]) - begin
        between = [
            max(0.0, later - end) for end, later in zip(sorted(self.ended.values()), starts[PROCESSES:], strict=False)
        ]
        setting = Setting(first, statistics.mean(between), between_failures=math.inf)
        return simulate(work, PROCESSES, setting, drawing(0)).makespan, first, setting.start


def check() -> None:
    """Run real jobs, and print how long they took and how long the simulation says they take, in two orders."""
    with tempfile.TemporaryDirectory() as folder:
        seen = Seen()
        begin = time.monotonic()
        sayso.run(
            tiny_sweep(),
            out=Path(folder) / "results",
            seeds=SEEDS,
            jobs=PROCESSES,
            on_event=seen.hear,
        )
        took = time.monotonic() - begin
    simulated, first, start = seen.predicted(begin)
    last = max(seen.ended.values()) - begin
    work = [seen.ended[job] - began for job, began in seen.began.items()]
    print(f"{len(work)} jobs of {min(work):.2f} to {max(work):.2f} s in {PROCESSES} processes: the last ended after")
    print(f"{last:.1f} s, {simulated:.1f} s simulated ({simulated / last - 1:+.1%}); the whole took {took:.1f} s")
    print(
        f"first jobs begin after {first:.1f} s, others {start:.3f} s after the one before; all work {sum(work):.1f} s"
    )


def main() -> None:
    """Simulate, or check the simulation."""
    if sys.argv[-1] == "check":
        check()
    else:
        table()


if __name__ == "__main__":
    main()
