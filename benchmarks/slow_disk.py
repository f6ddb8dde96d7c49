"""Two runs of one results folder on a disk that is slow, stalls and has no locks: who writes, and what comes out.

    python -m benchmarks.slow_disk                 # a FUSE layer over a folder; needs Linux, libfuse2 and mfusepy

Every operation of one of the two runs takes up to DELAY seconds; now and then all of its disk stalls for longer than
its leases last, so that the other one takes over its jobs while it believes to hold them. The other run's disk is
quick. What both have written must be the records of a run alone.
"""

from __future__ import annotations

import argparse
import errno
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sayso.core.lease import LAPSE
from sayso.core.store import Store

#: Seconds: of an operation at most, until a lease lapses, of a stall, and between two stalls.
DELAY, LAPSE_S, STALL, BETWEEN = 0.02, 6.0, 20.0, 15.0

RUN = """
import json, sys, sayso
def tell(job, event): print(json.dumps([job, event]), flush=True)
sayso.run(sys.argv[1], out=sys.argv[2], seeds=sys.argv[3], jobs=1, on_event=tell)
"""


def mount(below: str, at: str, seed: int) -> None:
    """Serve a folder through a layer that delays and stalls; ends when it is unmounted."""
    import mfusepy

    chance = random.Random(seed)  # noqa: S311
    stalled = threading.Event()

    def stall() -> None:
        while True:
            time.sleep(BETWEEN)
            stalled.set()
            time.sleep(STALL)
            stalled.clear()

    threading.Thread(target=stall, daemon=True).start()

    class Slow(mfusepy.Operations):  # type: ignore[misc]
        """Each operation is the folder's own, after a while; what is not named here is refused, locks among it."""

        use_ns = True

        def __call__(self, operation: str, *arguments: Any) -> Any:
            time.sleep(chance.uniform(0, DELAY))
            while stalled.is_set():
                time.sleep(0.05)
            try:
                return super().__call__(operation, *arguments)
            except NotImplementedError:
                raise mfusepy.FuseOSError(errno.ENOTSUP) from None

        def real(self, path: str) -> str:
            return below + path

        def access(self, path: str, mode: int) -> int:
            return 0 if os.access(self.real(path), mode) else -errno.EACCES

        def getattr(self, path: str, _fh: int | None = None) -> dict[str, Any]:
            found = os.lstat(self.real(path))
            names = ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size")
            times = {name: getattr(found, f"{name}_ns") for name in ("st_atime", "st_mtime", "st_ctime")}
            return {**{name: getattr(found, name) for name in names}, **times}

        def readdir(self, path: str, _fh: int) -> list[str]:
            return [".", "..", *os.listdir(self.real(path))]

        def mkdir(self, path: str, mode: int) -> None:
            os.mkdir(self.real(path), mode)

        def rmdir(self, path: str) -> None:
            os.rmdir(self.real(path))

        def unlink(self, path: str) -> None:
            os.unlink(self.real(path))

        def rename(self, old: str, new: str) -> None:
            os.rename(self.real(old), self.real(new))

        def link(self, target: str, source: str) -> None:
            os.link(self.real(source), self.real(target))

        def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
            os.utime(self.real(path), ns=times or (time.time_ns(), time.time_ns()))

        def chmod(self, path: str, mode: int) -> None:
            os.chmod(self.real(path), mode)

        def open(self, path: str, flags: int) -> int:
            return os.open(self.real(path), flags)

        def create(self, path: str, mode: int, _fi: Any = None) -> int:
            return os.open(self.real(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

        def read(self, _path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, _path: str, data: bytes, offset: int, fh: int) -> int:
            return os.pwrite(fh, data, offset)

        def truncate(self, path: str, length: int, _fh: int | None = None) -> None:
            os.truncate(self.real(path), length)

        def fsync(self, _path: str, _datasync: int, fh: int) -> None:
            os.fsync(fh)

        def release(self, _path: str, fh: int) -> None:
            os.close(fh)

        def statfs(self, path: str) -> dict[str, Any]:
            found = os.statvfs(self.real(path))
            return {name: getattr(found, name) for name in ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail")}

    mfusepy.FUSE(Slow(), at, foreground=True, nothreads=False, attr_timeout=0, entry_timeout=0)


def run(file: Path, out: Path, seeds: str) -> subprocess.Popen[str]:
    """A run in a process of its own."""
    environment = {**os.environ, LAPSE: str(LAPSE_S)}
    command = [sys.executable, "-c", RUN, str(file), str(out), seeds]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def told(process: subprocess.Popen[str], into: list[tuple[str, dict[str, Any]]]) -> None:
    """Keep what a run says."""
    assert process.stdout is not None
    into.extend(tuple(json.loads(line)) for line in process.stdout)


def main(arguments: list[str] | None = None) -> int:
    """Print what came out; 1 if it is not what it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "experiment", type=Path, help="a file of an experiment, with cells that take some ten seconds each"
    )
    parser.add_argument("--seeds", default="1-6")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        below, at = Path(folder) / "disk", Path(folder) / "slow"
        below.mkdir()
        at.mkdir()
        layer = multiprocessing.get_context("spawn").Process(target=mount, args=(str(below), str(at), 1))
        layer.start()
        while not os.path.ismount(at):
            time.sleep(0.1)
        try:
            began = time.monotonic()
            runs = [run(options.experiment, where / "results", options.seeds) for where in (at, below)]
            heard: list[list[tuple[str, dict[str, Any]]]] = [[], []]
            threads = [threading.Thread(target=told, args=pair) for pair in zip(runs, heard, strict=True)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            codes = [each.wait() for each in runs]
            took = time.monotonic() - began
        finally:
            subprocess.run(["fusermount", "-u", "-z", str(at)], check=False)
            layer.join(10)
            layer.kill()
        alone = run(options.experiment, Path(folder) / "alone", options.seeds)
        told(alone, [])
        alone.wait()
        there, expected = Store(below / "results"), Store(Path(folder) / "alone")
        equal = [
            there.job(job.path.name).records_path.read_bytes() == job.records_path.read_bytes()
            for job in expected.jobs()
        ]
        epochs = Counter((job, event["done"]) for each in heard for job, event in each if event["event"] == "epoch")
        if not equal:
            raise SystemExit("no job has finished")
        left = sum(event["event"] == "elsewhere" for each in heard for _, event in each)
        print(f"two runs of seeds {options.seeds}, one on a disk that stalls for {STALL:g} s, leases of {LAPSE_S:g} s:")
        print(f"  ended with codes {codes} after {took:.0f} s; left to each other {left} times")
        print(f"  records as those of a run alone: {sum(equal)} of {len(equal)} jobs")
        print(f"  epochs done {epochs.total()}, of which again {sum(count - 1 for count in epochs.values())}")
        return 0 if codes == [0, 0] and all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
