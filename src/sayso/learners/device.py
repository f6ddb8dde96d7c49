"""The device that a process computes on, and what it can."""

from __future__ import annotations

import functools
import logging
import os
from typing import Any

import torch
from numpy.typing import NDArray

from sayso.core.device_asked import DEVICE, device_asked

log = logging.getLogger("sayso")


def device_here() -> torch.device:
    """The device that is asked for (`sayso.core.device_asked`), or else the CPU, which one line says once.

    Raises
    ------
    SaysoError
        If what is asked for is no device.
    """
    asked = device_asked(os.environ)
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = torch.backends.mps.is_available() if asked == "mps" else asked == "cpu" or torch.cuda.is_available()
    if not there:
        _say_missing(asked)
    return torch.device(asked if there else "cpu")


@functools.cache
def _say_missing(kind: str) -> None:
    log.warning("%s=%s, and torch %s finds no such device here: computing on the CPU", DEVICE, kind, torch.__version__)


def carried(numbers: NDArray[Any], device: torch.device) -> torch.Tensor:
    """Numbers on a device. A GPU gets them in their turn, and is not waited for."""
    found = torch.as_tensor(numbers, device="cpu")  # whatever the default device is
    if device.type != "cuda":
        return found.to(device)
    return found.contiguous().pin_memory().to(device, non_blocking=True)


def widest(device: torch.device) -> torch.dtype:
    """The widest floating-point numbers a device computes with: float64, but on Apple's GPUs float32."""
    return torch.float32 if device.type == "mps" else torch.float64


def wide(numbers: torch.Tensor) -> torch.Tensor:
    """Numbers as the widest there are on their device."""
    return numbers.to(widest(numbers.device))
