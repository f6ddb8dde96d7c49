"""Measures by name, as a command line has them."""

from __future__ import annotations

import json
from typing import get_args

from pydantic import TypeAdapter, ValidationError

from sayso.core.errors import SaysoError, nearest
from sayso.core.measure import Measure, When
from sayso.core.spec import explain, resolve
from sayso.measures.belief import Belief
from sayso.measures.by_attribute import ExactMatchByAttribute
from sayso.measures.by_entity import ExactMatchByEntity
from sayso.measures.document_loss import DocumentLoss
from sayso.measures.exact_match import ExactMatch
from sayso.measures.f1 import F1
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.losses import MeanLoss
from sayso.measures.predictions import Predictions
from sayso.measures.probing.probes import Probes
from sayso.measures.probing.steered import Steered
from sayso.measures.step_effect import StepEffect

#: sayso's own, by the names that stand in the records.
MEASURES: dict[str, type[Measure]] = {
    kind.name: kind
    for kind in (
        *(ExactMatch, MeanLoss, DocumentLoss, F1, ExactMatchByAttribute, ExactMatchByEntity, Predictions),
        *(Belief, GradientAlignment, StepEffect, Probes, Steered),
    )
}


def measure_named(text: str, when: str | None = None) -> Measure:
    """Make a measure of a name (``f1``), of ``module:NAME`` or of JSON with a ``type``.

    Parameters
    ----------
    text
        The name, as a command line has it.
    when
        When it is due: ``epoch``, ``stage``, ``start``, a number of epochs, or several of them with commas between; as
        the measure has it if not given.

    Returns
    -------
    Measure
        The measure.

    Raises
    ------
    SaysoError
        If there is no such measure or cadence, or its settings do not fit.

    Examples
    --------
    >>> measure_named("f1", "start,stage").when
    ('start', 'stage')
    """
    cadence = {} if when is None else {"when": _cadence(when)}
    try:
        if text.lstrip().startswith("{"):
            return Measure.model_validate({**json.loads(text), **cadence})
        if text in MEASURES:
            return MEASURES[text].model_validate(cadence)
        if ":" in text:
            found = resolve(text)
            if isinstance(found, Measure):
                return found.model_copy(update=cadence)
            if isinstance(found, type) and issubclass(found, Measure):
                return found.model_validate(cadence)
            raise SaysoError(f"'{text}' is no measure")
    except ValidationError as error:
        raise SaysoError(f"measure '{text}': {explain(error)}") from error
    except ValueError as error:
        raise SaysoError(f"measure '{text}': not JSON: {error}") from error
    raise SaysoError(f"no measure '{text}'{nearest(text, MEASURES)}; your own is named as module:NAME")


def _cadence(text: str) -> tuple[When, ...]:
    parts = [int(part) if part.strip().isdigit() else part.strip() for part in text.split(",")]
    try:
        return TypeAdapter(tuple[When, ...]).validate_python(tuple(parts))
    except ValidationError:
        words = [*get_args(get_args(When)[0]), "or a number of epochs"]
        raise SaysoError(f"--when '{text}': write {', '.join(words)}, or several with commas between") from None
