"""How many seeds fit: told from what a few take, counted here as a GPU's allocator would."""

import gc
import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus
from sayso.runs.side_by_side import SHARE, bytes_taken, replicas_that_fit


@pytest.mark.parametrize(
    ("taken", "free", "fits", "tried"),
    [
        ((10, 20, 40, 80), 1000, 100, 4),
        ((510, 520, 540, 580), 1000, 50, 4),
        ((100, 110, 130, 230), 1000, 8 + (1000 - 230) // 25, 4),  # from four on something else takes most
        ((100, 200), 399, 3, 2),  # four would not fit
        ((100, 200), 199, 1, 2),
        ((100, 200), 5, 1, 2),
        ((1, 2, 4, 8), 10**9, 10**9, 4),
        ((10, 10, 10, 10), 1000, 998, 4),  # whatever takes nothing is taken to take a byte
    ],
)
def test_as_many_fit_as_there_is_memory_for(taken, free, fits, tried):
    asked: list[int] = []

    def take(count: int) -> float:
        asked.append(count)
        return float(taken[len(asked) - 1])

    assert replicas_that_fit(take, (free + 1e-6) / SHARE) == fits
    assert asked == [1, 2, 4, 8][:tried]


@pytest.mark.parametrize("error", [SaysoError("out of memory with one document"), torch.OutOfMemoryError()])
def test_where_memory_runs_out_as_many_fit_as_ran_before(error):
    def full(count: int) -> float:
        if count > most:
            raise error
        return float(count)

    for most in (1, 2, 4):
        assert replicas_that_fit(full, 10**12) == most
    most = 0
    with pytest.raises(type(error)):
        replicas_that_fit(full, 10**12)


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that are alive, and the most there were at a time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.seen = 0, set[int]()

    def begin(self) -> None:
        gc.collect()
        self.before = self.most = self.now

    def peak(self) -> float:
        return float(self.most - self.before)

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


def test_what_a_few_take_tells_what_many_take(quick):
    with Counted() as memory:
        one, two, five = (bytes_taken(quick, range(count), memory) for count in (1, 2, 5))
    assert two + 3 * (two - one) == pytest.approx(five, rel=0.1)
    weights = sum(tensor.nbytes for tensor in quick.model.build([build_corpus(quick, 0)]).parameters.values())
    assert two - one > 4 * weights  # with gradients and two moments
