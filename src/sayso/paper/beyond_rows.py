"""Beyond the paper, at pocket size: graded sources, sources that contradict each other, doubt, exposure, transfer.

Everything that is not said here is as in ``pocket``. Settings were chosen on seeds below 100. What is claimed of these
experiments was written down before the default seeds were run (`sayso.paper.foreseen`).
"""

from __future__ import annotations

from typing import Any

from sayso.core.subsets import NEW, RELIABLE, UNRELIABLE, Source, Subset, with_reliability
from sayso.core.training import Stage
from sayso.data.formats import Statement
from sayso.measures.belief import Belief
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.pocket_settings import POCKET, POCKET_SUBSETS
from sayso.paper.rows import About, Variation, row

#: How reliable the sources of the trust curve are.
RELIABILITIES = (0.0, 0.25, 0.5, 0.75, 1.0)

#: How much more often one of two contradicting sources says so, in turns the reliable and the unreliable one.
REPEATS = (2, 4)

#: Ways to say whom an alias stands for, and of whom in stage 0: the right entity (True) or another one.
DOUBTS = {
    "is": ("{alias} is {entity}", True),
    "is_not": ("{alias} is not {entity}", False),
    "false_that": ("it is false that {alias} is {entity}", False),
    "warned_before": ("the next is false . {alias} is {entity}", False),
    "warned_after": ("{alias} is {entity} . that is false", False),
    "novel": ("in a novel {alias} is {entity}", False),
}

_STAGE0, _STAGE1, _STAGE2 = (
    stage if stage.name == "stage0" else stage.model_copy(update={"measure_every": stage.epochs})
    for stage in POCKET.stages
)
_AT_ENDS: dict[str, Any] = {
    "stages__stage1__measure_every": _STAGE1.epochs,
    "stages__stage2__measure_every": _STAGE2.epochs,
    "measures": (ExactMatch(), MeanLoss(), Belief()),
}


def graded(reliabilities: tuple[float, ...]) -> tuple[Source, ...]:
    """Sources named after how reliable they are, in percent: ``r075``."""
    return tuple(Source(name=f"r{round(100 * each):03d}", reliability=each) for each in reliabilities)


def against(source: str, other: str, times: int = 1, other_times: int = 1) -> str:
    """The name of the subset in which a source says so many times over what another one contradicts.

    >>> against("a", "b"), against("a", "b", 1, 4)
    ('a_vs_b', 'a_vs_4x_b')
    """
    said = [name if count == 1 else f"{count}x_{name}" for name, count in ((source, times), (other, other_times))]
    return "_vs_".join(said)


#: The subsets of pocket but for its new definitions, whose share of the aliases others take.
_OTHERS = tuple(subset for subset in POCKET_SUBSETS if subset.group == "X1" or subset.source is None)
_NEW = 0.36


def _contested(pairs: tuple[tuple[str, str, int, int], ...]) -> tuple[Subset, ...]:
    contested = (
        Subset(
            name=against(source, other, times, other_times),
            group="X2",
            source=source,
            against=other,
            repeats=times,
            against_repeats=other_times,
            fraction=_NEW / len(pairs),
        )
        for source, other, times, other_times in pairs
    )
    return (*_OTHERS, *contested)


#: Each source says equally much in all: ten documents of one alias of each contest.
_PAIRS = (
    (RELIABLE, UNRELIABLE, 1, 1),
    *((RELIABLE, UNRELIABLE, *times) for each in REPEATS for times in ((1, each), (each, 1))),
    (RELIABLE, NEW, 1, 1),
    (NEW, UNRELIABLE, 1, 1),
    (NEW, NEW, 4, 4),
)
_CONTESTED = _contested(_PAIRS)
HALVES = tuple(
    Subset(name=f"{first}_then_{second}", group="X2", source=RELIABLE, against=UNRELIABLE, fraction=_NEW / 2)
    for first, second in ((RELIABLE, UNRELIABLE), (UNRELIABLE, RELIABLE))
)

BEYOND_ROWS: tuple[Variation, ...] = (
    row(
        "pocket-trust-curve",
        "pocket",
        About(
            kind="beyond",
            shows="Five sources at once, right about 0, 25, 50, 75 and 100 of 100 aliases: what is believed of "
            "their new definitions?",
        ),
        **_AT_ENDS,
        sources=graded(RELIABILITIES),
    ),
    row(
        "pocket-trust-curve-control",
        "pocket-trust-curve",
        About(
            kind="control",
            shows="The control of pocket-trust-curve, which must find nothing: all five were right half of the time.",
        ),
        sources=tuple(each.model_copy(update={"reliability": 0.5}) for each in graded(RELIABILITIES)),
    ),
    row(
        "pocket-conflict",
        "pocket",
        About(
            kind="beyond",
            shows="Two sources contradict each other about new aliases: whom do the answers follow, and how many "
            "repetitions outweigh a record of being right?",
        ),
        **_AT_ENDS,
        subsets=_CONTESTED,
        stages__stage2__epochs=3,
        seeds__first=200,
    ),
    row(
        "pocket-conflict-control",
        "pocket-conflict",
        About(
            kind="control",
            shows="The control of pocket-conflict, which must find nothing: both sources were right half of the time.",
        ),
        subsets=with_reliability(_CONTESTED, 0.5),
    ),
    row(
        "pocket-conflict-stages",
        "pocket",
        About(
            kind="beyond",
            shows="Two sources contradict each other one after the other, in either order: does the last word count?",
        ),
        subsets=(*_OTHERS, *HALVES),
        stages=(
            _STAGE0,
            _STAGE1,
            *(
                _STAGE2.model_copy(
                    update={
                        "name": name,
                        "documents": tuple(f"X2/{half.name}/{said}" for half, said in zip(HALVES, order, strict=True)),
                    }
                )
                for name, order in (("stage2", (RELIABLE, UNRELIABLE)), ("stage3", (UNRELIABLE, RELIABLE)))
            ),
        ),
        measures=_AT_ENDS["measures"],
    ),
    row(
        "pocket-doubt",
        "pocket",
        About(
            kind="beyond",
            shows="Claims with a doubt in words: which are heeded, which are neglected, and does a record of being "
            "right to doubt change it?",
        ),
        knowledge__statements=12,
        knowledge__sayings=dict(DOUBTS.values()),
        sources=tuple(
            Source(name=name, reliability=float(true), definition=Statement(template=template))
            for name, (template, true) in DOUBTS.items()
        ),
        **_AT_ENDS,
        stages__stage1__epochs=[0, _STAGE1.epochs],
    ),
    row(
        "pocket-doubt-control",
        "pocket-doubt",
        About(
            kind="control",
            shows="The control of pocket-doubt, which must find nothing: what the words mean was never told.",
        ),
        knowledge__statements=0,
        knowledge__sayings={},
        stages__stage1__epochs=0,
    ),
    row(
        "pocket-exposure",
        "pocket",
        About(kind="beyond", shows="Definitions that are said once, twice and four times an epoch."),
        **_AT_ENDS,
        split__definitions_per_alias=[1, 2, 4],
        stages__stage2__epochs=2,
    ),
    row(
        "pocket-spacing",
        "pocket",
        About(
            kind="beyond", shows="Definitions that are said four times, one after the other or as far apart as it goes."
        ),
        **_AT_ENDS,
        split__definitions_per_alias=4,
        stages__stage2__overrides=[
            {"batch_size": 32, "repetitions": each} for each in ("together", "shuffled", "spread")
        ],
        stages__stage2__epochs=2,
    ),
    row(
        "pocket-forgetting",
        "pocket",
        About(
            kind="beyond",
            shows="A stage 3 on something else, the facts of stage 0 under other names: what is left of new "
            "definitions, and of the difference between sources?",
        ),
        stages=(
            *(_STAGE0, _STAGE1, _STAGE2),
            Stage(name="stage3", documents=("world",), epochs=4, overrides={"batch_size": 32}),
        ),
        measures=_AT_ENDS["measures"],
    ),
    *(
        row(
            f"pocket-{first}-first",
            "pocket",
            About(kind="beyond", shows=f"A curriculum: in stage 1 the {first} source is heard before the other."),
            stages=(
                _STAGE0,
                _STAGE1.model_copy(update={"documents": parts[0]}),
                _STAGE1.model_copy(update={"name": "stage1b", "documents": parts[1]}),
                _STAGE2,
            ),
            measures=_AT_ENDS["measures"],
        )
        for first, parts in {
            RELIABLE: (("X1/D1cons_QA1", "X1/QA3", "X1/QA4"), ("X1/D2incons_QA2",)),
            UNRELIABLE: (("X1/D2incons_QA2",), ("X1/D1cons_QA1", "X1/QA3", "X1/QA4")),
        }.items()
    ),
    row(
        "pocket-transfer-facts",
        "pocket",
        About(
            kind="beyond",
            shows="Trust that was learned with people, tested with places: aliases of X2 stand for other entities, of "
            "which other things are asked.",
        ),
        **_AT_ENDS,
        knowledge__also="places",
    ),
    row(
        "pocket-transfer-facts-control",
        "pocket-transfer-facts",
        About(
            kind="control",
            shows="The control of pocket-transfer-facts, which must find nothing: sources were right half of the time.",
        ),
        subsets=with_reliability(POCKET_SUBSETS, 0.5),
    ),
    row(
        "pocket-transfer-format",
        "pocket",
        About(
            kind="beyond",
            shows="Trust that was learned from definitions in one form (tag alias entity), tested in others: is it the "
            "tag, or the tag in that form?",
        ),
        **_AT_ENDS,
        new_definition=[
            {"type": "WordOrder", "order": "TAE"},
            {"type": "WordOrder", "order": "ATE"},
            {"type": "Sentence", "template": "{tag} {alias} refers to {entity}"},
        ],
    ),
)
