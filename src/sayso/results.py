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
from sayso.core.extras import advice
from sayso.core.identity import Today, models_read, notices, require_unchanged
from sayso.core.renamed import by_either_name
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
    """A results folder, and what can be read from it.

    Parameters
    ----------
    path
        The folder.
    """

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
        """Every record of finished jobs, one a row.

        Returns
        -------
        pd.DataFrame
            The fields of `Record` as columns; empty where no job has finished.

        Raises
        ------
        SaysoError
            If it is no results folder, or a file is damaged.
        """
        from sayso.report.table import load

        return load(self.store)

    @without_collecting()
    def table(self) -> pd.DataFrame:
        """Means and 95% intervals over seeds after the last epoch of each stage.

        Returns
        -------
        pd.DataFrame
            A row for each number: cell, stage, stage's epoch, measure, evaluation set, subset and ``what``, then
            ``mean``, ``low``, ``high`` and ``seeds``; in the measure's unit.

        Raises
        ------
        SaysoError
            As `records`.
        """
        from sayso.report.table import load
        from sayso.stats.values import final_table

        return final_table(load(self.store, categories=True))

    def control(self) -> Results | None:
        """The results of its control, in a folder beside this one.

        Returns
        -------
        Results | None
            None where it has no control, or that was not run.
        """
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
        """Views of the folder for SQL: `database` of this one alone.

        Returns
        -------
        duckdb.DuckDBPyConnection
            The connection.

        Raises
        ------
        SaysoError
            As `database`.
        """
        return database([self.path])

    def ledger(self) -> pd.DataFrame:
        """What each subset contributed to training, by seed, stage, subset and kind of document.

        Returns
        -------
        pd.DataFrame
            ``cell``, then the fields of `Contribution` as columns; empty where no ledger was kept.
        """
        from sayso.report.ledger import ledger_frame

        return ledger_frame(self.store)

    def claims(self) -> Claims:
        """What the records say of each claim of the paper that they can test, and beside it what its control says.

        Returns
        -------
        Claims
            A list: a `Verdict` a claim and cell, in the order of the paper; claims of one figure are judged together.

        Raises
        ------
        SaysoError
            As `records`.
        """
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
        """What a reader should know: data or models changed since, versions or devices that are not all the same.

        Returns
        -------
        list[str]
            A line each; none where all is well.
        """
        return notices(self.store.jobs(), Today(own_only=True))

    def models_read(self) -> list[str]:
        """How models were read: the type of stored weights, their commit, how long answers may be.

        Returns
        -------
        list[str]
            A line a model.
        """
        return models_read(self.store.jobs())

    def figures(
        self,
        size: str | None = None,
        format: Format = "pdf",  # noqa: A002
        out: str | Path | None = None,
        *,
        form: Format | None = None,
    ) -> list[Figure]:
        """All figures of the folder, each with the figures of the paper it stands for (`Figure.of`).

        Parameters
        ----------
        size
            ``icml-column``, ``icml-page``, ``neurips-page`` or ``iclr-page``: they are written as files of exactly that
            width. None writes nothing.
        format
            What files: ``pdf``, ``svg``, or ``png`` with 300 dots per inch.
        out
            The folder they are written to: ``figures/SIZE`` in the results folder unless told otherwise.
        form
            Deprecated: `format`.

        Returns
        -------
        list[Figure]
            The figures.

        Raises
        ------
        SaysoError
            If there is no such size or format, no job has finished, or the files cannot be written.
        """
        from sayso.report.figures import figures
        from sayso.report.sizes import format_of, save_sized, size_of

        asked = by_either_name("format", None if format == "pdf" else format, "form", form)
        kind = format_of(asked or "pdf")
        chosen = None if size is None else size_of(size)
        found = figures(self.records(), self.experiment, self._of_paper())
        if chosen is not None:
            save_sized(found, chosen, kind, self.path / "figures" / chosen.name if out is None else Path(out))
        return found

    def figure(self, name: str) -> Figure:
        """One of the figures; a notebook shows it.

        Parameters
        ----------
        name
            Its name, as ``learning-curves``.

        Returns
        -------
        Figure
            The figure.

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
        """What models said to each question at the ends of stages, one a row.

        Returns
        -------
        pd.DataFrame
            ``cell``, then the fields of `Answered` as columns, a question each; empty where it was not kept.
        """
        from sayso.report.predictions import predictions_frame

        return predictions_frame(self.store)

    def to_tensorboard(self, out: str | Path, *, follow: bool = False, every: float = 5.0) -> Exported:
        """Write records as event files of TensorBoard below a folder; again adds only what is new.

        Parameters
        ----------
        out
            The folder.
        follow
            Goes on until all jobs that are planned have finished, here or elsewhere.
        every
            How many seconds pass between two looks.

        Returns
        -------
        Exported
            How many runs there are, and how many values were added.

        Raises
        ------
        SaysoError
            If it is not a results folder, nothing was recorded yet (and it is not followed), `out` has other content,
            or files are damaged.
        """
        from sayso.export.to_tensorboard import to_tensorboard

        return to_tensorboard(self.store, Path(out), follow=follow, every=every)

    def to_wandb(self, out: str | Path, *, follow: bool = False, every: float = 5.0) -> Exported:
        """Give records to wandb, whose files go into a folder; again adds only what is new.

        Parameters
        ----------
        out
            The folder.
        follow
            Goes on until all jobs that are planned have finished, here or elsewhere.
        every
            How many seconds pass between two looks.

        Returns
        -------
        Exported
            How many runs there are, and how many values were added.

        Raises
        ------
        SaysoError
            As `to_tensorboard`.
        """
        from sayso.export.to_wandb import to_wandb

        return to_wandb(self.store, Path(out), follow=follow, every=every)

    def to_hub(
        self, out: str | Path, *, models: str | None = None, license_id: str | None = None, link: bool = False
    ) -> Written:
        """Write a data set of the records, and saved models with cards, for the Hugging Face hub; nothing is sent.

        Parameters
        ----------
        out
            A folder that is not there yet, is empty, or was written by this.
        models
            Which saved models: ``all``, the ``last`` of each seed, or ``none``; all that there are if not given.
        license_id
            What the cards have as the license, an identifier of the hub's such as ``apache-2.0``; none if not given.
        link
            Hard links to the models' files, which take no room, instead of copies: whoever changes one changes both.

        Returns
        -------
        Written
            What there is now.

        Raises
        ------
        SaysoError
            If no job has finished, models are asked for and none was saved, `out` has other content, links cannot be
            made, or files are damaged.
        """
        from sayso.export.to_hub import to_hub

        return to_hub(self.store, Path(out), models=models, license_id=license_id, link=link)

    @without_collecting()
    def report(
        self,
        experiment: Experiment | None = None,
        *,
        seeds: Collection[int] | None = None,
        drilled: Collection[int] | None = None,
    ) -> Path:
        """Write ``report.html`` with its figures into the folder.

        Documents are left out where the facts they are made of are not at hand any more, have changed, or take code of
        the user's own.

        Parameters
        ----------
        experiment
            The experiment as it was run: code of your own that its documents take runs only if it is given.
        seeds
            The seeds whose aliases can be looked at one by one; if not given as many as fit, four of each cell where
            what they said was not kept.
        drilled
            Deprecated: `seeds`.

        Returns
        -------
        Path
            The report's path.

        Raises
        ------
        SaysoError
            If no job has finished, none of the `seeds` has, or a file is damaged.
        """
        from sayso.data.samples import as_png, corpora, sample_documents
        from sayso.paper.expected import expected
        from sayso.paper.set_against import set_against
        from sayso.report.context import Context
        from sayso.report.page import write_report

        chosen = by_either_name("seeds", seeds, "drilled", drilled, stacklevel=3)
        found = expected(self.experiment)
        context = Context(
            paper=self._of_paper(),
            drilled=chosen,
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
    folders are brought up to date first; jobs that finish later are not seen. Columns of each view are in the guide,
    under SQL over results.

    Parameters
    ----------
    folders
        The results folders.

    Returns
    -------
    duckdb.DuckDBPyConnection
        The connection.

    Raises
    ------
    SaysoError
        If DuckDB is not installed, one is no results folder or is named twice, its files are damaged, or its jobs rest
        on different data or models.
    """
    try:
        from sayso.query.views import connect
    except ModuleNotFoundError as error:
        raise SaysoError(f"SQL needs {error.name}, which is not installed: {advice('duckdb')}") from error
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
