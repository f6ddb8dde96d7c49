import logging

import pytest
import torch

from sayso.core.errors import SaysoError
from sayso.learners.memory import Fitting, again, slices


def test_what_does_not_fit_is_halved_aloud_until_it_does(caplog):
    tried: list[int | None] = []

    def work(most: int | None) -> str:
        tried.append(most)
        if (most or 21) > 3:
            raise torch.OutOfMemoryError("no memory left")
        return "done"

    fitting = Fitting(None, "training", "a smaller model")
    with caplog.at_level(logging.WARNING, "sayso"):
        assert fitting.run(work, 21) == "done"
        assert fitting.run(work, 21) == "done"
    assert tried == [None, 10, 5, 2, 2]
    assert len(caplog.records) == 3


def test_where_not_even_one_fits_the_line_says_what_helps():
    def work(most: int | None) -> None:
        raise torch.OutOfMemoryError("no memory left")

    with pytest.raises(SaysoError, match=r"^out of memory with one document in evaluation; try fewer seeds$"):
        Fitting(4, "evaluation", "fewer seeds").run(work, 9)


def test_where_a_limit_may_not_be_halved_the_line_says_what_it_should_be():
    def work(most: int | None) -> None:
        raise torch.OutOfMemoryError("no memory left")

    with pytest.raises(SaysoError, match=r"with 21 documents .* begin anew with model.micro_batch_size set to 10$"):
        Fitting(None, "training", "a smaller model", halves=False).run(work, 21)


def test_another_try_is_one_more():
    tried: list[int] = []

    def work() -> None:
        tried.append(1)
        raise torch.OutOfMemoryError("no memory left")

    with pytest.raises(torch.OutOfMemoryError):
        again(work)
    assert len(tried) == 2
    assert again(lambda: 7) == 7


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [(5, None, [(0, 5)]), (5, 2, [(0, 2), (2, 4), (4, 6)]), (4, 4, [(0, 4)]), (0, None, []), (0, 3, [])],
)
def test_parts_hold_everything_once(count, most, expected):
    assert [(part.start, part.stop) for part in slices(count, most)] == expected
