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
from sayso.core.subsets import NEW, SOURCES, TABLE_1, SplitSpec, Subset, with_counts, with_fractions
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

#: How reliable sources are in figure 4a: the paper names .5, .95 and 1, the others are its program's.
ALPHAS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0]
#: The orders of figure 4b.
ORDERS = ["TAE", "ATE", "AET", "TEA", "ETA", "EAT"]

#: Most tokens of an answer in the authors' program, by kind of knowledge.
NEW_TOKENS = {"CVDB": 8, "TREx": 16, "SetInclusion": 4}

#: Table 1 without D8cons, the new source's subset: the authors' program leaves it out of figures 4b, 4c, 6 and 11 to
#: 13, 16 to 18 and 24 to 26, the paper of figure 15.
WITHOUT_NEW = with_fractions(
    tuple(subset for subset in TABLE_1 if subset.source != NEW), D5cons=0.1, D6cons=0.1, QA7=0.1
)
TWO_SOURCES = {"subsets": WITHOUT_NEW, "sources": SOURCES[:2]}

#: Epochs until convergence in the authors' program, by documents a batch (figures 13 and 4c).
EPOCHS_1B = {
    **dict.fromkeys((16, 32, 64), 30),
    128: 40,
    **dict.fromkeys((256, 512, 1024, 2048, 4096), 60),
    **dict.fromkeys((8192, 16384), 120),
    32768: 240,
}
EPOCHS_2800M = {128: 20, 512: 31, 1024: 41, 2048: 41, 4096: 61, 8192: 81, 16384: 151}

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
    knowledge=SetInclusion(integers=100, list_length=8, training_questions=12, test_questions=12),
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
    stage2_seeds=3,
    seeds=Seeds(first=100, count=50),
)

PAPER_DIGITS = digits(
    name="paper-digits",
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
