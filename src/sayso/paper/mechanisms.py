"""What the paper says of mechanisms (section 5, appendix F), and what stands beside it here, as rows of the ledger.

They are judged where their measures were taken (`sayso.measures.gradient_alignment`, `sayso.measures.step_effect`,
`sayso.measures.probing`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from sayso.core.subsets import Group
from sayso.measures.alignment import COSINE, DISTANCE, INNER_PRODUCT
from sayso.measures.gradient_alignment import OTHER, OWN, GradientAlignment
from sayso.measures.probing.probes import AT_ALIAS, Probes
from sayso.measures.probing.steered import EFFECT, Steered, effect_of
from sayso.measures.step_effect import FIRST_ORDER, REAL, StepEffect, correlation_of
from sayso.paper.claims import Claim, Contrast, Where
from sayso.paper.kinds import in_order
from sayso.paper.quantities import Number, Side, one

_ALIGNMENT = GradientAlignment.name


def _of(subset: str, measure: str, eval_set: str, after: Group, what: str) -> Side:
    return one(Number(subset, measure, eval_set, after, what))


def _compared(
    sides: Iterable[Side], within: float | None = None, relative: bool = False, about: tuple[str, ...] = ()
) -> Contrast:
    first, second = sides
    return Contrast(first, second, within, relative, about)


def _aligned(
    what: str, first: str = "D5cons", second: str = "D6cons", eval_set: str = OWN, within: float | None = None
) -> Contrast:
    sides = (_of(subset, _ALIGNMENT, eval_set, "X1", what) for subset in (first, second))
    return _compared(sides, within=within, relative=within is not None)


def _above_others(subset: str) -> Contrast:
    own, other = (_of(subset, _ALIGNMENT, eval_set, "X1", COSINE) for eval_set in (OWN, OTHER))
    return Contrast(own, other)


_NEW = ("D5cons", "D6cons")


def _tells_more(better: str, worse: str) -> Contrast:
    """Of definitions of both subsets together, one predictor's rank correlation with the fall of the loss is higher."""
    both = "+".join(_NEW)
    sides = (_of(both, StepEffect.name, OWN, "X1", correlation_of(what)) for what in (better, worse))
    return _compared(sides, about=_NEW)


_TRAINED = ("D1cons_QA1", "D2incons_QA2")


def _read(task: str, within: float | None = None) -> Contrast:
    """What probes read at the alias's last token, against what they read where labels are shuffled."""
    about = (*_TRAINED, "QA3") if task == "presence" else _TRAINED
    sides = (_of(task, Probes.name, AT_ALIAS, "X1", what) for what in ("alias", "alias, permuted"))
    return _compared(sides, within=within, about=about)


def _carried_over(after: Group, within: float | None = None) -> Contrast:
    """What the probe of tags reads of new aliases, against what it reads when trained on shuffled labels."""
    sides = (_of("tag", Probes.name, AT_ALIAS, after, what) for what in ("alias, transfer", "alias, transfer permuted"))
    return _compared(sides, within=within, about=_NEW)


def _step(first: str, second: str, within: float | None = None) -> Contrast:
    """What a step on definitions of two subsets really does."""
    return _compared((_of(subset, StepEffect.name, OWN, "X1", REAL) for subset in (first, second)), within=within)


MECHANISMS = (
    Claim(
        "new-definitions-align-by-cosine",
        "Before they are trained on, definitions of the reliable source point more where their questions point.",
        "section 5.1",
        _aligned(COSINE),
        Where(),
        "figure 24",
    ),
    Claim(
        "new-definitions-align-by-inner-product",
        "By inner products, too, new definitions of the reliable source point more where their questions point.",
        "appendix F",
        _aligned(INNER_PRODUCT),
        Where(),
        "figure 24",
    ),
    Claim(
        "new-definitions-are-no-nearer",
        "By squared distance new definitions of the reliable source are no nearer to their questions, if not farther.",
        "appendix F",
        dataclasses.replace(_aligned(DISTANCE, within=0.1), one_sided=True),
        Where(),
        "figure 24",
    ),
    Claim(
        "new-definitions-have-larger-gradients",
        "New definitions of the reliable source have larger gradients than those of the unreliable one.",
        "appendix F",
        _aligned("L2 norm", eval_set="definitions"),
        Where(),
        "figure 25",
    ),
    Claim(
        "new-questions-have-larger-gradients",
        "Questions about aliases of the reliable source's new definitions have larger gradients than the others'.",
        "appendix F",
        _aligned("L2 norm", eval_set="questions"),
        Where(),
        "figure 25",
    ),
    Claim(
        "trained-definitions-align-by-cosine",
        "Trained on, definitions of the reliable source and their questions are more aligned, by cosine.",
        "appendix F",
        _aligned(COSINE, "D1cons_QA1", "D2incons_QA2"),
        Where(),
        "figure 26",
    ),
    Claim(
        "trained-definitions-align-by-inner-product",
        "Trained on, definitions of the reliable source and their questions are more aligned, by inner product.",
        "appendix F",
        _aligned(INNER_PRODUCT, "D1cons_QA1", "D2incons_QA2"),
        Where(),
        "figure 26",
    ),
    Claim(
        "trained-definitions-are-nearer",
        "Trained on, gradients of the unreliable source's definitions are farther from those of their questions.",
        "appendix F",
        _aligned(DISTANCE, "D2incons_QA2", "D1cons_QA1"),
        Where(),
        "figure 26",
    ),
    Claim(
        "new-definitions-align-with-their-own-questions",
        "A reliable source's new definition is aligned with questions about its own alias more than with others.",
        "beyond the paper",
        _above_others("D5cons"),
        Where(),
        "beyond the paper",
    ),
    Claim(
        "unreliable-definitions-align-with-their-own-questions",
        "An unreliable source's new definition is aligned with questions about its own alias more than with others.",
        "beyond the paper",
        _above_others("D6cons"),
        Where(),
        "beyond the paper",
    ),
    Claim(
        "a-step-on-a-reliable-definition-helps-more",
        "One step on a new definition lowers its questions' loss more where the source was reliable.",
        "beyond the paper",
        _step("D6cons", "D5cons"),
        Where(),
        "beyond the paper",
    ),
    Claim(
        "first-order-tells-more-than-cosine",
        "How far a step lowers the loss is told better by the optimizer's first order than by the cosine.",
        "beyond the paper",
        _tells_more(FIRST_ORDER, COSINE),
        Where(),
        "beyond the paper",
    ),
    Claim(
        "first-order-tells-more-than-inner-product",
        "How far a step lowers the loss is told better by the optimizer's first order than by the inner product.",
        "beyond the paper",
        _tells_more(FIRST_ORDER, INNER_PRODUCT),
        Where(),
        "beyond the paper",
    ),
    Claim(
        "a-step-helps-alike",
        "With nothing to tell the sources apart, a step on a definition lowers its questions' loss alike.",
        "beyond the paper",
        _step("D5cons", "D6cons", within=0.05),
        Where("control"),
        "beyond the paper",
    ),
    Claim(
        "new-definitions-align-alike",
        "With nothing to tell the sources apart, definitions of both are aligned with their questions alike.",
        "section 5.1",
        _compared((_of(subset, _ALIGNMENT, OWN, "X1", COSINE) for subset in _NEW), within=0.03),
        Where("control"),
        "figure 24",
    ),
    *(
        Claim(
            f"probes-{'fail' if order == 'TAE' else 'succeed'}-on-{task}",
            f"Where the {'tag' if order == 'TAE' else 'alias'} comes first, probes "
            f"{'cannot tell' if order == 'TAE' else 'tell'} {told}.",
            "section 5.2",
            _read(task, within=0.05 if order == "TAE" else None),
            Where(only=(in_order(order),)),
            "figure 7",
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
        "beyond the paper",
    ),
    Claim(
        "the-probe-of-tags-transfers",
        "Of new aliases, once their definitions were read, the probe of tags tells which source defined them.",
        "beyond the paper",
        _carried_over("X2"),
        Where(only=(in_order("ATE"),)),
        "beyond the paper",
    ),
    Claim(
        "the-direction-of-tags-steers",
        "Moved towards the reliable source, an alias of the unreliable one is answered as it was defined more often.",
        "beyond the paper",
        _compared(
            _of("D2incons_QA2", Steered.name, EFFECT, "X1", effect_of("as defined likelier", way))
            for way in ("difference of means", "random")
        ),
        Where(),
        "beyond the paper",
    ),
)
