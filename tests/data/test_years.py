import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.data.years import anonymise_year


@pytest.mark.parametrize(
    ("year", "text"),
    [
        (-122, "2 century BC"),  # these three are the paper's own (appendix A.1)
        (1812, "19 century"),
        (1923, "1920s"),
        (-2285, "23 century BC"),
        (-101, "2 century BC"),
        (-100, "1 century BC"),
        (-1, "1 century BC"),
        (1, "1 century"),
        (100, "1 century"),
        (101, "2 century"),
        (1800, "18 century"),
        (1801, "19 century"),
        (1899, "19 century"),
        (1900, "1900s"),
        (1999, "1990s"),
        (2000, "2000"),
        (2004, "2004"),
    ],
)
def test_years_are_told_as_in_the_paper(year, text):
    assert anonymise_year(year) == text


@given(st.integers(1, 1899), st.integers(1, 1899))
def test_two_years_before_1900_read_alike_exactly_if_their_centuries_are_the_same(one, other):
    same = -(-one // 100) == -(-other // 100)
    assert (anonymise_year(one) == anonymise_year(other)) == same
    assert (anonymise_year(-one) == anonymise_year(-other)) == same
    assert anonymise_year(one) != anonymise_year(-one)


def test_there_is_no_year_0():
    with pytest.raises(ValueError, match="no year 0"):
        anonymise_year(0)
