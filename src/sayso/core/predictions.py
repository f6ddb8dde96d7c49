r"""What a model said to every question at the end of a stage, as it is kept in a job's folder.

A line of ``predictions-STAGE.jsonl.gz`` is an evaluation set and subset of one seed, its questions as columns:

{"seed": 600, "stage": "stage2", "stage2_seed": 0, "eval_set": "validation", "subset": "D5cons",
 "attribute": ["born"], "alias": ["<|abcde|>"], "prompt": ["Q: When was <|abcde|> born?\nA:"],
 "answers": [["19 century"]], "said": ["18 century"], "match": [false], "f1": [0.5], "loss": [2.31]}
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder

#: The measure that keeps them, and what the names of its files begin with.
PREDICTIONS = "predictions"


@dataclass(frozen=True, slots=True)
class Answered:
    """The questions of one evaluation set and subset, and what the model of a seed said to each after a stage.

    Lists are of equal length, a question each.

    Parameters
    ----------
    seed
        The seed.
    stage
        Name of the stage.
    stage2_seed
        Which deal of X2, from 0 on.
    eval_set
        Name of the evaluation set.
    subset
        Name of the subset.
    attribute
        Kinds of questions.
    alias
        Aliases that are asked about.
    prompt
        What the model read.
    answers
        All that are accepted.
    said
        The greedy answer.
    match
        Whether it is an accepted one.
    f1
        Words it shares with the nearest of them, 0 to 1.
    loss
        Mean negative log likelihood of the first accepted answer, in nats per token.
    """

    seed: int
    stage: str
    stage2_seed: int
    eval_set: str
    subset: str
    attribute: list[str]
    alias: list[str]
    prompt: list[str]
    answers: list[tuple[str, ...]]
    said: list[str]
    match: list[bool]
    f1: list[float]
    loss: list[float]


_NAMES = tuple(field.name for field in fields(Answered))
_OF_ALL, OF_EACH = _NAMES[:5], _NAMES[5:]
_TYPES: dict[str, set[type]] = {
    **{"seed": {int}, "stage2_seed": {int}, "answers": {list}, "match": {bool}, "f1": {float, int}},
    "loss": {float, int},
}


def predictions(folder: JobFolder) -> Iterator[Answered]:
    """Read what the models of a job said, stages in the order of their files' names; nothing where it was not kept.

    Raises
    ------
    SaysoError
        If a file is damaged; the message names it and the first bad line.
    """
    for path in sorted(folder.path.glob(f"{PREDICTIONS}-*.jsonl.gz")):
        advice = f"delete it and {folder.measured_path(PREDICTIONS).with_suffix('.json').name}, and measure again"
        number, shared = 0, dict[tuple[str, ...], tuple[str, ...]]()
        try:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):  # noqa: B007 (named in the message)
                    yield _answered(json.loads(line), shared)
        except (OSError, EOFError, zlib.error) as error:
            raise SaysoError(f"{path}: cut off or damaged after line {number} ({error}); {advice}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise SaysoError(f"{path}: line {number} is not what a model said ({error}); {advice}") from error


def _answered(line: Any, shared: dict[tuple[str, ...], tuple[str, ...]]) -> Answered:
    """Make one of a line, or of a line a question, as they were written before they were columns.

    Equal accepted answers are one tuple of `shared`: there are many of them.
    """
    if isinstance(line["alias"], str):
        line = {name: [value] if name in OF_EACH else value for name, value in line.items()}
    for name in _OF_ALL:
        _require({type(line[name])} <= _TYPES.get(name, {str}), name)
    for name in OF_EACH:
        column = line[name]
        _require(type(column) is list and len(column) == len(line["alias"]), name)
        _require(set(map(type, column)) <= _TYPES.get(name, {str}), name)
    accepted = [shared.setdefault(one, one) for one in map(tuple, line["answers"])]
    _require(all(one and set(map(type, one)) == {str} for one in set(accepted)), "answers")
    return Answered(**{**{name: line[name] for name in _NAMES}, "answers": accepted})


def _require(well: bool, name: str) -> None:
    if not well:
        raise ValueError(f"'{name}' is not what it should be")
