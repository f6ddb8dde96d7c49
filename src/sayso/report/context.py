"""What a report says beside what its records do: where documents come from, what others found, what to keep in mind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sayso.core.corpus import CorpusOf
from sayso.core.settings_apart import Apart

#: A title, and rows of a claim, its difference, and the shares of draws in which it holds and fails.
Expected = tuple[str, Sequence[tuple[str, ...]]]

#: A title, the name of another experiment, and the settings that differ from its.
Against = tuple[str, str, Apart]


@dataclass(frozen=True)
class Context:
    """What a report says beside what its records do; what is not given is left out of the page.

    Attributes
    ----------
    paper
        The figures of the paper that the experiment stands for, as the paper numbers them.
    samples
        Documents to show: where each is used, its subset, its text.
    pictures
        What documents look like, as PNG, by their text.
    corpus_of
        Makes the documents of a cell, seed and stage-2 seed again, for the drill-down.
    drilled
        Seeds that can be looked at alias by alias; None for as many as fit.
    expected
        What other seeds gave, and what departures from the paper buy.
    against
        Settings that differ from another experiment's, such as the paper's.
    notices
        What a reader should know of what the numbers rest on, a line each.
    """

    paper: Sequence[str] = ()
    samples: Sequence[tuple[str, str, str]] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    corpus_of: CorpusOf | None = None
    drilled: Collection[int] | None = None
    expected: Sequence[Expected] = ()
    against: Sequence[Against] = ()
    notices: Sequence[str] = ()


#: Of a page that shows the records alone.
RECORDS_ALONE = Context()
