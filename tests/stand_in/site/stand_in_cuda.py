"""What ``torch.cuda`` says and does where the GPUs are those of ``device.cpp``."""

import contextlib
import importlib.util
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

NAME = "Stand-in GPU"
#: Registrations last as long as what made them.
_KEPT: list[Any] = []


def put_in_place() -> None:
    """Let this process's torch use the devices."""
    library = Path(os.environ["STAND_IN_LIBRARY"])
    spec = importlib.util.spec_from_file_location(library.stem, library)
    assert spec is not None
    assert spec.loader is not None
    device = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(device)
    sys.modules["stand_in_device"] = device
    _cuda(device)
    _storages(device)
    _deepcopy()
    _flash()
    _processes()


def device_of_this_process() -> Any:
    """What is known of the devices: counts of copies, waits and operations, memory."""
    return sys.modules["stand_in_device"]


def _cuda(own: Any) -> None:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = own.devices if visible is None else len([each for each in visible.split(",") if each.strip()])

    def number(device: Any = None) -> int:
        index = device if device is None or isinstance(device, int) else torch.device(device).index
        return int(own.current() if index is None or index < 0 else index)

    def set_device(device: Any) -> None:
        if number(device) >= count:
            raise RuntimeError("CUDA error: invalid device ordinal")
        own.exchange(number(device))

    def properties(device: Any = None) -> SimpleNamespace:
        return SimpleNamespace(name=NAME, total_memory=own.total, major=9, minor=0, multi_processor_count=132)

    class Event:
        """Everything before it has been computed already; copies have not arrived."""

        def __init__(self, *_: Any, **__: Any) -> None:
            self.at = 0.0

        def record(self, stream: Any = None) -> None:
            self.at = time.perf_counter()

        def synchronize(self) -> None:
            own.wait()

        def query(self) -> bool:
            return True

        def wait(self, stream: Any = None) -> None:
            """Streams have one order."""

        def elapsed_time(self, other: Any) -> float:
            return float(1e3 * (other.at - self.at))

    class Stream:
        """The only one."""

        def __init__(self, device: Any = None, **_: Any) -> None:
            self.device = torch.device("cuda", number(device))

        def synchronize(self) -> None:
            own.wait()

        def wait_stream(self, other: Any) -> None:
            """See `Event.wait`."""

        def wait_event(self, event: Any) -> None:
            """See `Event.wait`."""

        def record_event(self, event: Any = None) -> Any:
            event = event or Event()
            event.record()
            return event

    def memory(ask: Callable[[int], int]) -> Callable[..., int]:
        return lambda device=None: ask(number(device))

    said: dict[str, Any] = {
        "Event": Event,
        "Stream": Stream,
        "is_available": lambda: count > 0,
        "is_initialized": lambda: True,
        "init": lambda: None,
        "_lazy_init": lambda: None,
        "device_count": lambda: count,
        "current_device": lambda: own.current(),
        "set_device": set_device,
        "_exchange_device": lambda device: own.exchange(device),
        "_maybe_exchange_device": lambda device: own.exchange(device),
        "synchronize": lambda device=None: own.wait(),
        "stream": lambda stream: contextlib.nullcontext(),
        "set_stream": lambda stream: None,
        "current_stream": lambda device=None: Stream(device),
        "default_stream": lambda device=None: Stream(device),
        "is_current_stream_capturing": lambda: False,
        "get_device_properties": properties,
        "get_device_name": lambda device=None: NAME,
        "get_device_capability": lambda device=None: (9, 0),
        "is_bf16_supported": lambda including_emulation=True: True,
        "empty_cache": lambda: None,
        "memory_allocated": memory(own.allocated),
        "memory_reserved": memory(own.allocated),
        "max_memory_allocated": memory(own.peak),
        "max_memory_reserved": memory(own.peak),
        "reset_peak_memory_stats": lambda device=None: own.forget_peak(number(device)),
        "mem_get_info": lambda device=None: (own.limit(number(device)) - own.allocated(number(device)), own.total),
        "set_per_process_memory_fraction": lambda share, device=None: own.set_limit(
            number(device), int(share * own.total)
        ),
        "set_sync_debug_mode": lambda mode: own.waiting_is_an_error(mode in (2, "error")),
        "default_generators": tuple(own.generators()),
    }
    for module in (torch.cuda, torch.cuda.memory, torch.cuda.random):
        for name, value in said.items():
            if module is torch.cuda or hasattr(module, name):
                setattr(module, name, value)
    for name, value in {
        "_cuda_getDeviceCount": lambda: count,
        "_cuda_getDevice": lambda: own.current(),
        "_cuda_setDevice": lambda device: set_device(device),
        "_cuda_exchangeDevice": lambda device: own.exchange(device),
        "_cuda_maybeExchangeDevice": lambda device: own.exchange(device),
        "_cuda_synchronize": lambda: own.wait(),
        "_cuda_getCurrentRawStream": lambda device: 0,
        "_cuda_isCurrentStreamCapturing": lambda: False,
    }.items():
        setattr(torch._C, name, value)
    torch.version.cuda = "13.0"


def _storages(own: Any) -> None:
    """A build for CPUs gives storages of other devices no other size."""
    ordinary = torch.UntypedStorage.resize_

    def resized(self: Any, size: int) -> Any:
        if self.device.type != "cuda":
            return ordinary(self, size)
        own.resize(torch.empty(0, dtype=torch.uint8, device=self.device).set_(self), size)
        return self

    setattr(torch.UntypedStorage, "resize_", resized)  # noqa: B010


def _deepcopy() -> None:
    """A build for CPUs knows no storage of another device, which copies of tensors are made with."""
    ordinary: dict[Any, Any] = {kind: kind.__deepcopy__ for kind in (torch.nn.Parameter, torch.Tensor)}

    def copied(self: Any, memo: dict[int, Any]) -> Any:
        if not self.is_cuda:
            kind = torch.nn.Parameter if isinstance(self, torch.nn.Parameter) else torch.Tensor
            return ordinary[kind](self, memo)
        if id(self) not in memo:
            found = self.detach().clone()
            if isinstance(self, torch.nn.Parameter):
                found = torch.nn.Parameter(found, self.requires_grad)
            memo[id(self)] = found
        return memo[id(self)]

    for kind in ordinary:
        setattr(kind, "__deepcopy__", copied)  # noqa: B010


def _processes() -> None:
    """What they tell each other by NCCL goes by gloo."""
    ordinary = torch.distributed.init_process_group

    def init(backend: str, *given: Any, device_id: Any = None, **more: Any) -> None:
        ordinary(backend.replace("nccl", "gloo"), *given, **more)

    setattr(torch.distributed, "init_process_group", init)  # noqa: B010


def _flash() -> None:
    """Flash attention of documents of any lengths, which refuses what the real one refuses."""
    library: Any = torch.library.Library("aten", "IMPL", "CUDA")  # type: ignore[no-untyped-call]
    _KEPT.append(library)
    library.impl("_flash_attention_forward", _flash_forward)
    library.impl("_flash_attention_backward", _flash_backward)


def _documents(given: Sequence[torch.Tensor], begins: torch.Tensor, longest: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """What is given of each document, in float32, shape (heads, places, size).

    Raises
    ------
    RuntimeError
        If tensors have other types, shapes or devices than flash attention takes.
    """
    if any(each.dtype not in (torch.float16, torch.bfloat16) for each in given):
        raise RuntimeError("FlashAttention only support fp16 and bf16 data type")
    if begins.dtype != torch.int32 or not begins.is_cuda:
        raise RuntimeError("cu_seqlens_q must have dtype int32 and be on CUDA")
    if any(each.stride(-1) != 1 for each in given) or given[0].shape[-1] % 8:
        raise RuntimeError("the last dimension must be contiguous, and a multiple of 8")
    errors = device_of_this_process().waiting_is_an_error
    before = errors(False)  # the real one reads them on the GPU
    at = begins.tolist()
    errors(before)
    ends = list(itertools.pairwise(at))
    if at[0] != 0 or at[-1] != len(given[0]) or any(not 0 <= end - begin <= longest for begin, end in ends):
        raise RuntimeError(f"cu_seqlens {at} do not fit {len(given[0])} places and a longest document of {longest}")
    for begin, end in ends:
        yield tuple(each[begin:end].float().transpose(0, 1) for each in given)


def _shares(query: torch.Tensor, key: torch.Tensor, scale: float, causal: bool) -> torch.Tensor:
    """How much each place attends to each of its document, shape (heads, places, places)."""
    score = query @ key.transpose(1, 2) * scale
    if causal:
        later = torch.ones(score.shape[-2:], dtype=torch.bool, device=score.device).triu(1)
        score = score.masked_fill(later, float("-inf"))
    return score.softmax(-1)


def _flash_forward(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    begins: torch.Tensor,
    _begins: torch.Tensor,
    longest: int,
    _longest: int,
    _dropout: float,
    causal: bool,
    return_debug_mask: bool,
    *,
    scale: float | None = None,
    window_size_left: int | None = None,
    window_size_right: int | None = None,
    **more: Any,
) -> tuple[torch.Tensor, ...]:
    assert not any(each is not None for each in more.values()), more
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    found = []
    for a, b, c in _documents((query, key, value), begins, longest):
        found.append((_shares(a, b, scale, causal or window_size_right == 0) @ c).transpose(0, 1))
    nothing = query.new_zeros(0)
    weight = query.new_zeros((query.shape[1], len(query)), dtype=torch.float32)
    return torch.cat(found).to(query.dtype), weight, query.new_zeros(2, dtype=torch.uint64), nothing, nothing


def _flash_backward(
    gradient: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _out: torch.Tensor,
    _weight: torch.Tensor,
    begins: torch.Tensor,
    _begins: torch.Tensor,
    longest: int,
    _longest: int,
    _dropout: float,
    causal: bool,
    *_: Any,
    scale: float | None = None,
    window_size_left: int | None = None,
    window_size_right: int | None = None,
) -> tuple[torch.Tensor, ...]:
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    found: list[list[torch.Tensor]] = [[], [], []]
    for a, b, c, d in _documents((query, key, value, gradient), begins, longest):
        share = _shares(a, b, scale, causal or window_size_right == 0)
        by_share = d @ c.transpose(1, 2)
        by_score = share * (by_share - (by_share * share).sum(-1, keepdim=True)) * scale
        own = (by_score @ b, by_score.transpose(1, 2) @ a, share.transpose(1, 2) @ d)
        for every, one in zip(found, own, strict=True):
            every.append(one.transpose(0, 1))
    return tuple(torch.cat(each).to(query.dtype) for each in found)
