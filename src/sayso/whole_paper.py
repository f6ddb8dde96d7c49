"""All of the paper at one size: run what is missing, and put every claim of every figure beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.core.errors import SaysoError, nearest
from sayso.results import RESULTS, Results

if TYPE_CHECKING:
    from sayso.paper.whole import Scale
    from sayso.report.whole import StandsFor
    from sayso.stats.entries import Figure

#: Runs one experiment of the table into a folder.
Runner = Callable[[str, Path], None]


@dataclass(frozen=True, eq=False)
class WholePaper:
    """What is in a folder of the paper's experiments at one size.

    `there`: the folder of each experiment that has results. `refused`: why others could not be run here, by name.
    """

    scale: Scale
    path: Path
    there: dict[str, Results]
    refused: dict[str, str] = field(default_factory=dict)

    def figures(self) -> list[Figure]:
        """Every claim of every figure: what it came to, or that it was not run."""
        from sayso.paper.across import names_of_pairs
        from sayso.paper.whole import whole

        both = {name: self.there[name] for name in names_of_pairs(list(self.there))}
        records = {name: (own.experiment, own.records()) for name, own in both.items()}
        return whole(self.scale, records, {name: own.claims() for name, own in self.there.items()})

    def page(self, figures: Sequence[Figure]) -> Path:
        """Write ``paper.html`` beside the experiments' folders, and each one's report that is missing or out of date.

        Raises
        ------
        SaysoError
            If it cannot be written there.
        """
        from sayso.paper.whole import places
        from sayso.report.whole import FigureOfPaper, write_page
        from sayso.stats.entries import Figure

        drawn = {name: self._with_report(own) for name, own in self.there.items()}
        ledger = {figure.name: figure for figure in figures}
        shown = []
        for place in places(self.scale):
            experiments = [drawn.get(name) or self._without(name) for name in place.experiments]
            own = ledger.get(place.name) or Figure(place.name, ())
            shown.append(FigureOfPaper(own, experiments, place.other_size))
        names = [own.ledger.name for own in shown]
        for at, figure in enumerate(figures):
            if figure.name not in names:  # what is beyond the paper, and claims on two figures: after what is before it
                before = [names.index(other.name) for other in figures[:at] if other.name in names]
                names.insert(max(before, default=-1) + 1, figure.name)
                shown.insert(max(before, default=-1) + 1, FigureOfPaper(figure, ()))
        return write_page(self.path / "paper.html", self.scale, shown, self.refused)

    def _with_report(self, own: Results) -> StandsFor:
        """An experiment with results: its report, written anew if jobs have finished since."""
        from sayso.paper.table import TABLE
        from sayso.report.charts_in_page import saved
        from sayso.report.whole import StandsFor

        page, finished = own.path / "report.html", [job.finished_path for job in own.store.jobs() if job.finished]
        if not page.exists() or any(path.stat().st_mtime_ns > page.stat().st_mtime_ns for path in finished):
            own.report()
        about = TABLE[own.experiment.name].about
        return StandsFor(
            name=own.experiment.name,
            shows=about.shows,
            found=about.found,
            report=page.relative_to(self.path).as_posix(),
            charts=saved(own.path / "charts"),
        )

    def _without(self, name: str) -> StandsFor:
        """An experiment without results."""
        from sayso.paper.table import TABLE
        from sayso.report.whole import StandsFor

        about = TABLE[name].about
        return StandsFor(name, about.shows, about.found, refused=self.refused.get(name))


def whole_paper(
    scale: Scale, out: str | Path = RESULTS, *, only: Sequence[str] = (), run: Runner | None = None
) -> WholePaper:
    """Run all experiments of a size, one after the other, each into a folder of its name; then look at what is there.

    Parameters
    ----------
    out
        The folder that holds theirs. What is finished there is not run again.
    only
        Names of experiments; all of them where none is named.
    run
        Runs one of them (None: none is run, and what is there is looked at). What it refuses is kept as the reason why
        it could not be run here, and the next is run.

    Raises
    ------
    SaysoError
        If a name is none of this size.
    """
    from sayso.paper.table import TABLE
    from sayso.paper.whole import experiments_of

    names = experiments_of(scale)
    for name in only:
        if name not in names:
            raise SaysoError(f"'{name}' is no experiment of the paper at {scale} size{nearest(name, names)}")
    refused: dict[str, str] = {}
    there: dict[str, Results] = {}
    for name in names:
        own = Results(Path(out) / name)
        if run is not None and (not only or name in only):
            try:
                run(name, own.path)
            except SaysoError as error:
                refused[name] = str(error)
        if own.store.experiment_path.exists() and any(job.finished for job in own.store.jobs()):
            if own.experiment.digest() != TABLE[name].experiment.digest():
                refused[name] = f"{own.path} holds results of other settings; move it away"
            else:
                there[name] = own
    return WholePaper(scale, Path(out), there, refused)
