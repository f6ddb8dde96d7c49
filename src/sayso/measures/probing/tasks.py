"""What probes are to tell apart, and the aliases they are trained and read on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.errors import nearest
from sayso.core.rng import stream
from sayso.measures.probing.folds import Folds, make_folds, shuffled
from sayso.measures.probing.questions import Questions

Task = Literal["presence", "tag"]
#: What no two folds have in common.
Apart = Literal["entity", "alias"]


@dataclass(frozen=True)
class Asked:
    """What a task is about: of each subset how many aliases go together, and whether they are of the second class."""

    shares: Mapping[str, int]
    second: Mapping[str, bool]


_TAGS = {"D1cons_QA1": 1, "D2incons_QA2": 1}
#: Was there a definition, and whose was it: halves of the defined aliases are of either tag.
TASKS: dict[Task, Asked] = {
    "presence": Asked({**_TAGS, "QA3": 2}, {"D1cons_QA1": True, "D2incons_QA2": True, "QA3": False}),
    "tag": Asked(_TAGS, {"D1cons_QA1": True, "D2incons_QA2": False}),
}
#: Where the probe of tags is read as well: the same two tags, about aliases of X2.
TRANSFER = {"D5cons": True, "D6cons": False}


def subsets_of(tasks: Sequence[Task]) -> list[str]:
    """The subsets that tasks are about."""
    return list(dict.fromkeys(subset for task in tasks for subset in TASKS[task].shares))


def require_subsets(measure: str, wanted: Sequence[str], there: Collection[str]) -> None:
    """Refuse, by a ValueError, an experiment without one of these subsets."""
    for subset in wanted:
        if subset not in there:
            raise ValueError(f"measure {measure} needs the subset {subset}{nearest(subset, there)}")


@dataclass(frozen=True)
class Cast:
    """Who is probed for a task, as positions of questions.

    `rows` in folds, `labellings` of them, the true one and then shuffled ones, shape (labellings, rows); `further`:
    more aliases to read, with their labels.
    """

    rows: NDArray[np.int64]
    folds: Folds
    labellings: NDArray[np.bool_]
    further: NDArray[np.int64]
    further_labels: NDArray[np.bool_]


def cast(
    corpus: Corpus,
    questions: Questions,
    task: Task,
    *,
    folds: int,
    apart: Apart,
    permutations: int,
    transfer: bool,
    measure: str,
) -> Cast:
    """Draw the aliases of a task, the same for a seed whatever else is measured.

    `apart`: what is in one fold alone. Of each fold as many are drawn of one class as of the other.

    Raises
    ------
    SaysoError
        If there are too few for so many folds.
    """
    wanted = TASKS[task]
    draw = stream(corpus.seed, "probes", questions.attribute, task)
    rows = np.array([row for subset in wanted.shares for row in questions.of(subset)], dtype=np.int64)
    own = [questions.examples[row] for row in rows]
    about = [item.entity if apart == "entity" else item.alias for item in own]
    dealt = make_folds(
        about,
        [item.subset for item in own],
        wanted.shares,
        folds,
        draw,
        f"measure {measure}, {task}, aliases of {len(questions.alias)} tokens asked about '{questions.attribute}'",
    )
    kept = [own[row] for row in dealt.chosen]
    labels = np.array([wanted.second[item.subset] for item in kept])
    groups = [about[row] for row in dealt.chosen]
    dealt_anew = [shuffled(labels, dealt.fold, groups, draw) for _ in range(permutations)]
    others = [questions.of(subset) for subset in TRANSFER] if transfer else [[]]
    most = min(map(len, others))
    further = [draw.permutation(np.array(each, dtype=np.int64))[:most] for each in others]
    return Cast(
        rows[dealt.chosen],
        dealt,
        np.stack([labels, *dealt_anew]),
        np.concatenate(further),
        np.repeat(list(TRANSFER.values())[: len(others)], most),
    )
