"""How many documents fit into memory at once: found out by trying."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from sayso.core.errors import SaysoError

T = TypeVar("T")

log = logging.getLogger("sayso")


class Fitting:
    """Most documents of one pass. When memory runs out it is halved, aloud, and the work is done again from its start.

    `rows`: the limit, None while everything fitted.
    """

    def __init__(self, rows: int | None, what: str) -> None:
        self.rows = rows
        self._what = what

    def run(self, work: Callable[[int | None], T], documents: int) -> T:
        """Do `work(limit)` with the limit that fits; `documents` is how many there are.

        Raises
        ------
        SaysoError
            If memory runs out with a single document.
        """
        while True:
            try:
                return work(self.rows)
            except torch.OutOfMemoryError:
                tried = min(documents, self.rows or documents)
            # the error is gone here, and with it what its traceback held on to
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if tried <= 1:
                raise SaysoError(
                    f"out of memory with one document in {self._what}; try gradient_checkpointing, lora or a smaller "
                    "model"
                )
            self.rows = tried // 2
            log.warning("out of memory: %s goes on with at most %d documents at a time", self._what, self.rows)
