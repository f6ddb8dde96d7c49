"""Old names of arguments: they give the value, say what they are called, and are not given beside the new ones."""

import warnings

import pytest

from sayso.core.errors import SaysoError
from sayso.core.renamed import by_either_name


def taken(new: int | None = None, old: int | None = None) -> int | None:
    return by_either_name("new", new, "old", old)


def test_the_name_gives_the_value_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert taken(new=0) == 0
        assert taken() is None


def test_the_old_name_gives_it_too_and_warns_whoever_used_it():
    with pytest.warns(DeprecationWarning, match=r"^old is deprecated: it is called new$") as told:
        assert taken(old=0) == 0
    assert [one.filename for one in told] == [__file__]


def test_both_are_refused():
    with pytest.raises(SaysoError, match=r"^old is the old name of new; give new alone$"):
        taken(new=1, old=1)
