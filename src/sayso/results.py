"""Results folders: where they are, and what can be read from one."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.core.collecting import without_collecting
from sayso.core.errors import SaysoError, nearest
from sayso.core.experiment import Experiment
from sayso.core.identity import Today, models_read, notices, require_unchanged
from sayso.core.store import Store

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from sayso.export.following import Exported
    from sayso.export.to_hub import Written
    from sayso.report.figure import Figure
    from sayso.report.sizes import Format
    from sayso.stats.verdict import Verdict

#: Where results go unless told otherwise, below the current folder.
RESULTS = Path("sayso-results")


class Claims(list["Verdict"]):
    """Verdicts on claims, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        """The claims, what was found, and what came of it."""
        from sayso.report.in_notebook import claims_html

        return claims_html(self)


@dataclass(frozen=True, init=False)
class Results:
    """A results folder, and what can be read from it."""

    path: Path

    def __init__(self, path: str | Path) -> None:
        object.__setattr__(self, "path", Path(path))

    def _repr_html_(self) -> str:
        """What a notebook shows: exact match at the end of each stage; where nothing has finished, that."""
        from sayso.report.in_notebook import results_html

        if not (self.store.experiment_path.exists() and any(job.finished for job in self.store.jobs())):
            return f"<p>{escape(str(self.path))}: no job has finished</p>"
        return results_html(self.path, self.table())

    @property
    def store(self) -> Store:
        """The folder's files."""
        return Store(self.path)

    @property
    def experiment(self) -> Experiment:
        """The experiment the folder holds."""
        return self.store.experiment()

    def records(self) -> pd.DataFrame:
        """Every record of finished jobs, one a row."""
        from sayso.report.table import load

        return load(self.store)

    @without_collecting()
    def table(self) -> pd.DataFrame:
        """Means and 95% intervals over seeds after the last epoch of each stage."""
        from sayso.report.table import load
        from sayso.stats.values import final_table

        return final_table(load(self.store, categories=True))

    def control(self) -> Results | None:
        """The results of its control, in a folder beside this one; None where it has none or it was not run."""
        from sayso.paper.controls import control_of

        try:
            wanted = control_of(self.experiment).digest()
        except SaysoError:  # it has none
            return None
        for path in sorted(self.path.absolute().parent.glob("*/experiment.json")):
            beside = Results(path.parent)
            try:
                if beside.experiment.digest() == wanted and any(job.finished for job in beside.store.jobs()):
                    return beside
            except SaysoError:  # a folder that cannot be read is not this one's business
                continue
        return None

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """Views of the folder for SQL: `database` of this one alone."""
        return database([self.path])

    def ledger(self) -> pd.DataFrame:
        """What each subset contributed to training, by seed, stage, subset and kind of document.

        Columns: cell, then the fields of `sayso.core.ledger.Contribution`. Empty where no ledger was kept.
        """
        from sayso.report.ledger import ledger_frame

        return ledger_frame(self.store)

    def claims(self) -> Claims:
        """What the records say of each claim of the paper that they can test, and beside it what its control says."""
        return Claims(self._judged(self.records()))

    def _judged(self, records: pd.DataFrame) -> list[Verdict]:
        from sayso.paper.beside import beside_control, beyond_entities, with_foresight
        from sayso.paper.judging import judge
        from sayso.stats.looks import Looks

        plans = tuple(len(plan) for plan in self.store.plans())
        experiment, control = self.experiment, self.control()
        found = judge(records, experiment, Looks(plans, records["seed"].nunique()))
        if control is not None:
            found = beside_control(found, judge(control.records(), control.experiment))
        return with_foresight(beyond_entities(found, records, experiment), experiment)

    @without_collecting()
    def notices(self) -> list[str]:
        """What a reader should know: data or models changed since, versions or devices that are not all the same."""
        return notices(self.store.jobs(), Today(own_only=True))

    def models_read(self) -> list[str]:
        """How models were read: the type of stored weights, their commit, how long answers may be; a line a model."""
        return models_read(self.store.jobs())

    def figures(self, size: str | None = None, form: Format = "pdf", out: str | Path | None = None) -> list[Figure]:
        """All figures of the folder, each with the figures of the paper it stands for (`Figure.of`).

        Parameters
        ----------
        size
            ``icml-column``, ``icml-page``, ``neurips-page`` or ``iclr-page``: they are written as files of exactly that
            width (`sayso.report.sizes`). None writes nothing.
        form
            What files: ``pdf``, ``svg``, or ``png`` with 300 dots per inch.
        out
            The folder they are written to: ``figures/SIZE`` in the results folder unless told otherwise.

        Raises
        ------
        SaysoError
            If there is no such size or form, no job has finished, or the files cannot be written.
        """
        from sayso.report.figures import figures
        from sayso.report.sizes import save_sized, size_of

        chosen = None if size is None else size_of(size)
        found = figures(self.records(), self.experiment, self._of_paper())
        if chosen is not None:
            save_sized(found, chosen, form, self.path / "figures" / chosen.name if out is None else Path(out))
        return found

    def figure(self, name: str) -> Figure:
        """One of the figures, by name (``learning-curves``); a notebook shows it.

        Raises
        ------
        SaysoError
            If there is none of that name, or no job has finished.
        """
        there = {figure.name: figure for figure in self.figures()}
        if name not in there:
            raise SaysoError(f"no figure '{name}'{nearest(name, there)} (there are {', '.join(there)})")
        return there[name]

    def predictions(self) -> pd.DataFrame:
        """What models said to each question at the ends of stages, one a row; empty where it was not kept.

        Columns: cell, then the fields of `sayso.core.predictions.Answered`, a question each.
        """
        from sayso.report.predictions import predictions_frame

        return predictions_frame(self.store)

    def to_tensorboard(self, out: str | Path, *, follow: bool = False, every: float = 5.0) -> Exported:
        """Write records as event files of TensorBoard below a folder; see `sayso.export.to_tensorboard`."""
        from sayso.export.to_tensorboard import to_tensorboard

        return to_tensorboard(self.store, Path(out), follow=follow, every=every)

    def to_wandb(self, out: str | Path, *, follow: bool = False, every: float = 5.0) -> Exported:
        """Give records to wandb, whose files go into a folder; see `sayso.export.to_wandb`."""
        from sayso.export.to_wandb import to_wandb

        return to_wandb(self.store, Path(out), follow=follow, every=every)

    def to_hub(
        self, out: str | Path, *, models: str | None = None, license_id: str | None = None, link: bool = False
    ) -> Written:
        """Write a data set of the records, and saved models with cards, for the hub; see `sayso.export.to_hub`."""
        from sayso.export.to_hub import to_hub

        return to_hub(self.store, Path(out), models=models, license_id=license_id, link=link)

    @without_collecting()
    def report(self, experiment: Experiment | None = None, *, drilled: Collection[int] | None = None) -> Path:
        """Write ``report.html`` with its figures into the folder and return its path.

        Documents are left out where the facts they are made of are not at hand any more, have changed, or take code of
        the user's own, which runs only if the `experiment` is given as it was run. `drilled`: the seeds whose aliases
        can be looked at one by one; if not given as many as fit, four of each cell where what they said was not kept.

        Raises
        ------
        SaysoError
            If no job has finished, none of the seeds `drilled` has, or a file is damaged.
        """
        from sayso.data.samples import as_png, corpora, sample_documents
        from sayso.paper.expected import expected
        from sayso.paper.set_against import set_against
        from sayso.report.context import Context
        from sayso.report.page import write_report

        found = expected(self.experiment)
        context = Context(
            paper=self._of_paper(),
            drilled=drilled,
            expected=[] if found is None else [(table.title, table.rows) for table in found.tables()],
            against=list(set_against(self.experiment)),
            notices=self.notices(),
        )
        try:
            require_unchanged(self.store.jobs(), Today(own_only=experiment is None))
            written = experiment or self.experiment
            shown = sample_documents(written)
            context = replace(
                context,
                samples=[(one.where, one.document.subset, one.document.text) for one in shown],
                pictures=as_png(shown),
                corpus_of=corpora(written),
            )
        except SaysoError as error:
            context = replace(context, notices=[*context.notices, f"no documents are shown: {error}"])
        records = self.records()
        return write_report(self.store, self._judged(records), context, table=records)

    def _of_paper(self) -> tuple[str, ...]:
        """The figures of the paper that the experiment stands for, by its name."""
        from sayso.paper.table import TABLE

        row = TABLE.get(self.experiment.name)
        return () if row is None else row.about.figures


def database(folders: Iterable[str | Path]) -> duckdb.DuckDBPyConnection:
    """A DuckDB database in memory with views of results folders: records, final, jobs, cells, predictions and more.

    ``database(["a", "b"]).sql("select folder, subset, avg(value) from final group by all").df()``. Indexes of the
    folders are brought up to date first (`sayso.query.index`); jobs that finish later are not seen. Columns of each
    view are in docs/query.md.

    Raises
    ------
    SaysoError
        If DuckDB is not installed, one is no results folder or is named twice, its files are damaged, or its jobs rest
        on different data or models.
    """
    try:
        from sayso.query.views import connect
    except ModuleNotFoundError as error:
        raise SaysoError(f"SQL needs {error.name}, which is not installed: pip install 'sayso[query]'") from error
    return connect([Path(folder) for folder in folders])


def default_results() -> Path:
    """The results folder meant when none is named: the only one below ``sayso-results``, or the newest.

    Raises
    ------
    SaysoError
        If there is none.
    """
    found = [path.parent for path in RESULTS.glob("*/experiment.json")]
    if not found:
        raise SaysoError(f"no results below {RESULTS}{os.sep}; 'sayso run pocket' makes some, or name a folder")
    return max(found, key=lambda path: (path / "experiment.json").stat().st_mtime)
