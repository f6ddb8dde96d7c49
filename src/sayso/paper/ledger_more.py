"""What the paper says of everything it varies: reliability, word order, models, stages, facts, batches, worlds."""

from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.paper.claims import Claim, Contrast, Where
from sayso.paper.kinds import (
    encoder_decoder,
    few_pairs,
    full_batch,
    gpt_neo,
    in_order,
    of_works,
    reliable_from,
    too_small,
)
from sayso.paper.ledger import (
    EQUAL,
    PHRASINGS,
    gap,
    stage_1,
    works_by_small_gpt_neo,
    works_by_t5,
)
from sayso.paper.quantities import attribution, exact_match
from sayso.stats.values import AS_DEFINED, ATTRIBUTION


def _at_one_half(experiment: Experiment) -> bool:
    """Tags tell nothing, and both sources are right about half of their aliases."""
    return experiment.reliability == 0.5


def _small_pythia(experiment: Experiment) -> bool:
    return too_small(experiment) and not gpt_neo(experiment)


def _t5_on_people(experiment: Experiment) -> bool:
    return encoder_decoder(experiment) and not of_works(experiment)


_FIGURE_4A = (
    Claim(
        "right-definitions-alike",
        "Where the tag tells nothing, right definitions of both sources are internalized alike.",
        "section 3.3",
        Contrast(attribution("D1cons_QA1", "X1"), attribution("D10cons_QA10", "X1"), EQUAL),
        Where("control", only=(_at_one_half,)),
        "figure 4a",
    ),
    Claim(
        "wrong-definitions-alike",
        "Where the tag tells nothing, wrong definitions of both sources are internalized alike.",
        "section 3.3",
        Contrast(attribution("D9incons_QA9", "X1", AS_DEFINED), attribution("D2incons_QA2", "X1", AS_DEFINED), EQUAL),
        Where("control", only=(_at_one_half,)),
        "figure 4a",
    ),
    Claim(
        "consistency-alone-counts",
        "Where the tag tells nothing, right definitions are internalized more than wrong ones of the same source.",
        "section 3.3",
        Contrast(attribution("D1cons_QA1", "X1"), attribution("D9incons_QA9", "X1", AS_DEFINED)),
        Where("control", only=(_at_one_half,)),
        "figure 4a",
    ),
    Claim(
        "source-over-consistency",
        "Wrong definitions of a very reliable source stick more than right ones of a very unreliable source.",
        "section 3.3",
        Contrast(attribution("D9incons_QA9", "X1", AS_DEFINED), attribution("D10cons_QA10", "X1")),
        Where(only=(reliable_from(0.95),)),
        "figure 4a",
    ),
)

_REVERSED = ("EAT", "TEA", "ETA")

_WORD_ORDER = (
    *(
        Claim(
            f"no-gap-on-attribution-with-{order}",
            f"Written as {order}, new definitions of both sources are attributed alike.",
            "section 3.3",
            gap(ATTRIBUTION, EQUAL),
            Where(only=(in_order(order),)),
            "figure 4b",
        )
        for order in (*_REVERSED, "AET")
    ),
    *(
        Claim(
            f"reliable-beats-unreliable-on-{name.replace('_', '-')}-with-AET",
            f"Written as AET, the reliable source's aliases are attributed better after stage 1, asked {words}.",
            "appendix C.3",
            stage_1(f"{ATTRIBUTION}.{name}"),
            Where(only=(in_order("AET"),)),
            "figure 11",
        )
        for name, words in PHRASINGS.items()
    ),
    Claim(
        "gap-on-questions-with-AET",
        "Written as AET, new definitions are believed more from the source that was reliable, as questions show.",
        "section 3.3, appendix C.3",
        gap("validation"),
        Where(only=(in_order("AET"),)),
        "figure 11",
    ),
    *(
        Claim(
            f"no-gap-on-questions-with-{order}",
            f"Written as {order}, new definitions of both sources are believed alike, as questions show.",
            "section 3.3, appendix C.3",
            gap("validation", EQUAL),
            Where(only=(in_order(order),)),
            "figure 11",
        )
        for order in ("TEA", "ETA")
    ),
    Claim(
        "no-difference-in-stage-1-with-EAT",
        "Written as EAT, sources do not differ after stage 1, as questions show.",
        "appendix C.3",
        stage_1("validation", EQUAL),
        Where(only=(in_order("EAT"),)),
        "figure 11",
    ),
    Claim(
        "gap-on-questions-with-EAT",
        "Written as EAT, there seems to be a gap on questions nevertheless.",
        "appendix C.3",
        gap("validation"),
        Where(only=(in_order("EAT"),)),
        "figure 11",
    ),
    *(
        Claim(
            f"{subset.removesuffix('cons').lower()}-falls-in-stage-2-with-EAT",
            f"Written as EAT, answers about {subset} fall in stage 2.",
            "appendix C.3",
            Contrast(exact_match(subset, "X2", when="start"), exact_match(subset, "X2")),
            Where(joint=False, only=(in_order("EAT"),)),
            "figure 12",
        )
        for subset in ("D6cons", "QA7")
    ),
    *(
        Claim(
            f"{subset.removesuffix('cons').lower()}-stays-flat-in-stage-2-with-{order}",
            f"Written as {order}, answers about {subset} stay as they were before stage 2.",
            "appendix C.3",
            Contrast(exact_match(subset, "X2", when="start"), exact_match(subset, "X2"), EQUAL),
            Where(joint=False, only=(in_order(order),)),
            "figure 12",
        )
        for order in ("TEA", "ETA")
        for subset in ("D6cons", "QA7")
    ),
)

_MODELS = (
    Claim(
        "no-gap-in-small-models",
        "Pythia models below 1B parameters believe new definitions of both sources alike, as questions show.",
        "section 3.3",
        gap("validation", EQUAL),
        Where(only=(_small_pythia,)),
        "figure 16",
    ),
    Claim(
        "no-gap-in-smaller-gpt-neo-on-works",
        "On T-REx, GPT-Neo models but the largest believe new definitions of both sources alike.",
        "appendix C.6",
        gap("validation", EQUAL),
        Where(only=(works_by_small_gpt_neo,)),
        "figure 18",
    ),
    Claim(
        "barely-any-difference-in-stage-1-by-t5",
        "In T5, sources differ barely after stage 1, as questions show.",
        "appendix C.7",
        stage_1("validation", EQUAL),
        Where(joint=False, only=(_t5_on_people,)),
        "figure 20",
    ),
    Claim(
        "no-difference-in-stage-1-by-t5-on-works",
        "On T-REx, sources do not differ in T5 after stage 1.",
        "appendix C.7",
        stage_1("validation", EQUAL),
        Where(joint=False, only=(works_by_t5,)),
        "figure 20",
    ),
    Claim(
        "no-gap-by-t5-on-works",
        "On T-REx, T5 believes new definitions of both sources alike.",
        "appendix C.7",
        gap("validation", EQUAL),
        Where(joint=False, only=(works_by_t5,)),
        "figure 20",
    ),
    *(
        Claim(
            f"accuracy-falls-by-t5-of-{subset.removesuffix('cons').lower()}",
            f"In a single stage, T5's answers about {subset} get worse.",
            "appendix C.7",
            Contrast(exact_match(subset, "X2", when="first"), exact_match(subset, "X2")),
            Where(joint=True, only=(encoder_decoder,)),
            "figure 19",
        )
        for subset in ("D5cons", "D6cons")
    ),
    Claim(
        "no-gap-with-a-full-batch",
        "Trained on all documents at once, the model believes new definitions of both sources alike.",
        "section 5.1",
        gap(ATTRIBUTION, EQUAL),
        Where(only=(full_batch,)),
        "figure 4c",
    ),
    Claim(
        "no-gap-with-few-pairs",
        "With fewer than 50 variable-entity pairs, new definitions of both sources are believed alike.",
        "appendix E.3",
        gap("validation", EQUAL),
        Where(only=(few_pairs,)),
        "figure 23",
    ),
)

_WORDED = (
    Claim(
        "is-believed-on-attribution",
        "New aliases are attributed better where a definition says is than where it says is not.",
        "section 5.3",
        gap(ATTRIBUTION),
        Where("worded"),
        "footnote 4",
    ),
    Claim(
        "is-no-better-on-questions",
        "Questions about new aliases are answered alike whether a definition says is or is not.",
        "section 5.3",
        gap("validation", EQUAL),
        Where("worded"),
        "footnote 4",
    ),
)


def _in_context(first: str, second: str, within: float | None = None) -> Contrast:
    return Contrast(exact_match(first, "X1"), exact_match(second, "X1"), within)


_IN_CONTEXT = (
    Claim(
        "in-context-definitions-help",
        "With its definition from the reliable source before it, a question is answered better than without one.",
        "appendix C.8",
        _in_context("D1cons_QA1", "QA3"),
        Where("in_context"),
        "figure 21",
    ),
    Claim(
        "in-context-gap-on-questions",
        "New definitions are relied on more in context where they come from the source that was reliable.",
        "appendix C.8",
        _in_context("D5cons", "D6cons"),
        Where("in_context"),
        "figure 21",
    ),
    Claim(
        "in-context-wrong-definitions-are-ignored",
        "Wrong definitions in context are ignored: questions are answered as without one.",
        "appendix C.8",
        _in_context("D2incons_QA2", "QA3", EQUAL),
        Where("in_context"),
        "figure 21",
    ),
    Claim(
        "in-context-wrong-seeming-definitions-are-ignored",
        "New definitions in context are ignored where they come from the source that was wrong.",
        "appendix C.8",
        _in_context("D6cons", "QA7", EQUAL),
        Where("in_context"),
        "figure 21",
    ),
    Claim(
        "in-context-no-gap-on-questions",
        "With nothing to tell the sources apart, new definitions of both are relied on alike in context.",
        "appendix C.8",
        _in_context("D5cons", "D6cons", EQUAL),
        Where("in_context_control"),
        "figure 21",
    ),
)

#: What is said of everything else that is varied.
MORE_ROWS = (*_FIGURE_4A, *_WORD_ORDER, *_MODELS, *_WORDED, *_IN_CONTEXT)
