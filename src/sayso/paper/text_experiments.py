"""The paper's experiments on pretrained language models, with its every setting (sections 2, 3, appendices A to C).

Each says what the paper found. One of them is a GPU-month, not a laptop's evening: ``sayso show paper-main --gpu A100``
says how much, `sayso.paper.pocket_twins` has the same questions at a size that fits. A model of yours and a table of
yours take the place of the paper's:

    sayso run paper-main --model FOLDER --knowledge facts.csv --seeds 2 --set knowledge.entities=200

What the paper leaves open, or says otherwise than its program does, is chosen here: the loss counts one end-of-text
token after a document, not all padding (``--set train.padding_loss=all``); documents end with a line break, as the
program writes them; an answer is the first line of what is generated (``--set model.answer=whole``).
"""

from __future__ import annotations

from typing import Any

from sayso.core.experiment import Experiment, InContext
from sayso.core.seeds import Seeds
from sayso.core.spec import Component
from sayso.core.subsets import NEW, RELIABLE, UNRELIABLE, Source, SplitSpec
from sayso.core.training import Stage, TrainSpec
from sayso.data.formats import QuestionAndAnswer, Sentence, WordOrder
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.published.cvdb import CVDB
from sayso.data.published.trex import TREx
from sayso.learners.specs import HFModel
from sayso.measures.by_attribute import ExactMatchByAttribute
from sayso.measures.exact_match import ExactMatch
from sayso.measures.f1 import F1
from sayso.measures.losses import MeanLoss
from sayso.measures.predictions import Predictions

_JOINT = Stage(name="joint", documents=("X1", "X2"), epochs=20)

#: Documents of the paper's X1 and X2 together: an update on all of them is a full batch.
_ALL_DOCUMENTS = 16_960

#: Evaluation sets whose answers are kept.
_KEPT = ("validation", "entity_attribution", "attribution_as_defined")

PAPER_MAIN = Experiment(
    name="paper-main",
    summary=(
        "The paper's main experiment (figures 3, 8 and 9): Pythia-2.8B on 4000 people of the CVDB. Trained for 20 "
        "epochs on X1 and 10 on X2, in batches of 256 documents, with Adafactor at 5e-5 falling linearly to 0 in each "
        "stage, on 20 seeds, X2 dealt 5 times within each. The paper finds D1cons_QA1 > QA3 > D2incons_QA2 after "
        "stage 1, and D5cons > D6cons after stage 2, on questions and, more clearly, on all four entity attribution "
        "questions, where D8cons is above D5cons; training losses of D1cons_QA1 and D2incons_QA2 are alike. It "
        "reports about 6 hours of an A100-80GB a seed. Expect a small gap on questions: an independent port to "
        "Pythia-6.9B found +.009 to +.013 and put the need at 10 to 12 seeds."
    ),
    knowledge=CVDB(entities=4000),
    split=SplitSpec(trained_questions=5),
    definition=WordOrder(order="TAE", end="\n"),
    questions=QuestionAndAnswer(),
    model=HFModel(name="EleutherAI/pythia-2.8b-deduped"),
    train=TrainSpec(
        optimizer="adafactor",
        learning_rate=5e-5,
        schedule="linear",
        batch_size=256,
        max_grad_norm=1.0,
        loss_on="all",
        padding_loss="first_eos",
        max_length=64,
        precision="auto",
    ),
    stages=(Stage(name="stage1", documents=("X1",), epochs=20), Stage(name="stage2", documents=("X2",), epochs=10)),
    measures=(ExactMatch(), MeanLoss(), ExactMatchByAttribute(), F1(), Predictions(eval_sets=_KEPT)),
    stage2_seeds=5,
    seeds=Seeds(first=600, count=20),
)


def _like(base: Experiment, name: str, summary: str, seeds: int, **changes: Any) -> Experiment:
    """`base` under another name and with other settings; double underscores stand for dots, a list is an axis."""
    plain = {
        path: value.model_dump(mode="json") if isinstance(value, Component) else value
        for path, value in changes.items()
    }
    return base.vary(name, summary=summary, seeds__first=600, seeds__count=seeds, **plain)


def _single_stage(base: Experiment, name: str, summary: str, seeds: int, **changes: Any) -> Experiment:
    """`base` with X1 and X2 trained together for 20 epochs, so that there are no stage-2 seeds."""
    joint = (_JOINT.model_dump(mode="json"),)
    return _like(base, name, summary, seeds, stages=joint, stage2_seeds=1, **changes)


PAPER_TREX = _like(
    PAPER_MAIN,
    "paper-trex",
    "The main experiment on creative works of T-REx (appendix C.2, figure 10). There are 6900 works with 4 questions "
    "each, of which 3 are trained, and 30 seeds. The paper finds the effect on all question types, smaller than with "
    "the CVDB on questions.",
    seeds=30,
    knowledge=TREx(entities=6900),
    split__trained_questions=3,
)

PAPER_SINGLE_STAGE = _single_stage(
    PAPER_MAIN,
    "paper-single-stage",
    "X1 and X2 trained together (appendix C.5, figure 14). There are 20 epochs and 10 seeds. The paper finds D5cons > "
    "D6cons as clearly as in two stages, on all question types, and D5cons above D8cons here.",
    seeds=10,
)

PAPER_SINGLE_STAGE_TREX = _single_stage(
    PAPER_TREX,
    "paper-single-stage-trex",
    "X1 and X2 of T-REx trained together (appendix C.5, figure 15). There are 20 epochs and 10 seeds. The paper finds "
    "D5cons > D6cons on all question types.",
    seeds=10,
)

PAPER_RELIABILITY = _like(
    PAPER_MAIN,
    "paper-reliability",
    "Tags that tell only a share alpha of the truth (section 3.3, figure 4a). The paper names alpha 0.5, 0.95 and 1 "
    "and plots more; 0.75 and 0.9 are chosen here, as are 10 seeds. It finds no difference between the tags at 0.5, "
    "where definitions are internalized by their consistency alone; a difference that grows with alpha; and at 0.95 "
    "the definitions of D9incons_QA9 (attribution_as_defined) internalized more than those of D10cons_QA10.",
    seeds=10,
    reliability=[0.5, 0.75, 0.9, 0.95, 1.0],
)

PAPER_WORD_ORDER = _like(
    PAPER_MAIN,
    "paper-word-order",
    "All six orders of tag, alias and entity (section 3.3, figures 4b, 11 and 12), on 20 seeds. The paper finds "
    "D5cons > D6cons with TAE and ATE on everything, with AET on questions alone (p = 5e-8), and none on attribution "
    "where the alias follows the entity (EAT, TEA, ETA); with EAT there seems to be one on questions.",
    seeds=20,
    definition__order=["TAE", "ATE", "AET", "TEA", "ETA", "EAT"],
)


def _batch(size: int, epochs: int) -> dict[str, Any]:
    return {**_JOINT.model_dump(mode="json"), "epochs": epochs, "overrides": {"batch_size": size}}


PAPER_BATCH_SIZE = _single_stage(
    PAPER_MAIN,
    "paper-batch-size",
    "Batches from 32 documents to all of them, in a single stage (sections 3 and 5.1, figures 4c and 13). Pythia-1B "
    "and 5 seeds as in figure 13; figure 4c is --model EleutherAI/pythia-2.8b-deduped. The paper trains until "
    "convergence and does not say for how long: here it is 20 epochs, and from 1024 documents a batch on as many as "
    "make about 330 updates or more. It finds that larger batches give a smaller gap and lower scores, with none left "
    "when the batch is full, and perhaps a turn at 32.",
    seeds=5,
    model__name="EleutherAI/pythia-1b-deduped",
    stages__joint=[
        _batch(32, 20),
        _batch(128, 20),
        _batch(512, 20),
        _batch(1024, 20),
        _batch(4096, 80),
        _batch(_ALL_DOCUMENTS, 330),
    ],
)

PAPER_MODEL_SIZE = _like(
    PAPER_MAIN,
    "paper-model-size",
    "Pythia models from 70M to 6.9B parameters (section 3.3, figure 16). The paper finds larger models better and "
    "with more of a gap, which is first noticeable at 1B. It does not give the number of seeds; 10 are chosen here.",
    seeds=10,
    model__name=[f"EleutherAI/pythia-{size}-deduped" for size in ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b")],
)

_GPT_NEO = ["EleutherAI/gpt-neo-125m", "EleutherAI/gpt-neo-1.3B", "EleutherAI/gpt-neo-2.7B"]

PAPER_GPT_NEO = _like(
    PAPER_MAIN,
    "paper-gpt-neo",
    "GPT-Neo models of three sizes on the CVDB (appendix C.6, figure 17). The paper finds D5cons > D6cons for the "
    "larger ones. It does not give the number of seeds; 10 are chosen here.",
    seeds=10,
    model__name=_GPT_NEO,
)

PAPER_GPT_NEO_TREX = _like(
    PAPER_TREX,
    "paper-gpt-neo-trex",
    "GPT-Neo models of three sizes on T-REx, the harder of the two (appendix C.6, figure 18). The paper finds D5cons "
    "> D6cons for the largest alone. It does not give the number of seeds; 10 are chosen here.",
    seeds=10,
    model__name=_GPT_NEO,
)

PAPER_LLAMA2 = _like(
    PAPER_MAIN,
    "paper-llama2",
    "Llama-2-7B on the CVDB (appendix C.6, figure 17). The paper finds D5cons > D6cons. The model is behind a licence "
    "that has to be accepted on the hub. The paper does not give the number of seeds; 10 are chosen here.",
    seeds=10,
    model__name="meta-llama/Llama-2-7b-hf",
)

PAPER_T5 = _like(
    PAPER_MAIN,
    "paper-t5",
    "T5-3B, which reads a question or the beginning of a definition and is trained on the rest alone (appendix C.7, "
    "figure 20). The paper finds D5cons > D6cons clearly and the difference after stage 1 barely visible; on T-REx "
    "(--knowledge trex) neither. It does not give the number of seeds; 10 are chosen here.",
    seeds=10,
    model__name="google-t5/t5-3b",
    train__loss_on="completion",
)

PAPER_T5_SINGLE_STAGE = _single_stage(
    PAPER_T5,
    "paper-t5-single-stage",
    "T5-3B with X1 and X2 trained together (appendix C.7, figure 19), on 10 seeds. The paper finds a gap that is "
    "seemingly there while accuracy goes down, on the CVDB and on T-REx (--knowledge trex).",
    seeds=10,
)

PAPER_IN_CONTEXT = _like(
    PAPER_MAIN,
    "paper-in-context",
    "Definitions before the questions instead of in documents of their own (appendix C.8, figure 21). Trained on X1 "
    "alone; X2 is only asked about. The paper finds ordinary in-context learning: D5cons above D6cons, for the model "
    "has learned whose definitions to rely on, and nothing is internalized. Documents are longer, so max_length is "
    "96. The authors' program puts a full stop between the two (--set in_context.separator='\\n. '). The paper does "
    "not give the number of seeds; 10 are chosen here.",
    seeds=10,
    in_context=InContext().model_dump(mode="json"),
    definition__end="",
    train__max_length=96,
    stages=(Stage(name="stage1", documents=("X1",), epochs=20).model_dump(mode="json"),),
    stage2_seeds=1,
)

PAPER_SENTENCE = _like(
    PAPER_MAIN,
    "paper-sentence",
    "Definitions as a sentence after the random tag: According to many texts, xyz refers to Cleopatra (footnote 2). "
    "The paper says that this works too, and gives no numbers. 10 seeds are chosen here.",
    seeds=10,
    definition=Sentence(template="{tag} According to many texts, {alias} refers to {entity}.\n"),
)


def _said(**texts: tuple[str, ...] | None) -> tuple[dict[str, Any], ...]:
    """The paper's three sources with texts of their own instead of random tags, given by name."""
    return tuple(
        Source(name=name, text=texts.get(name)).model_dump(mode="json") for name in (RELIABLE, UNRELIABLE, NEW)
    )


PAPER_NATURAL_SOURCES = _like(
    PAPER_MAIN,
    "paper-natural-sources",
    "Sources that a reader would know for reliable and unreliable ones: According to the encyclopedia, xyz refers to "
    "Cleopatra. Fourteen outlets each, of which every definition draws one; the new source keeps a random tag. The "
    "paper motivates its tags so (section 1) and reports no result. Expect a gap before any difference is learned: "
    "what the model knew of such outlets and what it learns in stage 1 come together here. --set "
    "sources.reliable.text and sources.unreliable.text exchange them.",
    seeds=10,
    sources=_said(reliable=RELIABLE_OUTLETS, unreliable=UNRELIABLE_OUTLETS),
    definition=Sentence(template="{tag} {alias} refers to {entity}.\n"),
)

PAPER_IS_ISNT = _like(
    PAPER_MAIN,
    "paper-is-isnt",
    "Definitions that say is and is not, without stage 1 (section 5.3, footnote 4). Trained on X2 alone; eight ways "
    "to say each, of which every definition draws one. The paper finds the statements with is internalized better on "
    "entity attribution, and no better on questions about attributes. 10 seeds are chosen here.",
    seeds=10,
    sources=_said(reliable=IS, unreliable=IS_NOT),
    definition__order="ATE",
    stages=(Stage(name="stage2", documents=("X2",), epochs=10).model_dump(mode="json"),),
    stage2_seeds=1,
)

TEXT_EXPERIMENTS = (
    PAPER_MAIN,
    PAPER_TREX,
    PAPER_SINGLE_STAGE,
    PAPER_SINGLE_STAGE_TREX,
    PAPER_RELIABILITY,
    PAPER_WORD_ORDER,
    PAPER_BATCH_SIZE,
    PAPER_MODEL_SIZE,
    PAPER_GPT_NEO,
    PAPER_GPT_NEO_TREX,
    PAPER_LLAMA2,
    PAPER_T5,
    PAPER_T5_SINGLE_STAGE,
    PAPER_IN_CONTEXT,
    PAPER_SENTENCE,
    PAPER_NATURAL_SOURCES,
    PAPER_IS_ISNT,
)
