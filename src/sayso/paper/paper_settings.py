"""The paper's settings: its main experiment, set inclusion and digits; all others are like one of them (`...rows`).

What the paper leaves open, or says otherwise than its program does, is chosen here. For language models the loss counts
one end-of-text token after a document, not all padding (``--set train.padding_loss=all``); documents end with a line
break, as the program writes them; an answer is the first line of what is generated (``--set model.answer=whole``), of
at most as many tokens as the program has. With a table of one's own it is as many as its longest answer needs.
"""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.subsets import SOURCES, TABLE_1, SplitSpec, Subset, with_counts, with_fractions
from sayso.core.training import Sampling, Stage, TrainSpec
from sayso.data.digits.grid import DigitGrids
from sayso.data.formats import QuestionAndAnswer, WordOrder
from sayso.data.published.cvdb import CVDB
from sayso.data.set_inclusion import SetInclusion
from sayso.learners.grids.specs import ConvNeXtV2
from sayso.learners.specs import FromScratch, HFModel
from sayso.measures.by_attribute import ExactMatchByAttribute
from sayso.measures.exact_match import ExactMatch
from sayso.measures.f1 import F1
from sayso.measures.losses import MeanLoss
from sayso.measures.predictions import Predictions

#: How reliable sources are in figure 4a (0.75 and 0.9 are chosen here), and the orders of figure 4b.
ALPHAS = [0.5, 0.75, 0.9, 0.95, 1.0]
ORDERS = ["TAE", "ATE", "AET", "TEA", "ETA", "EAT"]

#: Most tokens of an answer in the authors' program, by kind of knowledge.
NEW_TOKENS = {"CVDB": 8, "TREx": 16, "SetInclusion": 4}

_DEFINED = ("D1cons_QA1", "D2incons_QA2", "D5cons", "D6cons")

JOINT = Stage(name="joint", documents=("X1", "X2"), epochs=20)

#: Evaluation sets whose answers are kept.
_KEPT = ("validation", "entity_attribution", "attribution_as_defined")


def of_table_1(*names: str) -> tuple[Subset, ...]:
    """Some of the subsets of Table 1, in its order."""
    return tuple(subset for subset in TABLE_1 if subset.name in names)


def gpt_neox(
    width: int,
    *,
    layers: int,
    heads: int,
    inside: int,
    positions: int,
    max_new_tokens: int | None = None,
    **more: JsonValue,
) -> FromScratch:
    """A GPT-NeoX, Pythia's architecture, from random weights; `inside`: the width within a feed-forward layer."""
    sizes: dict[str, JsonValue] = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inside,
        "max_position_embeddings": positions,
    }
    return FromScratch(architecture="gpt_neox", config=sizes | more, max_new_tokens=max_new_tokens)


def digits(**settings: Any) -> Experiment:
    """An experiment on grids of digits: equally many pairs in each subset, all but one of nine cells asked in training.

    There is no QA4: a grid of labels cannot be shown instead of a grid of digits.
    """
    names = (*_DEFINED, "QA3", "QA7")
    return Experiment(
        sources=SOURCES[:2],
        subsets=with_counts(of_table_1(*names), **dict.fromkeys(names, 1)),
        split=SplitSpec(trained_questions=8),
        definition=WordOrder(order="TAE"),
        measures=(ExactMatch(), MeanLoss()),
        **settings,
    )


#: Table 3 of the paper.
_TABLE_3 = with_fractions(of_table_1(*_DEFINED), D1cons_QA1=0.4, D2incons_QA2=0.4, D5cons=0.1, D6cons=0.1)

PYTHIA_70M = gpt_neox(
    512,
    layers=6,
    heads=8,
    inside=2048,
    positions=2048,
    max_new_tokens=NEW_TOKENS["SetInclusion"],
    rotary_pct=0.25,
)

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
    model=HFModel(name="EleutherAI/pythia-2.8b-deduped", max_new_tokens=NEW_TOKENS["CVDB"]),
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
    smallest_effect=0.002,
)

PAPER_SET_INCLUSION = Experiment(
    name="paper-set-inclusion",
    summary=(
        "The paper's set inclusion (section 4.1, appendix D, figure 22): Pythia-70M from random weights. It "
        "has 8,000 variables, 100 integers. Expect D1cons_QA1 > D2incons_QA2 after stage 1 and a weak "
        "D5cons > D6cons after stage 2, over 50 seeds; made to be run on a GPU (the paper took 3 hours a seed), not "
        "yet run here at full size. Subsets are those of Table 3. The paper leaves open how many questions are asked "
        "(here 4 a variable) and whether the trained ones may pin an integer down (here they may: lists are drawn at "
        "random; knowledge.candidates=2 keeps a second integer possible). The loss counts one end token, where the "
        "authors' program counts padding up to 16 tokens."
    ),
    knowledge=SetInclusion(integers=100, list_length=8, training_questions=12, test_questions=4),
    sources=SOURCES[:2],
    subsets=_TABLE_3,
    split=SplitSpec(aliases_per_entity=80, shared_entities=True, trained_questions=12),
    definition=WordOrder(order="TAE"),
    model=PYTHIA_70M,
    train=TrainSpec(optimizer="adafactor", learning_rate=5e-5, batch_size=512, loss_on="all"),
    stages=(
        Stage(name="stage1", documents=("X1",), epochs=100, measure_every=5),
        Stage(name="stage2", documents=("X2",), epochs=40, measure_every=5),
    ),
    measures=(ExactMatch(), MeanLoss()),
    seeds=Seeds(first=100, count=50),
)

PAPER_DIGITS = digits(
    name="paper-digits",
    summary=(
        "The paper's experiment on MNIST (appendix E, figure 23): ConvNeXt V2 Tiny on grids of 3x3 digits. X1 and X2 "
        "are trained on together, in 120,000 steps of 128 grids drawn on the fly. Expect D1cons_QA1 > D2incons_QA2 and "
        "D5cons > D6cons, the more so the more variable-entity pairs there are (the paper: from about 50 a subset on). "
        "knowledge.images is a folder with MNIST. It needs a GPU (the paper: 2 hours a run on a 4090) and has not been "
        "run here. The paper does not say how many labels there are (8 here), at which numbers of pairs it was run "
        "(10 to 500 a subset here, six times that in all), or how the learning rate falls: as in the paper of ConvNeXt "
        "V2 (cosine, weight decay .05), but without its mixup, label smoothing and stochastic depth."
    ),
    knowledge=DigitGrids(entities=600, images="mnist"),
    model=ConvNeXtV2(),
    train=TrainSpec(
        optimizer="adamw",
        learning_rate=3e-4,
        schedule="cosine",
        warmup_steps=2000,
        weight_decay=0.05,
        batch_size=128,
        max_grad_norm=None,
        sampling=Sampling(steps_per_epoch=3000),
    ),
    stages=(Stage(name="joint", documents=("X1", "X2"), epochs=40),),
    seeds=Seeds(first=100, count=10),
    axes={"knowledge.entities": (60, 300, 600, 1200, 3000)},
)
