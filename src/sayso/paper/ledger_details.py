"""What the paper says of the main experiment's losses, and of each way to ask who an alias is (appendix C.1)."""

from __future__ import annotations

from dataclasses import replace

from sayso.core.subsets import Group
from sayso.measures.document_loss import DocumentLoss
from sayso.measures.losses import MeanLoss
from sayso.paper.claims import Claim, Contrast, Where
from sayso.paper.kinds import Is, encoder_decoder, in_language, is_not, worded
from sayso.paper.ledger import MAIN, PHRASINGS, STAGE_1, as_in_figure_3, gap, stage_1
from sayso.paper.quantities import Number, Side, one
from sayso.stats.values import ATTRIBUTION

#: Training losses are called equal within this share of their mean.
_EQUAL_LOSS = 0.05


def _figure_8(measure: str, name: str = "", said: str = "", only: tuple[Is, ...] = ()) -> tuple[Claim, ...]:
    """Figure 8 by one of the two kinds of loss, in experiments that are `only` these.

    `name` and `said` go on the names and sentences of its claims.
    """

    def of(subset: str, after: Group, eval_set: str) -> Side:
        return one(Number(subset, measure, eval_set, after))

    def equal(first: str, second: str, after: Group, eval_set: str) -> Contrast:
        return Contrast(of(first, after, eval_set), of(second, after, eval_set), within=_EQUAL_LOSS, relative=True)

    told = (
        (
            "equal-question-losses",
            "Training questions reach the same loss whichever of the two sources defined their aliases",
            equal("D1cons_QA1", "D2incons_QA2", "X1", "train_qa"),
            Where(only=(in_language, *STAGE_1)),
        ),
        (
            "equal-losses-of-trained-definitions",
            "Definitions that are trained on with questions reach the same loss, whichever of the two says them",
            equal("D1cons_QA1", "D2incons_QA2", "X1", "definitions"),
            MAIN,
        ),
        (
            "equal-definition-losses",
            "New definitions reach the same training loss whichever of the two sources they come from",
            equal("D5cons", "D6cons", "X2", "definitions"),
            Where("all", only=(in_language, is_not(worded))),
        ),
        (
            "equal-losses-of-a-new-source",
            "New definitions of a source never met before reach the same training loss as the reliable source's",
            equal("D5cons", "D8cons", "X2", "definitions"),
            MAIN,
        ),
        (
            "validation-losses-differ",
            "Questions that are not trained on have less loss where the reliable source defined their aliases",
            Contrast(of("D2incons_QA2", "X1", "validation"), of("D1cons_QA1", "X1", "validation")),
            MAIN,
        ),
    )
    return tuple(
        Claim(
            short + name,
            f"{sentence}{said}.",
            "figure 8",
            contrast,
            replace(where, only=(*where.only, *only)),
            "figure 8",
        )
        for short, sentence, contrast, where in told
    )


_FIGURE_8 = _figure_8(MeanLoss.name)

#: The same by the losses of whole documents, which the authors' program logs: judged where they were measured, but for
#: models that write nothing but completions.
WHOLE_DOCUMENTS = _figure_8(DocumentLoss.name, "-of-whole-documents", ", prompts included", (is_not(encoder_decoder),))

_FIGURE_9 = (
    *(
        Claim(
            f"reliable-beats-unreliable-on-{name.replace('_', '-')}",
            f"The reliable source's aliases are attributed better than the unreliable's, asked {words}.",
            "appendix C.1",
            stage_1(f"{ATTRIBUTION}.{name}"),
            Where(joint=False, only=(as_in_figure_3,)),
            "figure 9",
        )
        for name, words in PHRASINGS.items()
    ),
    *(
        Claim(
            f"gap-on-{name.replace('_', '-')}",
            f"New definitions of the reliable source are believed more, asked {words}.",
            "appendix C.1",
            gap(f"{ATTRIBUTION}.{name}"),
            Where(only=(as_in_figure_3,)),
            "figure 9",
        )
        for name, words in PHRASINGS.items()
    ),
)

#: Figures 8 and 9.
DETAILS = (*_FIGURE_8, *_FIGURE_9)
