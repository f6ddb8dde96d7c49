"""Two results folders side by side: which settings, numbers and verdicts differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.settings_apart import settings_apart
from sayso.core.sweep import cells
from sayso.results import Results

if TYPE_CHECKING:
    import pandas as pd

    from sayso.report.two_runs import Shown
    from sayso.stats.two_runs import ClaimCompared


@dataclass(frozen=True, eq=False)
class Compared:
    """What two folders have in common, and what not.

    Parameters
    ----------
    first
        The one folder.
    second
        The other one.
    settings
        Path of a setting that differs -> what it is in each (None: not there).
    numbers
        Every number that both have at the end of a stage, a row each, with the fields of `Change` and ``corrected``,
        its p-value corrected (Holm) over all of them.
    claims
        The claims that both can test, with their verdicts.
    only
        Names of the cells that the first, and that the second, has alone.
    notices
        What a reader of either folder should know, as `Results.notices`.
    """

    first: Results
    second: Results
    settings: dict[str, tuple[object, object]]
    numbers: pd.DataFrame
    claims: list[ClaimCompared]
    only: tuple[list[str], list[str]]
    notices: list[str]

    @property
    def differing(self) -> pd.DataFrame:
        """The numbers that differ after correction, the surest first."""
        from sayso.stats.two_runs import differing

        return differing(self.numbers)

    def shown(self) -> Shown:
        """All of it as text: a line that says the most, and tables.

        Returns
        -------
        Shown
            What a page of it, or a terminal, shows.
        """
        from sayso.report.two_runs import shown

        return shown(self.settings, self.numbers, self.claims, self.only)

    def page(self, file: str | Path) -> Path:
        """Write it as a page that needs nothing else.

        Parameters
        ----------
        file
            Where.

        Returns
        -------
        Path
            The page's path.

        Raises
        ------
        SaysoError
            If it cannot be written there.
        """
        from sayso.report.two_runs import write_page

        return write_page(Path(file), (str(self.first.path), str(self.second.path)), self.shown(), self.notices)


def compare(first: str | Path | Results, second: str | Path | Results) -> Compared:
    """Compare two results folders: this machine with that one, a model, a setting or a version with another.

    Parameters
    ----------
    first
        A results folder.
    second
        Another one.

    Returns
    -------
    Compared
        What differs: seed by seed where both have the same seeds, as two samples where not.

    Raises
    ------
    SaysoError
        If one is no results folder, has nothing finished, or they have no number in common.
    """
    from sayso.stats.two_runs import changes

    both = [own if isinstance(own, Results) else Results(own) for own in (first, second)]
    records = [own.records() for own in both]
    experiments = [own.experiment for own in both]
    names = [[cell.name for cell in cells(experiment)] for experiment in experiments]
    numbers = changes(*records)
    if numbers.empty:
        told = " and ".join(f"{own.path} {_listed(there)}" for own, there in zip(both, names, strict=True))
        raise SaysoError(f"nothing to compare: no number is in both: {told}")
    return Compared(
        first=both[0],
        second=both[1],
        settings=settings_apart(*experiments),
        numbers=numbers,
        claims=_claims(both, records, experiments),
        only=([n for n in names[0] if n not in names[1]], [n for n in names[1] if n not in names[0]]),
        notices=[f"{own.path}: {line}" for own in both for line in own.notices()],
    )


def _claims(both: list[Results], records: list[pd.DataFrame], experiments: list[Experiment]) -> list[ClaimCompared]:
    import pandas as pd

    from sayso.paper.judging import families
    from sayso.stats.two_runs import ClaimCompared, change

    found = []
    for own, table, experiment in zip(both, records, experiments, strict=True):
        values = {
            (finding.cell, finding.claim): pd.Series(finding.first - finding.second, index=list(family.seeds))
            for family in families(table, experiment)
            for finding in family.findings
        }
        found.append({(verdict.cell, verdict.claim): (verdict, values) for verdict in own.claims()})
    return [
        ClaimCompared(verdict, found[1][key][0], change(values[key], found[1][key][1][key]))
        for key, (verdict, values) in found[0].items()
        if key in found[1]
    ]


def _listed(names: Sequence[str]) -> str:
    if names == ["main"]:
        return "is no sweep"
    return f"has the cells {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"
