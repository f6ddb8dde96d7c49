"""Potential mechanisms (section 5): gradient alignment (appendix F) and linear probes, at full and at pocket size."""

from __future__ import annotations

from sayso.core.subsets import with_reliability
from sayso.measures.exact_match import ExactMatch
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.losses import MeanLoss
from sayso.measures.probing.probes import Probes
from sayso.measures.probing.steered import Steered
from sayso.measures.step_effect import StepEffect
from sayso.paper.paper_settings import PAPER_MAIN, TWO_SOURCES
from sayso.paper.pocket_settings import POCKET
from sayso.paper.rows import About, row

#: Trained on X1 alone: of new definitions nothing was read yet.
_AFTER_STAGE_1 = {"stages": PAPER_MAIN.stages[:1], "stage2_seeds": 1}

#: Subsets whose definitions the paper's figures of gradients compare.
_COMPARED = ("D1cons_QA1", "D2incons_QA2", "D5cons", "D6cons")

MECHANISM_ROWS = (
    row(
        "paper-gradients",
        "paper-main",
        About(
            kind="paper",
            shows="Gradients of the reliable source's new definitions are aligned more with those of their questions.",
            found="D5cons is more aligned than D6cons by cosine and inner product. By squared distance there is no "
            "difference or the opposite, and the norms of D5cons are larger, of definitions and of questions.",
            sections=("5.1", "F"),
            figures=("6", "24", "25"),
            note="Pythia-1B is trained on X1 alone, on 10 seeds; every second epoch gradients of definitions are "
            "compared with those of their six questions. The paper does not name the model; this, the epochs and "
            "that there is no D8cons are the authors' program's.",
        ),
        **_AFTER_STAGE_1,
        **TWO_SOURCES,
        model__name="EleutherAI/pythia-1b-deduped",
        measures=(ExactMatch(), MeanLoss(), GradientAlignment(when=2)),
        seeds__count=10,
    ),
    row(
        "paper-gradients-stage1",
        "paper-gradients",
        About(
            kind="paper",
            shows="Of definitions that are trained on, too, those of the reliable source are aligned more.",
            found="D1cons_QA1 is more aligned than D2incons_QA2 by inner product, cosine and squared distance.",
            sections=("F",),
            figures=("26",),
            twin="pocket-gradients",
            note="5 seeds; everything else is as in paper-gradients.",
        ),
        measures=(
            ExactMatch(),
            MeanLoss(),
            GradientAlignment(subsets=("D1cons_QA1", "D2incons_QA2"), when=2),
        ),
        seeds__count=5,
    ),
    row(
        "paper-probes",
        "paper-main",
        About(
            kind="paper",
            shows="Linear probes of whether a question's alias had a definition, and of which tag.",
            found="Probes fail where definitions begin with the tag (TAE) and succeed where they begin with the alias "
            "(ATE).",
            sections=("5.2",),
            figures=("7",),
            note="Trained on X1 alone. Activations are those of test questions of one kind whose aliases have as many "
            "tokens as most (3 in the paper). The paper does not give the number of seeds; 5 are chosen here.",
        ),
        **_AFTER_STAGE_1,
        definition__order=["TAE", "ATE"],
        measures=(ExactMatch(), MeanLoss(), Probes()),
        seeds__count=5,
    ),
    row(
        "pocket-gradients",
        "pocket",
        About(
            kind="pocket",
            note="Trained on X1 alone, and gradients of definitions are compared with those of questions every second "
            "epoch: of 24 definitions of each of D1cons_QA1, D2incons_QA2, D5cons and D6cons, with their own "
            "questions and with all others. Beyond the paper, a step is taken on definitions of D5cons and D6cons, to "
            "see which of these tells what it does. Everything else is as in pocket.",
        ),
        stages=POCKET.stages[:2],
        measures=(
            ExactMatch(),
            MeanLoss(),
            GradientAlignment(subsets=_COMPARED, most=24, all_pairs=True, when=2),
            StepEffect(most=24),
        ),
    ),
    row(
        "pocket-gradients-control",
        "pocket-gradients",
        About(
            kind="control",
            shows="The control of pocket-gradients, which must find nothing: in stage 1 each source is right half of "
            "the time (alpha = 0.5).",
            note="Everything else is as in pocket-gradients. Expect D5cons and D6cons to be aligned alike.",
        ),
        subsets=with_reliability(POCKET.subsets, 0.5),
    ),
    row(
        "pocket-probes",
        "pocket",
        About(
            kind="pocket",
            note="Definitions begin with the tag (TAE) or with the alias (ATE). Beyond the paper, the probe of tags "
            "is read on new aliases after stage 2, and its direction is added at the alias, to see whether answers "
            "follow. Folds share no entity. Everything else is as in pocket.",
        ),
        definition__order=["TAE", "ATE"],
        measures=(ExactMatch(), MeanLoss(), Probes(), Steered()),
    ),
)
