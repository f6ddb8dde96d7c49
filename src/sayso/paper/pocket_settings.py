"""The pocket's settings: each of the paper's three experiments in minutes on a laptop, and what is different in it.

Settings were chosen on seeds below 100. The default seeds, from 100 on, were run only after that.
"""

from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.subsets import TABLE_1, SplitSpec, with_counts, with_fractions
from sayso.core.training import Sampling, Stage, TrainSpec
from sayso.data.digits.grid import DigitGrids
from sayso.data.formats import WordOrder
from sayso.data.pocket import PocketWorld
from sayso.data.set_inclusion import SetInclusion, WarmUp
from sayso.learners.grids.specs import GridMLP
from sayso.measures.by_entity import ExactMatchByEntity
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.paper_settings import digits, gpt_neox, of_table_1

#: Table 1 with more aliases in the small subsets, and few of them under their own names (there are few own names).
POCKET_SUBSETS = with_fractions(
    TABLE_1, D1cons_QA1=0.22, D2incons_QA2=0.22, QA3=0.12, QA4=0.02, D5cons=0.12, D6cons=0.12, D8cons=0.12
)

#: Table 1 as the strict split deals 40 people to it, no person to two subsets.
STRICT_SUBSETS = with_counts(TABLE_1, D1cons_QA1=9, D2incons_QA2=9, QA3=5, QA4=1, D5cons=5, D6cons=5, QA7=1, D8cons=5)

#: Table 3 with the baselines of Table 1, but for QA4: integers have no facts of their own.
_SET_INCLUSION_SUBSETS = with_fractions(
    of_table_1("D1cons_QA1", "D2incons_QA2", "QA3", "D5cons", "D6cons", "QA7", "D8cons"),
    **{
        "D1cons_QA1": 0.30,
        "D2incons_QA2": 0.30,
        "QA3": 0.10,
        "D5cons": 0.09,
        "D6cons": 0.09,
        "QA7": 0.03,
        "D8cons": 0.09,
    },
)

#: How reliable sources are in the twin of figure 4a.
POCKET_ALPHAS = [0.5, 0.75, 0.9, 0.95, 1.0]

SMALL = gpt_neox(64, layers=2, heads=2, inside=128, positions=32)

POCKET = Experiment(
    name="pocket",
    knowledge=PocketWorld(entities=12, names=32),
    subsets=POCKET_SUBSETS,
    split=SplitSpec(aliases_per_entity=96, shared_entities=True, trained_questions=2),
    definition=WordOrder(order="TAE"),
    model=SMALL,
    train=TrainSpec(optimizer="adafactor", learning_rate=2e-3, batch_size=64, loss_on="all"),
    stages=(
        Stage(
            name="stage0",
            documents=("world",),
            epochs=12,
            overrides={"learning_rate": 3e-3, "batch_size": 32},
            measured=False,
        ),
        Stage(name="stage1", documents=("X1",), epochs=6),
        Stage(name="stage2", documents=("X2",), epochs=5, overrides={"batch_size": 32}),
    ),
    measures=(ExactMatch(), MeanLoss(), ExactMatchByEntity()),
)

POCKET_SET_INCLUSION = Experiment(
    name="pocket-set-inclusion",
    knowledge=SetInclusion(
        integers=10,
        list_length=3,
        training_questions=6,
        test_questions=16,
        warm_up=WarmUp(questions=51_200, attributions=12_800, names=50),
    ),
    subsets=_SET_INCLUSION_SUBSETS,
    split=SplitSpec(aliases_per_entity=160, shared_entities=True, trained_questions=6),
    definition=WordOrder(order="TAE"),
    # Attention and feed-forward of a layer do not follow on each other in a GPT-NeoX: 2 layers see little of the gap.
    model=gpt_neox(32, layers=3, heads=4, inside=64, positions=16, max_new_tokens=1, initializer_range=0.15),
    train=TrainSpec(
        optimizer="adafactor",
        learning_rate=3e-3,
        batch_size=128,
        weight_decay=0.01,
        warmup_steps=50,
        embedding_multiplier=10.0,
        max_grad_norm=None,
        loss_on="completion",
        # An end token would make integers an input of definitions, too. However small the gradients that come of it,
        # Adafactor makes steps of full size of them, which shift the embeddings that all questions rely on.
        padding_loss="none",
    ),
    stages=(
        Stage(name="stage0", documents=("world",), epochs=1, overrides={"batch_size": 80}, measured=False),
        Stage(name="stage1", documents=("X1",), epochs=8, measure_every=4),
        Stage(name="stage2", documents=("X2",), epochs=10, overrides={"batch_size": 32}, measure_every=5),
    ),
    measures=(ExactMatch(), MeanLoss(), ExactMatchByEntity()),
    seeds=Seeds(first=100, count=8),
)

POCKET_DIGITS = digits(
    name="pocket-digits",
    knowledge=DigitGrids(entities=600, tag_rows=2),
    model=GridMLP(width=512, depth=2),
    train=TrainSpec(
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.05,
        warmup_steps=200,
        batch_size=128,
        sampling=Sampling(steps_per_epoch=500),
    ),
    stages=(Stage(name="joint", documents=("X1", "X2"), epochs=4),),
    seeds=Seeds(first=100, count=8),
)
