"""More experiments without language: set inclusion (section 4.1, appendix D) and digits (section 4.2, appendix E)."""

from __future__ import annotations

from sayso.core.subsets import with_reliability
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.pocket_settings import POCKET_DIGITS, POCKET_SET_INCLUSION
from sayso.paper.rows import row

SET_INCLUSION_ROWS = (
    row(
        "pocket-set-inclusion-control",
        "pocket-set-inclusion",
        "The control that must find nothing: in stage 1 each source is right half of the time (alpha = 0.5). "
        "Everything else is as in pocket-set-inclusion. Expect no difference between D5cons and D6cons after stage 2.",
        subsets=with_reliability(POCKET_SET_INCLUSION.subsets, 0.5),
    ),
    row(
        "pocket-set-inclusion-no-stage1",
        "pocket-set-inclusion",
        "The control without stage 1: the model never learns which source is right. Everything else is as in "
        "pocket-set-inclusion. Expect no difference between D5cons and D6cons after stage 2.",
        stages__stage1__epochs=0,
    ),
    row(
        "pocket-set-inclusion-questions",
        "pocket-set-inclusion",
        "How many training questions a variable has. The paper finds that with many more of them definitions stop "
        "making a difference in either stage (figure 22). Everything else is as in pocket-set-inclusion; questions "
        "that are not trained on are asked. Expect that of stage 1; a prototype's gap after stage 2 grew with them.",
        knowledge__training_questions=24,
        split__trained_questions=[2, 4, 6, 12, 24],
        measures=(ExactMatch(when="stage"), MeanLoss(when="stage")),
    ),
    row(
        "pocket-set-inclusion-from-scratch",
        "pocket-set-inclusion",
        "The paper's protocol without any warm-up, at the size of pocket-set-inclusion: the model has read nothing "
        "before stage 1. Everything else is the same. Expect no clear gap after stage 2.",
        knowledge__warm_up=None,
        stages=POCKET_SET_INCLUSION.stages[1:],
    ),
)

DIGIT_ROWS = (
    row(
        "pocket-digits-pairs",
        "pocket-digits",
        "Figure 23's axis: 4, 12, 36, 100 and 200 variable-entity pairs a subset (six times as many in all), in 6,000 "
        "steps. The paper finds that the gap D5cons - D6cons grows with the number of pairs, and that it takes about "
        "50 of them. Everything else is as in pocket-digits, whose 2,000 steps are too few to see it. Sizes and steps "
        "were chosen on seeds 0-3.",
        knowledge__entities=[24, 72, 216, 600, 1200],
        train__sampling__steps_per_epoch=1500,
        seeds__first=108,
    ),
    row(
        "pocket-digits-control",
        "pocket-digits",
        "The control that must find nothing: each source is right about half of the pairs of X1 (alpha = 0.5). "
        "Everything else is as in pocket-digits, but that seven groups share the steps instead of five. Expect no "
        "difference between D5cons and D6cons.",
        subsets=with_reliability(POCKET_DIGITS.subsets, 0.5),
    ),
)
