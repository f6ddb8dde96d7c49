"""The same 24 jobs by local processes, SLURM and Ray, while workers, nodes and runs are killed and the disk is full.

``python -m benchmarks.places [--on local|slurm|ray]`` prints a Markdown table: whether records are those of one process
that nothing disturbed, and how many epochs were trained twice. Clusters are started here: Ray with two nodes of
one core, SLURM with one (as root, see tests/slurm_here.sh). As root results are on a small disk in memory, which is
filled up for a while.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import make_tiny
from tests.runs.few_questions import FewQuestions

import sayso
from sayso.core.files import file_sha256
from sayso.core.job_folder import JobFolder
from sayso.core.lease_file import look
from sayso.core.store import Store
from sayso.core.sweep import Executor, Job, cells
from sayso.data.pocket import PocketWorld
from sayso.runs.crew import say
from sayso.runs.execute import execute
from sayso.runs.local import LocalProcesses
from sayso.runs.needs import Needs
from sayso.runs.on_ray import RayCluster
from sayso.runs.slurm import SlurmArrays
from sayso.runs.slurm_settings import SlurmSettings

SEEDS = range(100, 124)
#: What happens once so many jobs have finished.
KILLS = {4: "worker", 8: "disk full", 12: "node", 18: "run"}
#: Seconds for which the disk is full.
FULL_S = 10.0
#: Where jobs go if not to a cluster of Ray.
SLURM = "slurm"
#: A line of a log: an epoch that was trained to its end.
EPOCH = re.compile(r"^(\w{16}) event=epoch stage=(\w+) epoch=(\d+)", re.MULTILINE)


def experiment() -> sayso.Experiment:
    """The tests' experiment of six epochs, whose model takes no time, with a checkpoint after each."""
    settings = {"stages.stage0.epochs": 2, "stages.stage1.epochs": 2, "stages.stage2.epochs": 2, "train.batch_size": 32}
    chosen = make_tiny().with_settings({**settings, "keep": "none", "checkpoint_minutes": 0})
    known = {name: getattr(chosen.knowledge, name) for name in PocketWorld.model_fields}
    return chosen.model_copy(update={"knowledge": FewQuestions(**known)})


def jobs_of(chosen: sayso.Experiment) -> list[Job]:
    """A job for each seed."""
    return [Job(cells(chosen)[0], (seed,)) for seed in SEEDS]


def command(out: str, address: str) -> None:
    """What is begun again and again: run what is left, here or on the cluster at an address."""
    store, chosen = Store(Path(out)), experiment()
    where: Executor = LocalProcesses(store, 2)
    if address == SLURM:
        where = SlurmArrays(store, lambda _: Needs(memory_gb=1.0, hours=0.5), SlurmSettings(tasks=2))
    elif address:
        where = RayCluster(store, address, lambda _: Needs(memory_gb=1.0))
    with store.held(chosen, lambda _: jobs_of(chosen)) as jobs:
        where.run(jobs, say)


@dataclass
class Disturbed:
    """A run of the command until it ends well, with what is killed on its way."""

    store: Store
    address: str
    log: Path
    commands: int = 0
    killed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def run(self, kills: Mapping[int, str], kill_node: Callable[[], None]) -> None:
        """Run it."""
        start, left = time.monotonic(), dict(kills)
        while True:
            if self.process is None:
                self.process = self._begin()
            if (code := self.process.poll()) is not None:
                if code == 0:
                    break
                self.process = None
                continue
            self._keep_logs()
            finished = sum(folder.finished for folder in self.store.jobs())
            for after, what in list(left.items())[:1]:
                if finished >= after and self._kill(what, kill_node):
                    self.killed.append(left.pop(after))
            time.sleep(0.2)
        self.seconds = time.monotonic() - start

    @property
    def logs(self) -> Path:
        """Where logs of SLURM's tasks stay that are removed when all is over."""
        return self.store.path.parent / "logs"

    def _keep_logs(self) -> None:
        self.logs.mkdir(exist_ok=True)
        for log in self.store.runs.path.glob("*/slurm/*_log.out"):
            with contextlib.suppress(OSError):  # it is there already, or was removed just now
                (self.logs / log.name).hardlink_to(log)

    def _begin(self) -> subprocess.Popen[bytes]:
        self.commands += 1
        module = [sys.executable, "-m", "benchmarks.places", "--command", str(self.store.path), self.address]
        with self.log.open("ab") as log:
            return subprocess.Popen(module, stdout=log, stderr=subprocess.STDOUT)

    def _kill(self, what: str, kill_node: Callable[[], None]) -> bool:
        """Kill something without warning; whether there was something."""
        assert self.process is not None
        if what == "disk full":
            if not self.store.path.parent.is_mount():
                return True
            with contextlib.suppress(OSError), (self.store.path.parent / "filler").open("wb") as filler:
                while True:
                    filler.write(bytes(1_000_000))
                    filler.flush()
            time.sleep(FULL_S)
            (self.store.path.parent / "filler").unlink()
        elif what == "node":
            kill_node()
        elif what == "run":
            self.process.kill()
        else:
            running = [seen for seen in map(look, (folder.path for folder in self.store.jobs())) if seen is not None]
            owners = [seen.owner for seen in running if not seen.over and seen.owner is not None]
            if not owners:
                return False
            os.kill(owners[0].process, 9)
        return True


@contextlib.contextmanager
def ray_cluster() -> Iterator[tuple[str, Callable[[], None], Path]]:
    """A cluster of two nodes: its address, what kills the second and adds another, and where its logs are."""
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = [cluster.add_node(num_cpus=1)]

    def kill_node() -> None:
        cluster.remove_node(second.pop(), allow_graceful=False)
        second.append(cluster.add_node(num_cpus=1))

    try:
        yield cluster.address, kill_node, Path(cluster.head_node.get_logs_dir_path())
    finally:
        cluster.shutdown()


@contextlib.contextmanager
def slurm_cluster(root: Path) -> Iterator[Callable[[], None]]:
    """A SLURM of one node; what takes that one down, with all that runs on it, and up again."""
    script, home = str(Path(__file__).parents[1] / "tests" / "slurm_here.sh"), str(root / "cluster")
    subprocess.run([script, "start", home], check=True)
    os.environ["SLURM_CONF"] = f"{home}/slurm.conf"
    node = subprocess.run(["sinfo", "--noheader", "--format=%n"], capture_output=True, text=True, check=True).stdout

    def kill_node() -> None:
        for state in ("DOWN", "RESUME"):  # it may be back by itself
            subprocess.run(
                ["scontrol", "update", f"NodeName={node.strip()}", f"State={state}", "Reason=x"], check=False
            )
            time.sleep(5.0)

    try:
        yield kill_node
    finally:
        subprocess.run([script, "stop", home], check=True)


@contextlib.contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A disk of 300 MB, in memory; an ordinary folder for who may not mount."""
    path.mkdir()
    mounted = os.geteuid() == 0
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)


def records(jobs: Iterable[JobFolder]) -> dict[str, str]:
    """The sha256 of each job's records."""
    return {job.path.name: file_sha256(job.records_path) for job in jobs}


def row(name: str, disturbed: Disturbed, logs: Iterable[Path], right: Mapping[str, str]) -> str:
    """A line of the table."""
    told = Counter(found for path in logs for found in EPOCH.findall(path.read_text(errors="replace")))
    found = records(disturbed.store.jobs())
    equal = sum(found.get(job) == sha256 for job, sha256 in right.items())
    again = told.total() - len(told)
    return (
        f"| {name} | {', '.join(disturbed.killed)} | {disturbed.commands} | {equal} of {len(right)} | {len(told)} | "
        f"{again} | {disturbed.seconds:.0f} |"
    )


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=("local", "slurm", "ray"), action="append", help="only there")
    parser.add_argument("--command", nargs=2, metavar=("OUT", "ADDRESS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.command:
        command(*chosen.command)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        alone = [JobFolder(root / "alone" / job.id) for job in jobs_of(experiment())]
        for job, there in zip(jobs_of(experiment()), alone, strict=True):
            execute(job, there, lambda _: None)
        right = records(alone)
        print("| where | killed | commands | records equal | epochs told of | trained twice | seconds |")
        print("|---|---|---|---|---|---|---|", flush=True)
        on = chosen.on or ["local", "slurm", "ray"]
        if "local" in on:
            with small_disk(root / "local") as disk:
                local = Disturbed(Store(disk / "out"), "", root / "local.log")
                local.run({after: what for after, what in KILLS.items() if what != "node"}, lambda: None)
                print(row("local processes", local, [local.log], right), flush=True)
        if "slurm" in on:
            with small_disk(root / "slurm") as disk, slurm_cluster(root) as kill_node:
                slurm = Disturbed(Store(disk / "out"), SLURM, root / "slurm.log")
                slurm.run(KILLS, kill_node)
                print(row("SLURM, one node", slurm, slurm.logs.iterdir(), right), flush=True)
        if "ray" in on:
            with small_disk(root / "ray") as disk, ray_cluster() as (address, kill_node, logs):
                ray = Disturbed(Store(disk / "out"), address, root / "ray.log")
                ray.run(KILLS, kill_node)
                print(row("Ray, two nodes", ray, logs.glob("worker-*.out"), right), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
