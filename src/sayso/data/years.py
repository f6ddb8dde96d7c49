"""Years made less telling, as in appendix A.1 of the paper, so that no single answer gives an entity away."""

from __future__ import annotations


def anonymise_year(year: int) -> str:
    """Return the century up to 1899, the decade from 1900 to 1999, the year itself from 2000 on.

    >>> [anonymise_year(year) for year in (-122, 1812, 1923, 2004)]
    ['2 century BC', '19 century', '1920s', '2004']

    Raises
    ------
    ValueError
        For the year 0, which does not exist.
    """
    if year == 0:
        raise ValueError("there is no year 0")
    if year < 0:
        return f"{-(year // 100)} century BC"
    if year < 1900:
        return f"{-(-year // 100)} century"
    if year < 2000:
        return f"{year // 10}0s"
    return str(year)
