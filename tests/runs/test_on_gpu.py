"""What is planned for a GPU, where there is one: ``pytest -m gpu``."""

import os

import pytest
import torch

from sayso.core.store import Store
from sayso.core.sweep import plan
from sayso.learners.modules import has_bfloat16
from sayso.runs.devices import ask_child, devices
from sayso.runs.local import LocalProcesses
from sayso.runs.machine import this_machine
from sayso.runs.processes import dealing
from sayso.runs.side_by_side import GpuMemory, bytes_taken, replicas_that_fit
from tests.core.written import make_store

pytestmark = pytest.mark.gpu
if not torch.cuda.is_available():
    pytest.skip("no GPU that torch can use here", allow_module_level=True)


def test_a_child_finds_what_torch_finds_here():
    found = devices()
    assert (found.trouble, found.broken) == (None, {})
    assert [device.name for device in found.usable] == [
        torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())
    ]
    first = found.usable[0]
    assert first.bfloat16 == has_bfloat16(torch.device("cuda", 0))
    assert 0 < first.free <= first.memory == torch.cuda.get_device_properties(0).total_memory


def test_each_gpu_is_found_alone_by_the_name_it_is_handed_out_by():
    for device in devices().usable:
        (alone,) = ask_child({**os.environ, "CUDA_VISIBLE_DEVICES": device.visible}, {}).usable
        assert (alone.name, alone.number) == (device.name, 0)


def test_as_many_seeds_as_are_said_to_fit_do_fit(quick):
    memory = GpuMemory()
    free = bytes_taken(quick, range(24), memory)
    fits = replicas_that_fit(lambda count: bytes_taken(quick, range(count), memory), free)
    assert 12 <= fits <= 24
    assert bytes_taken(quick, range(fits), memory) <= free


def test_a_run_stacks_its_seeds_on_the_gpu(quick, tmp_path):
    machine = this_machine()
    jobs = plan(quick, range(20 * len(machine.gpus)), dealing(quick, machine))
    assert [len(job.seeds) for job in jobs] == [20] * len(machine.gpus)
    store = Store(tmp_path)
    make_store(store, quick)
    LocalProcesses(store, len(jobs), gpus=[gpu.visible for gpu in machine.gpus]).run(jobs, lambda *_: None)
    assert all(store.job(job.id).manifest().device.startswith("cuda") for job in jobs)
