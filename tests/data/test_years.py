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


@given(st.integers(-4000, 2100).filter(lambda year: year not in (0, 1900)))
def test_the_two_rules_differ_in_two_years_only(year):
    assert anonymise_year(year, "code") == anonymise_year(year, "paper")


def test_what_the_code_makes_of_1900_and_of_0():
    assert anonymise_year(1900, "code") == "19 century"
    assert anonymise_year(1900, "paper") == "1900s"
    assert anonymise_year(0, "code") == "0 century"


def test_there_is_no_year_0():
    with pytest.raises(ValueError, match="no year 0"):
        anonymise_year(0)
