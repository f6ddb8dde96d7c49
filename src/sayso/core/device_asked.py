"""Where the user wants models to compute: ``SAYSO_DEVICE`` in the environment, which every process of a run finds.

It is no setting of an experiment: what a run is does not depend on where it is done.
"""

from __future__ import annotations

from collections.abc import Mapping

from sayso.core.errors import SaysoError

#: The name of the setting, and what it may be. ``auto`` is an NVIDIA GPU where there is one, else the CPU.
DEVICE, DEVICES = "SAYSO_DEVICE", ("auto", "cpu", "cuda", "mps")


def device_asked(environment: Mapping[str, str]) -> str:
    """Say which of `DEVICES` is asked for: ``auto`` where nothing is.

    Raises
    ------
    SaysoError
        If it is something else.
    """
    said = environment.get(DEVICE, "").strip().lower() or "auto"
    if said not in DEVICES:
        raise SaysoError(f"{DEVICE} is '{environment[DEVICE]}'; set it to {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")
    return said
