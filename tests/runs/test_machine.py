import os

import pytest

from sayso.runs.machine import cores, free_memory, threads_asked


def test_cores_are_those_this_process_may_use(tmp_path):
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert cores(tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("quota", "share"), [("max 100000", 64), ("250000 100000", 3), ("50000 100000", 1)])
def test_a_container_has_its_share_of_cores(tmp_path, monkeypatch, quota, share):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text(f"{quota}\n", encoding="ascii")
    assert cores(tmp_path) == share


def test_a_container_has_the_memory_that_is_left_to_it(tmp_path):
    assert free_memory(tmp_path) is None
    group, proc = tmp_path / "sys/fs/cgroup", tmp_path / "proc"
    for folder in (group, proc):
        folder.mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 999999999 kB\nMemAvailable: 2000000 kB\n", encoding="ascii")
    assert free_memory(tmp_path) == 2000000 * 1024
    (group / "memory.current").write_text("12345\n", encoding="ascii")
    (group / "memory.max").write_text("max\n", encoding="ascii")
    assert free_memory(tmp_path) == 2000000 * 1024
    (group / "memory.max").write_text("1000012345\n", encoding="ascii")
    assert free_memory(tmp_path) == 10**9


@pytest.mark.parametrize(("said", "threads"), [("1", 1), ("16", 16), ("0", None), ("two", None), ("", None)])
def test_threads_are_a_number_that_the_user_said(said, threads):
    assert threads_asked({"OMP_NUM_THREADS": said}) == threads
    assert threads_asked({}) is None
