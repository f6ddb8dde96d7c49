"""Records by column, a few dozen bytes each: as Python's objects a million of them would take ten times as much."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sayso.core.records import COLUMNS

#: Columns that are numbers, with the codes `array` has for them; all others are text.
NUMBERS = {"seed": "q", "epoch": "q", "value": "d", "n": "q", "stage2_seed": "q"}


class Columns:
    """Columns of records; a text is kept once, and where it stands as its number among the texts of its column."""

    def __init__(self) -> None:
        self._columns = {name: array(NUMBERS.get(name, "i")) for name in COLUMNS}
        self._texts: dict[str, defaultdict[Any, int]] = {
            name: defaultdict(count().__next__) for name in COLUMNS if name not in NUMBERS
        }
        self._last: dict[str, tuple[tuple[Any, ...], array[Any]]] = {}

    def __len__(self) -> int:
        return len(self._columns["value"])

    def extend(self, columns: Sequence[tuple[Any, ...]]) -> None:
        """Add records, as columns in the order of `sayso.core.records.COLUMNS`."""
        for name, values in zip(COLUMNS, columns, strict=True):
            before, packed = self._last.get(name, ((), None))
            if packed is None or values != before:  # jobs of a sweep are measured alike
                packed = self._packed(name, values)
                self._last[name] = (values, packed)
            self._columns[name].extend(packed)

    def _packed(self, name: str, values: tuple[Any, ...]) -> array[Any]:
        if name in self._texts:
            return array("i", map(self._texts[name].__getitem__, values))
        try:
            return array(NUMBERS[name], values)
        except TypeError:  # a whole number written as 3.0
            return array(NUMBERS[name], map(int, values))

    def sort(self, by: Iterable[NDArray[Any]]) -> None:
        """Put records in the order of these keys, the first of which counts most; equal ones stay in their order."""
        order = np.lexsort([*by][::-1])
        for name, column in self._columns.items():
            self._columns[name] = array(column.typecode, np.frombuffer(column, column.typecode)[order].tobytes())

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers."""
        return np.frombuffer(self._columns[name], NUMBERS[name])

    def texts(self, name: str) -> tuple[NDArray[np.intc], list[str]]:
        """A column of text: for each record the place of its text among those of the column, and these."""
        return np.frombuffer(self._columns[name], "i"), list(self._texts[name])
