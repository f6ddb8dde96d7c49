"""What is asked beyond the paper: graded sources, contradiction, doubt in words, forgetting.

Claims are of the form of the paper's, on exact match and on belief (`sayso.measures.belief`): the calibrated log-odds
of the answer that a definition implies, and which of two contradicting sources a forced choice follows. What was
foreseen of them is in `sayso.paper.foreseen`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sayso.core.experiment import Experiment
from sayso.core.subsets import NEW, RELIABLE, UNRELIABLE, names_of
from sayso.paper.beyond_rows import DOUBTS, HALVES, RELIABILITIES, REPEATS, against, graded
from sayso.paper.claims import Between, Claim, Contrast, Trend, Where
from sayso.paper.kinds import Is, is_not
from sayso.paper.ledger import EQUAL, GAPS
from sayso.paper.quantities import Number, Side, difference, mean, one
from sayso.stats.values import ATTRIBUTION, stage_training

#: How it is asked, as evaluation sets, in names and in words.
_ASKED = {"validation": "questions", ATTRIBUTION: "attribution"}

#: Measures by what claims are called: exact match, and belief as calibrated log-odds.
_MEASURES = {"": ("exact_match", ""), "-in-log-odds": ("belief", "calibrated_log_odds")}

#: Log-odds within so much of each other, in nats, are called equal.
_EQUAL_LOG_ODDS = 0.5

_ALL = Where("all")


def _of(subset: str, eval_set: str, measure: str, what: str, stage: str = "") -> Side:
    return one(Number(subset, measure, eval_set, "X2", what, stage=stage))


def _versus(subset: str, eval_set: str) -> Side:
    """The share of forced choices between two contradicting sources that follow the first."""
    return _of(subset, eval_set, "belief", "calibrated_versus")


def slope(sides: Sequence[Side], at: Sequence[float]) -> Side:
    """The slope of a straight line through numbers at some places, by least squares."""
    middle = sum(at) / len(at)
    apart = [place - middle for place in at]
    total = sum(each**2 for each in apart)
    terms = tuple(
        (weight * each / total, number)
        for side, each in zip(sides, apart, strict=True)
        for weight, number in side.terms
        if each
    )
    return Side(terms)


def _ways() -> Iterator[tuple[str, str, str, str, str]]:
    """Ending of a claim's name, evaluation set, how it is asked, measure and what of it."""
    for eval_set, asked in _ASKED.items():
        for ending, (measure, what) in _MEASURES.items():
            words = f"{asked}, in log-odds" if ending else asked
            yield f"-on-{asked}{ending}", eval_set, words, measure, what


def _trust_curve() -> Iterator[Claim]:
    names = [names_of(source.name)[2] for source in graded(RELIABILITIES)]
    section, figure = "beyond the paper", "trust curve"
    for ending, eval_set, asked, measure, what in _ways():
        sides = [_of(name, eval_set, measure, what) for name in names]
        yield Claim(
            f"trust-grows-with-reliability{ending}",
            f"New definitions are believed the more, the more reliable their source was, on {asked}.",
            section,
            Contrast(slope(sides, RELIABILITIES), Side(), about=tuple(names)),
            Where("graded"),
            figure,
        )
        for lower, higher in ((0, 2), (2, 4)):
            yield Claim(
                f"{names[higher]}-over-{names[lower]}{ending}",
                f"A source right about {100 * RELIABILITIES[higher]:.0f}% is believed more than one right about "
                f"{100 * RELIABILITIES[lower]:.0f}%, on {asked}.",
                section,
                Contrast(sides[higher], sides[lower]),
                Where("graded"),
                figure,
            )
        yield Claim(
            f"trust-is-linear{ending}",
            f"A source right half of the time is believed half as much, between the two extremes, on {asked}.",
            section,
            Contrast(sides[2], mean(sides[0], sides[4]), EQUAL if measure == "exact_match" else _EQUAL_LOG_ODDS),
            Where("graded"),
            figure,
        )
        yield Claim(
            f"no-trust-without-record{ending}",
            f"Sources that were all right half of the time are believed alike, on {asked}.",
            section,
            Contrast(
                slope(sides, RELIABILITIES),
                Side(),
                EQUAL if measure == "exact_match" else _EQUAL_LOG_ODDS,
                about=tuple(names),
            ),
            Where("control"),
            figure,
        )


def _conflict() -> Iterator[Claim]:
    section, figure = "beyond the paper", "conflict"
    half = Side(constant=0.5)
    most = REPEATS[-1]
    contests = (
        (RELIABLE, UNRELIABLE, "the reliable source rather than the unreliable one"),
        (RELIABLE, NEW, "the reliable source rather than one never met"),
        (NEW, UNRELIABLE, "a source never met rather than the unreliable one"),
    )
    for eval_set, asked in _ASKED.items():
        for source, other, said in contests:
            yield Claim(
                f"{source}-over-{other}-on-{asked}",
                f"Where two sources contradict each other, answers follow {said}, on {asked}.",
                section,
                Contrast(_versus(against(source, other), eval_set), half),
                _ALL,
                figure,
            )
        yield Claim(
            f"no-side-is-taken-between-equals-on-{asked}",
            f"Of two contradicting definitions of one source neither is preferred, on {asked}.",
            section,
            Contrast(_versus(against(RELIABLE, RELIABLE), eval_set), half, EQUAL),
            _ALL,
            figure,
        )
        yield Claim(
            f"no-side-is-taken-without-record-on-{asked}",
            f"Of two sources that were both right half of the time neither is preferred, on {asked}.",
            section,
            Contrast(_versus(against(RELIABLE, UNRELIABLE), eval_set), half, EQUAL),
            Where("control"),
            figure,
        )
        yield Claim(
            f"repetition-counts-on-{asked}",
            f"What a source repeats four times outweighs what it says once, on {asked}.",
            section,
            Contrast(half, _versus(against(RELIABLE, RELIABLE, 4), eval_set)),
            _ALL,
            figure,
        )
        yield Claim(
            f"repetition-weighs-against-reliability-on-{asked}",
            f"Answers follow the reliable source less where the other says so {most} times, on {asked}.",
            section,
            Contrast(
                _versus(against(RELIABLE, UNRELIABLE), eval_set), _versus(against(RELIABLE, UNRELIABLE, most), eval_set)
            ),
            _ALL,
            figure,
        )
        yield Claim(
            f"repetition-outweighs-reliability-on-{asked}",
            f"The unreliable source is followed where it says so {most} times against once, on {asked}.",
            section,
            Contrast(half, _versus(against(RELIABLE, UNRELIABLE, most), eval_set)),
            _ALL,
            figure,
        )
        first, last = (_versus(subset.name, eval_set) for subset in HALVES)
        yield Claim(
            f"the-last-word-counts-on-{asked}",
            f"The reliable source is followed more where it speaks last, on {asked}.",
            section,
            Contrast(last, first),
            _ALL,
            "conflict in stages",
        )
        yield Claim(
            f"reliability-counts-in-stages-on-{asked}",
            f"On average over both orders answers follow the reliable source, on {asked}.",
            section,
            Contrast(mean(first, last), half, about=tuple(subset.name for subset in HALVES)),
            _ALL,
            "conflict in stages",
        )


_DOUBTED = {
    "is_not": "'is not'",
    "false_that": "'it is false that'",
    "warned_before": "a warning in a sentence of its own before",
    "warned_after": "a warning in a sentence of its own after",
    "novel": "'in a novel'",
}


def _doubt() -> Iterator[Claim]:
    section, figure = "beyond the paper", "doubt"
    new = {name: names_of(name)[2] for name in DOUBTS}
    for ending, eval_set, asked, measure, what in _ways():
        sides = {name: _of(new[name], eval_set, measure, what) for name in DOUBTS}
        for name, said in _DOUBTED.items():
            yield Claim(
                f"{name.replace('_', '-')}-is-heeded{ending}",
                f"Claims with {said} are believed less than without, on {asked}.",
                section,
                Contrast(sides["is"], sides[name]),
                _ALL,
                figure,
            )
        yield Claim(
            f"a-warning-after-is-neglected-more{ending}",
            f"A warning in a sentence of its own after a claim is heeded less than 'is not', on {asked}.",
            section,
            Contrast(sides["warned_after"], sides["is_not"]),
            _ALL,
            figure,
        )


def _forgetting() -> Iterator[Claim]:
    section, figure = "beyond the paper", "forgetting"
    kept, other = names_of(RELIABLE)[2], names_of(UNRELIABLE)[2]
    for ending, eval_set, asked, measure, what in _ways():
        before, after = (_of(kept, eval_set, measure, what, stage) for stage in ("", "stage3"))
        yield Claim(
            f"forgotten-in-stage-3{ending}",
            f"New definitions of the reliable source are forgotten in a stage on something else, on {asked}.",
            section,
            Contrast(before, after, about=(kept,)),
            _ALL,
            figure,
        )
        yield Claim(
            f"the-gap-outlives-stage-3{ending}",
            f"After a stage on something else the reliable source is still believed more, on {asked}.",
            section,
            Contrast(after, _of(other, eval_set, measure, what, "stage3")),
            _ALL,
            figure,
        )
        yield Claim(
            f"the-gap-shrinks-in-stage-3{ending}",
            f"The difference between sources shrinks in a stage on something else, on {asked}.",
            section,
            Contrast(
                difference(before, _of(other, eval_set, measure, what)),
                difference(after, _of(other, eval_set, measure, what, "stage3")),
            ),
            _ALL,
            figure,
        )


def _belief() -> Iterator[Claim]:
    section, figure = "beyond the paper", "belief"
    first, second = names_of(RELIABLE)[2], names_of(UNRELIABLE)[2]
    for eval_set, asked in _ASKED.items():
        sides = [_of(name, eval_set, "belief", "calibrated_log_odds") for name in (first, second)]
        yield Claim(
            f"gap-on-{asked}-in-log-odds",
            f"New definitions are believed more from the source that was reliable, in log-odds, on {asked}.",
            section,
            Contrast(sides[0], sides[1]),
            Where("informative", only=GAPS),
            figure,
        )
        yield Claim(
            f"no-gap-on-{asked}-in-log-odds",
            f"Where nothing tells sources apart, they are believed alike, in log-odds, on {asked}.",
            section,
            Contrast(sides[0], sides[1], _EQUAL_LOG_ODDS),
            Where("control"),
            figure,
        )


def _defined(experiment: Experiment) -> float | None:
    """How often a new alias is defined in an epoch."""
    return float(experiment.split.definitions_per_alias)


def _repetitions(*ways: str) -> Is:
    def found(experiment: Experiment) -> bool:
        last = stage_training(experiment, "X2")
        stage = next((stage for stage in experiment.stages if stage.name == last), None)
        return stage is not None and experiment.train_spec(stage).repetitions in ways

    return found


def _with_record(experiment: Experiment) -> bool:
    return stage_training(experiment, "X1") is not None


def _trends() -> Iterator[Trend]:
    first, second = names_of(RELIABLE)[2], names_of(UNRELIABLE)[2]
    for ending, eval_set, asked, measure, what in _ways():
        sides = [_of(name, eval_set, measure, what) for name in (first, second)]
        for name, said, number in (
            ("belief", "New definitions of the reliable source are believed more", sides[0]),
            ("gap", "The difference between sources grows", difference(*sides)),
        ):
            yield Trend(
                f"{name}-grows-with-repetitions{ending}",
                f"{said} the more often they are said, on {asked}.",
                "beyond the paper",
                "exposure",
                number,
                _defined,
                headline=True,
            )


def _between() -> Iterator[Between]:
    reliable = names_of(RELIABLE)[2]
    new = {name: names_of(name)[2] for name in DOUBTS}
    for ending, eval_set, asked, measure, what in _ways():
        yield Between(
            f"spacing-helps{ending}",
            f"What is said again at intervals is believed more than what is said again at once, on {asked}.",
            "beyond the paper",
            "spacing",
            _of(reliable, eval_set, measure, what),
            _repetitions("spread"),
            _repetitions("together"),
            headline=True,
        )
        heeded = [
            difference(_of(new["is"], eval_set, measure, what), _of(new[name], eval_set, measure, what))
            for name in _DOUBTED
        ]
        yield Between(
            f"a-record-makes-doubts-heeded{ending}",
            f"Doubts are heeded more where sources have a record of being right to doubt, on {asked}.",
            "beyond the paper",
            "doubt",
            mean(*heeded),
            _with_record,
            is_not(_with_record),
            headline=True,
        )


#: Of single cells, along something that cells differ in, and between cells.
BEYOND: tuple[Claim, ...] = (*_belief(), *_trust_curve(), *_conflict(), *_doubt(), *_forgetting())
BEYOND_TRENDS: tuple[Trend, ...] = tuple(_trends())
BEYOND_BETWEEN: tuple[Between, ...] = tuple(_between())
