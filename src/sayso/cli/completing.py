"""What the shell offers when Tab is pressed: names of experiments, settings, results folders, measures.

Nothing here may print or fail: where something is missing or wrong, nothing is offered. Nobody's code is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

from sayso.core.errors import SaysoError

#: A word, and what it means; shells that show no help show the word alone.
Offer = tuple[str, str]
#: What means that there is nothing to offer.
_NOTHING = (SaysoError, ImportError, OSError)


def experiments(incomplete: str) -> list[Offer]:
    """Experiments of the catalogue, with what each shows."""
    with suppress(*_NOTHING):
        from sayso.paper.table import TABLE

        shown = {name: row.experiment.summary.strip().partition("\n")[0] for name, row in TABLE.items()}
        return _beginning(incomplete, shown.items())
    return []


def settings(context: typer.Context, incomplete: str) -> list[Offer]:
    """Settings of the experiment that is named before, as ``path=``, with the value each has."""
    if "=" in incomplete:
        return []
    with suppress(*_NOTHING):
        from sayso.core.spec import canonical_json
        from sayso.paper.table import EXPERIMENTS

        experiment = EXPERIMENTS.get(_named(context))
        if experiment is not None:
            there = experiment.settings().items()
            return _beginning(incomplete, ((f"{path}=", canonical_json(value)) for path, value in there))
    return []


def folders(incomplete: str) -> list[Offer]:
    """Results folders below ``sayso-results``, by their names."""
    with suppress(*_NOTHING):
        from sayso.results import RESULTS

        return _beginning(incomplete, ((path.parent.name, "") for path in sorted(RESULTS.glob("*/experiment.json"))))
    return []


def measures(incomplete: str) -> list[Offer]:
    """Sayso's own measures."""
    with suppress(*_NOTHING):
        from sayso.measures.named import MEASURES

        return _beginning(incomplete, ((name, "") for name in MEASURES))
    return []


def subsets(context: typer.Context, incomplete: str) -> list[Offer]:
    """Subsets of the experiment that is named before."""
    with suppress(*_NOTHING):
        from sayso.paper.table import EXPERIMENTS

        experiment = EXPERIMENTS.get(_named(context))
        if experiment is not None:
            return _beginning(incomplete, ((subset.name, subset.group) for subset in experiment.subsets))
    return []


def of(*words: str) -> Callable[[str], list[Offer]]:
    """Offer a few words that are always the same."""

    def offer(incomplete: str) -> list[Offer]:
        return _beginning(incomplete, ((word, "") for word in words))

    return offer


def _named(context: typer.Context) -> str:
    """The experiment that was named before: the first of the words that an option without a value leaves unread."""
    return str(context.params.get("name") or next(iter(context.args), ""))


def _beginning(incomplete: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer[0].startswith(incomplete)]
