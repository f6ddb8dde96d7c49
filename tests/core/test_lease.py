"""Leases: one holder at a time, whatever clocks say, disks do, and processes die of."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sayso.core import lease as module
from sayso.core import lease_file
from sayso.core.errors import SaysoError
from sayso.core.lease import LAPSE, HeldError, Lease, LostError, Timing, Watch, held, take, timing
from sayso.core.lease_file import Seen, disk_time, is_held, look
from sayso.core.owner import Owner, owner_of, this_process

#: Another machine, of which one cannot see what lives.
ELSEWHERE = Owner("node7", 1234, "2026-01-01T00:00:00+00:00", "another boot", "99", "token")


class Clock:
    """A clock of one's own, anywhere."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def leave(folder: Path, owner: Owner = ELSEWHERE, number: int = 1, lapse: float = 120.0) -> Path:
    """A lease of another process."""
    path = folder / f".lease-{number}"
    path.write_text(json.dumps({**owner.as_json(), "lapse": lapse}), encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_held_is_refused_and_what_was_given_back_is_free(tmp_path):
    with held(tmp_path) as lease:
        lease.check()
        with pytest.raises(HeldError, match=f"process {os.getpid()} on .* is writing here"):
            take(tmp_path)
        assert is_held(tmp_path) == lease.owner
    assert is_held(tmp_path) is None
    with pytest.raises(LostError, match="given back"):
        lease.check()
    with held(tmp_path):
        assert names(tmp_path) == [".lease-2"]


def test_an_owner_comes_back_from_its_file_and_reads_well():
    owner = this_process()
    assert owner_of(json.loads(json.dumps(owner.as_json()))) == owner
    assert str(owner) == f"process {os.getpid()} on {owner.host} (since {owner.started})"
    assert owner_of({"host": "x"}) is owner_of([]) is owner_of({**owner.as_json(), "more": 1}) is None


def test_an_owner_of_this_machine_that_has_ended_holds_nothing(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as process:
        born = (Path("/proc") / str(process.pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        owner = dataclasses.replace(this_process(), process=process.pid, born=born)
        leave(tmp_path, owner)
        assert not Watch(tmp_path).free()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is listed still
        assert Watch(tmp_path).free()
        assert is_held(tmp_path) is None
    again = dataclasses.replace(this_process(), born="1")  # this number was another process's before
    leave(tmp_path, again, 2)
    assert Watch(tmp_path).free()


@pytest.mark.parametrize("off", [-1e6, 0.0, 1e6])
def test_clocks_of_two_machines_are_never_compared(tmp_path, off):
    """The owner's file may be from tomorrow: what counts is how long it does not change while one watches."""
    path = leave(tmp_path)
    os.utime(path, (time.time() + off, time.time() + off))
    clock = Clock(5000.0)
    watch = Watch(tmp_path, clock)
    assert not watch.free()
    clock.now += 119.0
    assert not watch.free()
    os.utime(path, (time.time() + off + 1, time.time() + off + 1))  # renewed
    clock.now += 119.0
    assert not watch.free()
    clock.now += 119.0
    assert not watch.free()
    clock.now += 1.0
    assert watch.free()
    assert watch.holder == "process 1234 on node7 (since 2026-01-01T00:00:00+00:00)"
    with pytest.raises(HeldError, match="node7"):
        take(tmp_path)
    assert watch.seen is not None
    take(tmp_path, lapsed=watch.seen.mark).give_back()


def test_a_lease_that_was_renewed_after_all_is_not_taken(tmp_path):
    path = leave(tmp_path)
    seen = look(tmp_path)
    assert seen is not None
    os.utime(path, (1e9, 1e9))
    with pytest.raises(HeldError):
        take(tmp_path, lapsed=seen.mark)
    assert names(tmp_path) == [".lease-1"]


def test_of_many_who_saw_it_lapse_one_gets_it(tmp_path):
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        leave(folder)
        seen = look(folder)
        assert seen is not None
        barrier = threading.Barrier(8)

        def reach(folder: Path = folder, seen: Seen = seen, barrier: threading.Barrier = barrier) -> Lease | None:
            barrier.wait()
            try:
                return take(folder, lapsed=seen.mark)
            except HeldError:
                return None

        with ThreadPoolExecutor(8) as pool:
            found = [each.result() for each in [pool.submit(reach) for _ in range(8)]]
        (winner,) = [lease for lease in found if lease is not None]
        assert names(folder) == [".lease-2"]
        winner.give_back()


def test_who_looked_long_ago_does_not_get_past_those_who_came_since(tmp_path, monkeypatch):
    """Between its look and its taking, others took over twice: the number it makes is free, and yet not the highest."""
    leave(tmp_path, number=3)
    monkeypatch.setattr(module, "look", lambda folder: Seen(1, 0, None, 120.0))
    with pytest.raises(HeldError):
        take(tmp_path)
    assert names(tmp_path) == [".lease-3"]


def test_an_owner_gives_up_before_others_may_take_over(tmp_path, monkeypatch):
    """A disk that stalls: nothing is renewed. By its own clock the owner stops in time."""
    now = Clock(0.0)
    monkeypatch.setattr(module, "_clocks", lambda: (now(), now()))
    lease = take(tmp_path, times=Timing(renew=1000.0, trust=80.0, lapse=120.0))
    watch = Watch(tmp_path, now)
    assert not watch.free()
    while not watch.free():
        now.now += 1.0
        if now.now <= 80.0:
            lease.check()
        else:
            with pytest.raises(LostError, match="could not be renewed for 81 s"):
                lease.check()
    assert now.now == 120.0
    lease.renew()
    with pytest.raises(LostError):  # for good: another may have been here
        lease.check()
    lease.give_back()


def test_trust_lasts_from_when_a_renewal_began_not_from_when_it_arrived(tmp_path, monkeypatch):
    now = Clock(0.0)
    monkeypatch.setattr(module, "_clocks", lambda: (now(), now()))
    lease = take(tmp_path, times=Timing(renew=1000.0, trust=80.0, lapse=120.0))

    def slow(path: Path, times: tuple[int, int] | None = None) -> None:
        now.now += 70.0

    monkeypatch.setattr("os.utime", slow)
    lease.renew()
    assert now.now == 70.0
    now.now = 80.0
    lease.check()
    now.now = 81.0
    with pytest.raises(LostError, match="81 s"):
        lease.check()
    lease.give_back()


def test_a_machine_that_slept_does_not_go_on_as_if_nothing_was(tmp_path, monkeypatch):
    clocks = [100.0, 5000.0]
    monkeypatch.setattr(module, "_clocks", lambda: tuple(clocks))
    lease = take(tmp_path)
    clocks[1] += 3600.0  # the other one stood still meanwhile
    with pytest.raises(LostError, match="3600 s"):
        lease.check()
    lease.give_back()


def test_an_owner_finds_out_that_another_has_taken_over(tmp_path):
    lease = take(tmp_path, times=Timing(1000.0, 80.0, 120.0))
    leave(tmp_path, number=2)
    lease.renew()
    with pytest.raises(LostError, match="another process took over"):
        lease.check()
    lease.give_back()
    assert is_held(tmp_path, lambda: 0.0) == ELSEWHERE  # which it does not take away


def test_a_full_disk_does_not_end_a_lease(tmp_path, monkeypatch):
    """Renewing and giving back take no room."""
    lease = take(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", lambda *_, **__: pytest.fail("takes room"))
        lease.renew()
        lease.check()
        lease.give_back()
    take(tmp_path).give_back()


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_disk_without_links_will_do(tmp_path, monkeypatch, code):
    def refuse(*_: object) -> None:
        raise OSError(code, "no links")

    monkeypatch.setattr("os.link", refuse)
    with held(tmp_path) as lease:
        with pytest.raises(HeldError):
            take(tmp_path)
        assert is_held(tmp_path) == lease.owner
        assert names(tmp_path) == [".lease-1"]
        assert not lease_file.create(tmp_path, 1, "{}", "token")


def test_a_link_that_was_made_though_the_server_said_it_was_there_counts(tmp_path, monkeypatch):
    real = os.link

    def lost_answer(source: Path, target: Path) -> None:
        real(source, target)
        raise FileExistsError

    monkeypatch.setattr("os.link", lost_answer)
    with held(tmp_path):
        assert names(tmp_path) == [".lease-1"]


def test_a_lease_that_is_not_written_yet_is_held(tmp_path):
    clock = Clock(0.0)
    (tmp_path / ".lease-4").write_text("", encoding="utf-8")
    watch = Watch(tmp_path, clock)
    assert not watch.free()
    assert watch.holder == "another process"
    clock.now = 120.0
    assert watch.free()


def test_a_folder_is_waited_for(tmp_path):
    lease = take(tmp_path)
    later = threading.Timer(0.3, lease.give_back)
    later.start()
    began = time.monotonic()
    with held(tmp_path, wait_s=60.0):
        assert time.monotonic() - began >= 0.2
    later.join()


@pytest.mark.parametrize("said", ["0", "x", "-5", "nan", "inf"])
def test_a_lapse_that_is_no_number_of_seconds_is_an_error(monkeypatch, said):
    monkeypatch.setenv(LAPSE, said)
    with pytest.raises(SaysoError, match=f"{LAPSE} is '{said}'"):
        timing()


def test_the_time_of_the_disk_is_near_and_leaves_nothing(tmp_path):
    assert abs(disk_time(tmp_path) - time.time()) < 60.0
    assert names(tmp_path) == []
    assert abs(disk_time(tmp_path / "none") - time.time()) < 60.0


WRITER = """
import os, random, signal, sys, time
from pathlib import Path
from sayso.core.lease import HeldError, LostError, held
folder, seed, until = Path(sys.argv[1]), int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
chance = random.Random(seed)
while time.monotonic() < until:
    try:
        with held(folder, wait_s=5.0) as lease:
            number = max(int(path.name.rpartition("-")[2]) for path in folder.glob(".lease-*"))
            for line in range(chance.randrange(20)):
                lease.check()
                with (folder / "log").open("a") as log:
                    log.write(f"{number} {os.getpid()}\\n")
                time.sleep(0.01)
                if chance.random() < 0.05:
                    os.kill(os.getpid(), signal.SIGSTOP)
    except (HeldError, LostError):
        pass
"""


def test_processes_that_are_stopped_and_go_on_never_write_in_turn_of_another(tmp_path):
    """Four of them, stopped at any point but within a write, and woken long after others have taken over."""
    environment = {**os.environ, LAPSE: "1"}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(seed), "3"], env=environment)
        for seed in range(4)
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            time.sleep(1.5)
            for writer in writers:
                if writer.poll() is None:
                    writer.send_signal(signal.SIGCONT)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    lines = [tuple(map(int, line.split())) for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]
    turns = [number for number, _ in lines]
    assert turns == sorted(turns)  # what was taken over is not written to by who had it before
    assert len(set(lines)) == len(set(turns)) > 3
