"""What the paper says of mechanisms (section 5, appendix F), and what stands beside it here, as rows of the ledger.

They are judged where their measures were taken (`sayso.measures.gradient_alignment`, `sayso.measures.step_effect`,
`sayso.measures.probing`).
"""

from __future__ import annotations

from sayso.core.subsets import Group
from sayso.measures.alignment import COSINE, DISTANCE, INNER_PRODUCT
from sayso.measures.gradient_alignment import OTHER, OWN, GradientAlignment
from sayso.measures.probing.probes import AT_ALIAS, Probes
from sayso.measures.probing.steered import EFFECT, Steered, effect_of
from sayso.measures.step_effect import FIRST_ORDER, REAL, StepEffect, correlation_of
from sayso.paper.claims import Claim, Contrast, Where

_ALIGNMENT = GradientAlignment.name


def _aligned(
    what: str, first: str = "D5cons", second: str = "D6cons", eval_set: str = OWN, within: float | None = None
) -> Contrast:
    return Contrast(first, second, _ALIGNMENT, eval_set, "X1", what=what, within=within, relative=within is not None)


def _above_others(subset: str) -> Contrast:
    return Contrast(subset, subset, _ALIGNMENT, OWN, "X1", what=COSINE, second_eval_set=OTHER)


_NEW = ("D5cons", "D6cons")


def _tells_more(better: str, worse: str) -> Contrast:
    """Of definitions of both subsets together, one predictor's rank correlation with the fall of the loss is higher."""
    both = "+".join(_NEW)
    what, second_what = correlation_of(better), correlation_of(worse)
    return Contrast(both, both, StepEffect.name, OWN, "X1", what=what, second_what=second_what, about=_NEW)


_TRAINED = ("D1cons_QA1", "D2incons_QA2")


def _read(task: str, within: float | None = None) -> Contrast:
    """What probes read at the alias's last token, against what they read where labels are shuffled."""
    about = (*_TRAINED, "QA3") if task == "presence" else _TRAINED
    return Contrast(
        *(task, task, Probes.name, AT_ALIAS, "X1"),
        what="alias",
        second_what="alias, permuted",
        within=within,
        about=about,
    )


def _carried_over(after: Group, within: float | None = None) -> Contrast:
    """What the probe of tags reads of new aliases, against what it reads when trained on shuffled labels."""
    return Contrast(
        *("tag", "tag", Probes.name, AT_ALIAS, after),
        what="alias, transfer",
        second_what="alias, transfer permuted",
        within=within,
        about=_NEW,
    )


MECHANISMS = (
    Claim(
        "new-definitions-align-by-cosine",
        "Before they are trained on, definitions of the reliable source point more where their questions point.",
        "section 5.1, figures 6 and 24",
        _aligned(COSINE),
        Where(),
    ),
    Claim(
        "new-definitions-align-by-inner-product",
        "The same by inner products: gradients of the reliable source's definitions and their questions are aligned.",
        "appendix F, figure 24",
        _aligned(INNER_PRODUCT),
        Where(),
    ),
    Claim(
        "new-definitions-are-no-nearer",
        "Squared distances between definitions' and questions' gradients do not differ by source.",
        "appendix F, figure 24",
        _aligned(DISTANCE, within=0.1),
        Where(),
    ),
    Claim(
        "new-definitions-have-larger-gradients",
        "New definitions of the reliable source have larger gradients than those of the unreliable one.",
        "appendix F, figure 25",
        _aligned("L2 norm", eval_set="definitions"),
        Where(),
    ),
    Claim(
        "new-questions-have-larger-gradients",
        "Questions about aliases of the reliable source's new definitions have larger gradients than the others'.",
        "appendix F, figure 25",
        _aligned("L2 norm", eval_set="questions"),
        Where(),
    ),
    Claim(
        "trained-definitions-align-by-cosine",
        "Trained on, definitions of the reliable source and their questions are more aligned, by cosine.",
        "appendix F, figure 26",
        _aligned(COSINE, "D1cons_QA1", "D2incons_QA2"),
        Where(),
    ),
    Claim(
        "trained-definitions-align-by-inner-product",
        "Trained on, definitions of the reliable source and their questions are more aligned, by inner product.",
        "appendix F, figure 26",
        _aligned(INNER_PRODUCT, "D1cons_QA1", "D2incons_QA2"),
        Where(),
    ),
    Claim(
        "trained-definitions-are-nearer",
        "Trained on, gradients of the unreliable source's definitions are farther from those of their questions.",
        "appendix F, figure 26",
        _aligned(DISTANCE, "D2incons_QA2", "D1cons_QA1"),
        Where(),
    ),
    Claim(
        "new-definitions-align-with-their-own-questions",
        "A reliable source's new definition is aligned with questions about its own alias more than with others.",
        "beyond the paper",
        _above_others("D5cons"),
        Where(),
    ),
    Claim(
        "unreliable-definitions-align-with-their-own-questions",
        "An unreliable source's new definition is aligned with questions about its own alias more than with others.",
        "beyond the paper",
        _above_others("D6cons"),
        Where(),
    ),
    Claim(
        "a-step-on-a-reliable-definition-helps-more",
        "One step on a new definition lowers its questions' loss more where the source was reliable.",
        "beyond the paper",
        Contrast("D6cons", "D5cons", StepEffect.name, OWN, "X1", what=REAL),
        Where(),
    ),
    Claim(
        "first-order-tells-more-than-cosine",
        "How far a step lowers the loss is told better by the optimizer's first order than by the cosine.",
        "beyond the paper",
        _tells_more(FIRST_ORDER, COSINE),
        Where(),
    ),
    Claim(
        "first-order-tells-more-than-inner-product",
        "How far a step lowers the loss is told better by the optimizer's first order than by the inner product.",
        "beyond the paper",
        _tells_more(FIRST_ORDER, INNER_PRODUCT),
        Where(),
    ),
    Claim(
        "a-step-helps-alike",
        "With nothing to tell the sources apart, a step on a definition lowers its questions' loss alike.",
        "beyond the paper",
        Contrast("D5cons", "D6cons", StepEffect.name, OWN, "X1", what=REAL, within=0.05),
        Where("control"),
    ),
    Claim(
        "new-definitions-align-alike",
        "With nothing to tell the sources apart, definitions of both are aligned with their questions alike.",
        "section 5.1",
        Contrast("D5cons", "D6cons", _ALIGNMENT, OWN, "X1", what=COSINE, within=0.03),
        Where("control"),
    ),
    *(
        Claim(
            f"probes-{'fail' if order == 'TAE' else 'succeed'}-on-{task}",
            f"Where the {'tag' if order == 'TAE' else 'alias'} comes first, probes "
            f"{'cannot tell' if order == 'TAE' else 'tell'} {told}.",
            "section 5.2, figure 7",
            _read(task, within=0.05 if order == "TAE" else None),
            Where(order=order),
        )
        for order in ("TAE", "ATE")
        for task, told in (
            ("presence", "whether an alias had a definition"),
            ("tag", "which source defined an alias"),
        )
    ),
    Claim(
        "the-probe-of-tags-does-not-transfer-before-stage-2",
        "Of new aliases, whose definitions were not read yet, the probe of tags tells nothing.",
        "beyond the paper",
        _carried_over("X1", within=0.05),
        Where(joint=False),
    ),
    Claim(
        "the-probe-of-tags-transfers",
        "Of new aliases, once their definitions were read, the probe of tags tells which source defined them.",
        "beyond the paper",
        _carried_over("X2"),
        Where(order="ATE"),
    ),
    Claim(
        "the-direction-of-tags-steers",
        "Moved towards the reliable source, an alias of the unreliable one is answered as it was defined more often.",
        "beyond the paper",
        Contrast(
            *("D2incons_QA2", "D2incons_QA2", Steered.name, EFFECT, "X1"),
            what=effect_of("as defined likelier", "difference of means"),
            second_what=effect_of("as defined likelier", "random"),
        ),
        Where(),
    ),
)
