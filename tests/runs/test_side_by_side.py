"""How many seeds fit: told from what a few take, counted here as a GPU's allocator would."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sayso.core.errors import SaysoError
from sayso.learners.grids.specs import GridMLP
from sayso.runs.side_by_side import MOST, SHARE, bytes_taken, replicas_that_fit


class Takes:
    """A memory of which one, two, four and eight replicas are said to take so much; how many were tried."""

    def __init__(self, *taken: float) -> None:
        self.taken, self.tried = taken, 0

    def begin(self) -> None: ...

    def peak(self) -> float:
        self.tried += 1
        return self.taken[self.tried - 1]


@pytest.fixture
def quickest(short):
    """Few documents a step."""
    return short.with_settings({"train.batch_size": 8})


@pytest.mark.parametrize(
    ("taken", "free", "fits", "tried"),
    [
        ((10, 20, 40, 80), 1000, 100, 4),
        ((510, 520, 540, 580), 1000, 50, 4),
        ((100, 110, 130, 230), 1000, 8 + (1000 - 230) // 25, 4),  # from four on something else takes most
        ((100, 200), 399, 3, 2),  # four would not fit
        ((100,), 199, 1, 1),
        ((100,), 5, 1, 1),
        ((1, 2, 4, 8), 10**9, MOST, 4),
        ((10, 10, 10, 10), 1000, MOST, 4),
    ],
)
def test_as_many_fit_as_there_is_memory_for(quickest, taken, free, fits, tried):
    memory = Takes(*taken)
    assert replicas_that_fit(quickest, 1, (free + 1e-6) / SHARE, memory) == fits
    assert memory.tried == tried


class Counted(TorchDispatchMode):
    """Counts the bytes of all tensors that are alive, and the most there were at a time."""

    def begin(self) -> None:
        self.now = self.most = 0
        self.seen: set[int] = set()

    def peak(self) -> float:
        return float(self.most)

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self.seen:
            return
        self.seen.add(storage._cdata)
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())

    def _gone(self, number: int, size: int) -> None:
        self.seen.discard(number)
        self.now -= size


def test_what_a_few_take_tells_how_many_fit(quickest):
    with Counted() as memory:
        many = bytes_taken(quickest, range(20), memory)
        assert replicas_that_fit(quickest, 0, many / SHARE, memory) == pytest.approx(20, abs=1)


def test_what_does_not_train_at_all_is_an_error(quickest):
    broken = quickest.model_copy(update={"model": GridMLP()})
    with pytest.raises(SaysoError, match="this model sees pictures"):
        replicas_that_fit(broken, 1, 10**9, Takes(1))
