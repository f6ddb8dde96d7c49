"""Years made less telling, as in appendix A.1 of the paper, so that no single answer gives an entity away."""

from __future__ import annotations

from typing import Literal

#: How years are told. They differ in two years, see `anonymise_year`.
YearRule = Literal["paper", "code"]


def anonymise_year(year: int, rule: YearRule = "paper") -> str:
    """Return the century of early years, the decade of later ones, and the year itself from 2000 on.

    ``paper`` is what appendix A.1 says: decades begin with 1900 ("all years before 1900 are replaced with the
    corresponding century"); it says nothing of a year 0, and there was none. ``code`` is what the authors' program
    does: 1900 still belongs to the 19th century, and 0 is a century of its own.

    >>> [anonymise_year(year) for year in (-122, 1812, 1923, 2004)]
    ['2 century BC', '19 century', '1920s', '2004']
    >>> [anonymise_year(1900), anonymise_year(1900, "code"), anonymise_year(0, "code")]
    ['1900s', '19 century', '0 century']

    Raises
    ------
    ValueError
        For the year 0 under the paper's rule.
    """
    if year == 0 and rule == "paper":
        raise ValueError("there is no year 0")
    if year < 0:
        return f"{-(year // 100)} century BC"
    if year < 1900 or (year == 1900 and rule == "code"):
        return f"{-(-year // 100)} century"
    if year < 2000:
        return f"{year // 10}0s"
    return str(year)
