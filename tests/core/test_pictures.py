import numpy as np

from sayso.core.examples import Example
from sayso.core.pictures import fixed_draws


def asked(prompt: str) -> Example:
    return Example(prompt, " A", ("A",), "question", "QA3", "12/34", "AB/BA", "cell-1")


def test_the_numbers_belong_to_the_example_and_the_seed_whatever_is_measured_beside_it():
    one, other = asked("cell 1 of 12/34"), asked("cell 2 of 12/34")
    together = fixed_draws([one, other], seed=3, cells=4)
    np.testing.assert_array_equal(together[1:], fixed_draws([other], seed=3, cells=4))
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(together, fixed_draws([one, other], seed=4, cells=4))
    assert (together >= 0).all()
    assert (together < 1).all()


def test_no_examples_need_no_numbers():
    assert fixed_draws([], seed=0, cells=9).shape == (0, 9)
