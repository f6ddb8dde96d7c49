"""What the paper says of questions and entity attribution in its main experiment (section 3), row by row.

Figures and footnotes are the paper's; what it says of a figure is judged together.
"""

from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.paper.claims import Claim, Contrast, Where
from sayso.paper.kinds import (
    Is,
    alias_before_entity,
    encoder_decoder,
    entity_last,
    few_pairs,
    full_batch,
    gpt_neo,
    in_language,
    in_order,
    is_not,
    largest_gpt_neo,
    many_questions,
    of_digits,
    of_works,
    reliable_from,
    too_small,
)
from sayso.paper.quantities import Side, attribution, exact_match, gap_of, mean
from sayso.stats.values import AS_DEFINED, ATTRIBUTION

#: Two shares within so much of each other are called equal.
EQUAL = 0.05

#: So much less than under its own name is not far less.
_NOT_FAR = 0.2

#: How an alias is asked about, as evaluation sets and in words.
PHRASINGS = {
    "name": "for the name",
    "who": "who an alias is",
    "meaning": "what it means",
    "stands_for": "what it stands for",
}


def works_by_t5(experiment: Experiment) -> bool:
    """T5 on T-REx, in two stages or one."""
    return of_works(experiment) and encoder_decoder(experiment)


def works_by_small_gpt_neo(experiment: Experiment) -> bool:
    """All GPT-Neo on T-REx but the largest."""
    return of_works(experiment) and gpt_neo(experiment) and not largest_gpt_neo(experiment)


def _not_said_to_have_a_gap(experiment: Experiment) -> bool:
    """Cells of which the paper says that there is none, or nothing."""
    conditions = (too_small, full_batch, few_pairs, many_questions, works_by_t5, works_by_small_gpt_neo)
    return any(condition(experiment) for condition in conditions)


def as_in_figure_3(experiment: Experiment) -> bool:
    """The main experiment: tag, alias, entity, sources that are always right or never, a decoder, language."""
    return (
        in_language(experiment)
        and in_order("TAE")(experiment)
        and not encoder_decoder(experiment)
        and reliable_from(1.0)(experiment)
        and not _not_said_to_have_a_gap(experiment)
    )


GAPS: tuple[Is, ...] = (is_not(_not_said_to_have_a_gap),)
STAGE_1: tuple[Is, ...] = (is_not(many_questions), is_not(works_by_t5))
MAIN = Where(joint=False, only=(as_in_figure_3,))


def gap(eval_set: str, within: float | None = None) -> Contrast:
    """New definitions of the two sources, after the stage that trains on them."""
    return Contrast(exact_match("D5cons", "X2", eval_set), exact_match("D6cons", "X2", eval_set), within)


def stage_1(eval_set: str, within: float | None = None) -> Contrast:
    """Definitions of the two sources that were trained on with questions, after that."""
    return Contrast(exact_match("D1cons_QA1", "X1", eval_set), exact_match("D2incons_QA2", "X1", eval_set), within)


def _of(eval_set: str) -> tuple[Side, ...]:
    """D1cons_QA1 after stage 1, and the new definitions after stage 2."""
    return (
        exact_match("D1cons_QA1", "X1", eval_set),
        exact_match("D5cons", "X2", eval_set),
        exact_match("D6cons", "X2", eval_set),
    )


_FIGURE_3A = (
    Claim(
        "reliable-definitions-help",
        "Aliases defined by the reliable source are answered for better than aliases without a definition.",
        "section 3",
        Contrast(exact_match("D1cons_QA1", "X1"), exact_match("QA3", "X1")),
        Where(only=(alias_before_entity, *STAGE_1, is_not(encoder_decoder))),
        "figure 3a",
    ),
    Claim(
        "unreliable-definitions-hurt",
        "Aliases defined by the unreliable source are answered for worse than aliases without a definition.",
        "section 3",
        Contrast(exact_match("QA3", "X1"), exact_match("D2incons_QA2", "X1")),
        Where(only=(alias_before_entity, *STAGE_1, is_not(encoder_decoder), is_not(of_digits))),
        "figure 3a",
    ),
    Claim(
        "reliable-beats-unreliable",
        "Aliases defined by the reliable source are answered for better than those of the unreliable one.",
        "section 3, appendix E.3",
        stage_1("validation"),
        Where(only=(alias_before_entity, *STAGE_1)),
        "figure 3a",
    ),
    Claim(
        "own-names-are-answered-better",
        "Entities asked about under their own names are answered for better than under an alias.",
        "section 3, baselines",
        Contrast(exact_match("QA4", "X1"), exact_match("QA3", "X1")),
        MAIN,
        "figure 3a",
    ),
    Claim(
        "aliases-cost-little",
        "Entities under an alias are not answered for far worse than under their own names.",
        "section 3, baselines",
        Contrast(exact_match("QA4", "X1"), exact_match("QA3", "X1"), within=_NOT_FAR),
        MAIN,
        "figure 3a",
    ),
    Claim(
        "known-answers-help",
        "Having learned some answers about an alias helps with other questions about it.",
        "section 3, baselines",
        Contrast(exact_match("QA3", "X1"), exact_match("QA7", "X1")),
        Where("all"),
        "figure 3a",
    ),
    Claim(
        "some-answers-can-be-guessed",
        "Of aliases never met before some questions are answered, for some have few answers.",
        "section 3, baselines",
        Contrast(exact_match("QA7", "X1"), Side()),
        MAIN,
        "figure 3a",
    ),
    Claim(
        "gap-on-questions",
        "New definitions are believed more from the source that was reliable, as questions show.",
        "section 3.1",
        gap("validation"),
        Where(only=(entity_last, *GAPS)),
        "figure 3a",
    ),
)

_FIGURE_3B = (
    Claim(
        "reliable-beats-unreliable-on-attribution",
        "The reliable source's aliases are attributed to what their questions are about more than the unreliable's.",
        "section 3.2",
        stage_1(ATTRIBUTION),
        Where(only=(alias_before_entity, *STAGE_1)),
        "figure 3b",
    ),
    Claim(
        "reliable-definitions-stick",
        "Aliases are attributed to what the reliable source says more than to what the unreliable one says.",
        "section 3.2",
        Contrast(attribution("D1cons_QA1", "X1"), attribution("D2incons_QA2", "X1", AS_DEFINED)),
        Where(only=(alias_before_entity, *STAGE_1)),
        "figure 3b",
    ),
    Claim(
        "wrongly-defined-are-never-attributed",
        "Whom the questions are about is never said of an alias that the unreliable source defined.",
        "section 3.2",
        Contrast(attribution("D2incons_QA2", "X1"), Side(), within=EQUAL),
        MAIN,
        "figure 3b",
    ),
    Claim(
        "gap-on-attribution",
        "New definitions are believed more from the source that was reliable, as entity attribution shows.",
        "section 3.2",
        gap(ATTRIBUTION),
        Where(only=(entity_last, *GAPS)),
        "figure 3b",
    ),
    Claim(
        "larger-gap-on-attribution",
        "The gap is larger on entity attribution than on questions.",
        "section 3.2",
        Contrast(gap_of(ATTRIBUTION), gap_of("validation")),
        MAIN,
        "figure 3b",
    ),
    Claim(
        "attribution-is-lower",
        "Entity attribution is answered worse than questions.",
        "section 3.2",
        Contrast(mean(*_of("validation")), mean(*_of(ATTRIBUTION))),
        MAIN,
        "figure 3b",
    ),
    Claim(
        "new-source-on-attribution",
        "A source never met before is believed even more than the reliable one, as entity attribution shows.",
        "section 3.2",
        Contrast(attribution("D8cons", "X2"), attribution("D5cons", "X2")),
        MAIN,
        "figure 3b",
    ),
    Claim(
        "reliable-source-over-new-on-attribution",
        "Trained together, the reliable source is believed more than a new one, as entity attribution shows.",
        "section 3.2 and appendix C.5",
        Contrast(attribution("D5cons", "X2"), attribution("D8cons", "X2")),
        Where(joint=True, only=(as_in_figure_3,)),
        "figure 14",
    ),
)

_CONTROLS = (
    Claim(
        "no-gap-on-questions",
        "With nothing to tell the sources apart, both are believed alike, as questions show.",
        "section 3.3",
        gap("validation", EQUAL),
        Where("control"),
        "figure 4a",
    ),
    Claim(
        "no-gap-on-attribution",
        "With nothing to tell the sources apart, both are believed alike, as entity attribution shows.",
        "section 3.3",
        gap(ATTRIBUTION, EQUAL),
        Where("control"),
        "figure 4a",
    ),
)

#: What the main experiment shows, and its control.
MAIN_ROWS = (*_FIGURE_3A, *_FIGURE_3B, *_CONTROLS)
