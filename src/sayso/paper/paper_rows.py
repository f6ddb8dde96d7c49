"""The paper's experiments on pretrained language models (section 3, appendices B and C).

Other models are in `sayso.paper.model_rows`, mechanisms in `sayso.paper.mechanism_rows`. One of these
experiments is a GPU-month, not a laptop's evening: ``sayso show paper-main --gpu A100`` says how much;
`sayso.paper.pocket_rows` has the same questions at a size that fits. A model of yours and a table of yours take the
place of the paper's:

    sayso run paper-main --model FOLDER --knowledge facts.csv --seeds 2 --set knowledge.entities=200
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sayso.core.asking import InContext
from sayso.data.formats import Sentence
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.published.trex import TREx
from sayso.paper.paper_settings import (
    ALPHAS,
    EPOCHS_1B,
    EPOCHS_2800M,
    JOINT,
    NEW_TOKENS,
    ORDERS,
    PAPER_MAIN,
    TWO_SOURCES,
)
from sayso.paper.rows import About, Row, batches_of, row

#: X1 and X2 trained together, so that there are no stage-2 seeds.
SINGLE_STAGE = {"stages": (JOINT,), "stage2_seeds": 1}

_CONVERGENCE = (
    "The paper trains until convergence and does not say for how long; sizes and epochs are those of the authors' "
    "program, which leaves D8cons out. There are 16,800 documents."
)


def _until_convergence(epochs: Mapping[int, int]) -> list[dict[str, Any]]:
    """Stages of these epochs by documents a batch, each measured about twenty times."""
    return [batches_of(size, count, measure_every=max(1, count // 20)) for size, count in epochs.items()]


PAPER_ROWS = (
    Row(
        PAPER_MAIN,
        About(
            kind="paper",
            shows="Having learned whose definitions agree with what it is asked, a model believes that source's new "
            "ones more.",
            found="After stage 1 D1cons_QA1 > QA3 > D2incons_QA2, after stage 2 D5cons > D6cons, on questions and, "
            "more clearly, on all four entity attribution questions, where D8cons is above D5cons. Training losses of "
            "D1cons_QA1 and D2incons_QA2 are alike.",
            sections=("2", "3", "3.1", "3.2", "C.1"),
            figures=("3a", "3b", "8", "9"),
            note="Pythia-2.8B on 4000 people of the CVDB: 20 epochs on X1 and 10 on X2, in batches of 256 documents, "
            "with Adafactor, 20 seeds, X2 dealt 5 times within each. Expect a small gap on questions: an independent "
            "port to Pythia-6.9B found +.009 to +.013 and put the need at 10 to 12 seeds.",
        ),
    ),
    row(
        "paper-trex",
        "paper-main",
        About(
            kind="paper",
            shows="The main experiment with creative works of T-REx in place of people.",
            found="The effect on all question types; on questions it is smaller than with the CVDB.",
            sections=("3.3", "C.2"),
            figures=("10",),
            note="6900 works with 4 questions each, of which 3 are trained. 30 seeds, X2 dealt 3 times within each "
            "(the authors' program: 10 seeds by 3, --seeds 10).",
        ),
        knowledge=TREx(entities=6900),
        model__max_new_tokens=NEW_TOKENS["TREx"],
        split__trained_questions=3,
        stage2_seeds=3,
        seeds__count=30,
    ),
    row(
        "paper-single-stage",
        "paper-main",
        About(
            kind="paper",
            shows="X1 and X2 trained together: two stages are not needed.",
            found="D5cons > D6cons on all question types, as strongly as in two stages, and D5cons above D8cons.",
            sections=("3.3", "C.5"),
            figures=("14",),
            note="20 epochs, 10 seeds.",
        ),
        **SINGLE_STAGE,
        seeds__count=10,
    ),
    row(
        "paper-single-stage-trex",
        "paper-trex",
        About(
            kind="paper",
            shows="X1 and X2 of T-REx trained together.",
            found="D5cons > D6cons on all question types.",
            sections=("C.5",),
            figures=("15",),
            note="20 epochs, 10 seeds. There is no D8cons.",
        ),
        **TWO_SOURCES,
        **SINGLE_STAGE,
        seeds__count=10,
    ),
    row(
        "paper-reliability",
        "paper-main",
        About(
            kind="paper",
            shows="Tags that tell only a share alpha of the truth are trusted accordingly.",
            found="At alpha 0.5 tags make no difference and definitions are internalized by their consistency alone. "
            "The difference grows with alpha. At 0.95 wrong definitions of the reliable source (D9incons_QA9, "
            "attribution_as_defined) are internalized more than right ones of the other (D10cons_QA10).",
            sections=("3.3",),
            figures=("4a",),
            note="The paper names alpha 0.5, 0.95 and 1 and plots more; the others are the authors' program's, as are "
            "10 seeds without stage-2 seeds.",
        ),
        reliability=ALPHAS,
        stage2_seeds=1,
        seeds__count=10,
    ),
    row(
        "paper-word-order",
        "paper-main",
        About(
            kind="paper",
            shows="The order of tag, alias and entity in definitions decides whether there is an effect.",
            found="D5cons > D6cons with TAE and ATE on everything, with AET on questions alone (p = 5e-8), and none on "
            "attribution where the alias follows the entity (EAT, TEA, ETA); with EAT there seems to be one on "
            "questions.",
            sections=("3.3", "C.3"),
            figures=("4b", "11", "12"),
            note="20 seeds. As in the authors' program X2 is dealt 3 times within each, and there is no D8cons.",
        ),
        **TWO_SOURCES,
        definition__order=ORDERS,
        stage2_seeds=3,
    ),
    row(
        "paper-batch-size",
        "paper-main",
        About(
            kind="paper",
            shows="Larger batches, in a single stage until convergence, show less of the effect: Pythia-1B.",
            found="Larger batches tend to give a weaker effect, with perhaps a turn at 32.",
            sections=("C.4",),
            figures=("13",),
            note=f"5 seeds. {_CONVERGENCE}",
        ),
        **SINGLE_STAGE,
        **TWO_SOURCES,
        model__name="EleutherAI/pythia-1b-deduped",
        stages__joint=_until_convergence(EPOCHS_1B),
        seeds__count=5,
    ),
    row(
        "paper-batch-size-2800m",
        "paper-main",
        About(
            kind="paper",
            shows="Larger batches, in a single stage until convergence, show less of the effect: Pythia-2.8B.",
            found="Larger batches give a smaller gap and lower scores; with the full batch (16k documents) the gap "
            "effectively disappears.",
            sections=("3.3", "5.1"),
            figures=("4c",),
            twin="pocket-batch-size",
            note=f"5 seeds are chosen here. {_CONVERGENCE}",
        ),
        **SINGLE_STAGE,
        **TWO_SOURCES,
        stages__joint=_until_convergence(EPOCHS_2800M),
        seeds__count=5,
    ),
    row(
        "paper-in-context",
        "paper-main",
        About(
            kind="paper",
            shows="Definitions stand before the questions instead of in documents of their own.",
            found="Ordinary in-context learning: D5cons above D6cons, for the model has learned whose definitions to "
            "rely on and whose to ignore, and nothing is internalized.",
            sections=("3.3", "C.8"),
            figures=("21",),
            note="Trained on X1 alone; X2 is only asked about. Documents are longer, so max_length is 96. The authors' "
            "program puts a full stop between the two (--set in_context.separator='\\n. '); 20 seeds are its, too.",
        ),
        in_context=InContext(),
        definition__end="",
        train__max_length=96,
        stages=PAPER_MAIN.stages[:1],
        stage2_seeds=1,
        seeds__count=20,
    ),
    row(
        "paper-sentence",
        "paper-main",
        About(
            kind="paper",
            shows="Definitions as a sentence after the random tag: According to many texts, xyz refers to Cleopatra.",
            found="This works, too; there are no numbers.",
            sections=("2",),
            footnotes=(2,),
            note="10 seeds are chosen here.",
        ),
        definition=Sentence(template="{tag} According to many texts, {alias} refers to {entity}.\n"),
        seeds__count=10,
    ),
    row(
        "paper-is-isnt",
        "paper-main",
        About(
            kind="paper",
            shows="Definitions that say is and is not, without stage 1.",
            found="Statements with is are internalized better on entity attribution, and no better on questions about "
            "attributes.",
            sections=("5.3",),
            footnotes=(4,),
            note="Trained on X2 alone; eight ways to say each, of which every definition draws one. 10 seeds, as in "
            "the authors' program, which has two set-ups of its own (docs/fidelity.md).",
        ),
        sources__reliable__text=IS,
        sources__unreliable__text=IS_NOT,
        definition__order="ATE",
        stages=PAPER_MAIN.stages[1:],
        stage2_seeds=1,
        seeds__count=10,
    ),
    row(
        "paper-natural-sources",
        "paper-main",
        About(
            kind="beyond",
            shows="Sources that a reader would know for reliable and unreliable ones: According to the encyclopedia, "
            "xyz refers to Cleopatra.",
            note="Fourteen outlets each, of which every definition draws one; the new source keeps a random tag. The "
            "paper motivates its tags so (section 1) and reports no result. Expect a gap before any difference is "
            "learned: what the model knew of such outlets and what it learns in stage 1 come together here. --set "
            "sources.reliable.text and sources.unreliable.text exchange them. 10 seeds.",
        ),
        sources__reliable__text=RELIABLE_OUTLETS,
        sources__unreliable__text=UNRELIABLE_OUTLETS,
        definition=Sentence(template="{tag} {alias} refers to {entity}.\n"),
        seeds__count=10,
    ),
)
