"""Named random streams.

Every random draw of a replica comes from ``stream(seed, *names)``. The names say what is drawn ("aliases", "order",
stage, epoch), so adding a draw never shifts another, a run can continue at any epoch, and no draw depends on which
other seeds are trained beside it.
"""

from __future__ import annotations

import hashlib

import numpy as np

from sayso.core.spec import canonical_json


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return a generator of its own for `seed` and `names`; the same in every process and on every platform.

    >>> int(stream(7, "aliases").integers(1000)) == int(stream(7, "aliases").integers(1000))
    True
    """
    key = hashlib.sha256(canonical_json([seed, *names]).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(key, "big")))


def torch_seed(seed: int, *names: str | int) -> int:
    """A non-negative 63-bit seed for torch's own generators, from the same names."""
    return int(stream(seed, *names).integers(2**63 - 1))
