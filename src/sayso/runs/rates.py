"""How much of what its data sheet says a card gives, and what the machine around it takes: assumed, or measured.

``python -m benchmarks gpu --calibration FILE`` measures; ``sayso show NAME --gpu GPU --calibration FILE`` reads it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sayso.core.errors import SaysoError
from sayso.core.files import read_json, write_atomically


@dataclass(frozen=True)
class Rates:
    """Shares of a card's data sheet and costs of a machine; as they stand they are assumed.

    `matrix_share` of the peak that matrix products reach, `bandwidth_share` of the memory's that passes over it reach,
    `launch_seconds` of handing the card one operation, `disk_bytes` a second that a disk takes. `measured`: card and
    torch they were measured on.
    """

    matrix_share: float = 0.5
    bandwidth_share: float = 0.8
    launch_seconds: float = 5e-6
    disk_bytes: float = 1e9
    measured: str | None = None

    @property
    def said(self) -> str:
        """The figures, and whether they are assumed, in words."""
        return (
            f"{self.matrix_share:.0%} of the card's peak, {self.bandwidth_share:.0%} of its memory's bandwidth, "
            f"{self.launch_seconds * 1e6:.2g} microseconds a launch, {self.disk_bytes / 1e9:.2g} GB/s to the disk "
            + (f"(measured on {self.measured})" if self.measured else "(assumed)")
        )


ASSUMED = Rates()


def read_rates(path: Path) -> Rates:
    """Read what was measured.

    Raises
    ------
    SaysoError
        If the file cannot be read, or a field is missing, unknown or of no use.
    """
    data = read_json(path)
    names = [field.name for field in fields(Rates)]
    if not isinstance(data, dict):
        raise SaysoError(f"{path}: not a calibration; it is an object with {', '.join(names)}")
    for name in data:
        if name not in names:
            raise SaysoError(f"{path}: a calibration has no field '{name}'; it has {', '.join(names)}")
    for name in names:
        value = data.get(name)
        if name == "measured":
            right, is_right = "card and torch in words", isinstance(value, str) and bool(value)
        elif name.endswith("_share"):
            right, is_right = "a share above 0, at most 1", _is_between(value, 1.0)
        else:
            right, is_right = "a number above 0", _is_between(value, sys.float_info.max)
        if not is_right:
            found = f"found {json.dumps(value)}" if name in data else "which is missing"
            raise SaysoError(f"{path}: {name} is to be {right}, {found}")
    return Rates(**data)


def _is_between(value: object, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= most


def write_rates(path: Path, rates: Rates) -> None:
    """Write what was measured."""
    write_atomically(path, json.dumps(asdict(rates), indent=1) + "\n")
