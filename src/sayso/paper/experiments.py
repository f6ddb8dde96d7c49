"""The catalogue: every experiment as a value, each saying what it shows, what to expect, and on which seeds.

Settings were chosen on seeds below 100. The default seeds, from 100 on, were run only after that.
"""

from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.subsets import TABLE_1, SplitSpec, with_counts, with_fractions, with_reliability
from sayso.core.training import Stage, TrainSpec
from sayso.data.formats import WordOrder
from sayso.data.pocket import PocketWorld
from sayso.learners.specs import FromScratch
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss

_SMALL = FromScratch(
    architecture="gpt_neox",
    config={
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "max_position_embeddings": 32,
    },
)

#: Table 1 with more aliases in the small subsets, and few of them under their own names (there are few own names).
_POCKET_SUBSETS = with_fractions(TABLE_1, QA3=0.14, QA4=0.02, D5cons=0.10, D6cons=0.10)

POCKET = Experiment(
    name="pocket",
    summary=(
        "The paper's main result (figure 3) in two minutes on a laptop, with facts about real people. "
        "Expect D1cons_QA1 > QA3 > D2incons_QA2 after stage 1, and D5cons > D6cons after stage 2. "
        "Stage 0 stands in for pretraining: a small GPT-NeoX learns the facts of 12 people under 32 names each. "
        "Entities are shared by all subsets, aliases are not, as in the paper's set inclusion. Stages 1 and 2 are the "
        "paper's recipe (Adafactor, loss on all tokens, one learning rate, nothing replayed), with 2 of 6 questions of "
        "an alias trained: with 4, the stage-1 differences are too near the ceiling to be seen. Settings were chosen "
        "on seeds 0-15; seeds 100-115 gave D1cons_QA1 .937, QA3 .867, D2incons_QA2 .794, D5cons .585, D6cons .451."
    ),
    knowledge=PocketWorld(entities=12, names=32),
    subsets=_POCKET_SUBSETS,
    split=SplitSpec(aliases_per_entity=64, shared_entities=True, trained_questions=2),
    definition=WordOrder(order="TAE"),
    model=_SMALL,
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
        Stage(name="stage2", documents=("X2",), epochs=6, overrides={"batch_size": 32}),
    ),
    measures=(ExactMatch(), MeanLoss()),
)

POCKET_CONTROL = POCKET.model_copy(
    update={
        "name": "pocket-control",
        "summary": (
            "The control that must find nothing: in stage 1 each source is right half of the time (alpha = 0.5). "
            "Everything else is as in pocket. Expect no difference between D5cons and D6cons after stage 2."
        ),
        "subsets": with_reliability(_POCKET_SUBSETS, 0.5),
    }
)

POCKET_NO_STAGE_1 = POCKET.with_settings({"stages.stage1.epochs": 0}).model_copy(
    update={
        "name": "pocket-no-stage1",
        "summary": (
            "The control without stage 1: the model never learns which source is right. "
            "Everything else is as in pocket. Expect no difference between D5cons and D6cons after stage 2."
        ),
    }
)

POCKET_STRICT = POCKET.with_settings(
    {
        "knowledge.entities": 32,
        "knowledge.attributes": 12,
        "split.aliases_per_entity": 24,
        "split.shared_entities": False,
        "split.trained_questions": 3,
        "model.config.attention_bias": False,
        "train.loss_on": "completion",
        "stages.stage0.epochs": 8,
        "stages.stage1.epochs": 8,
        "stages.stage1.replay": 0.5,
        "stages.stage1.replay_from": ("world",),
        "stages.stage1.measure_every": 2,
        "stages.stage2.measure_every": 2,
        "stage2_seeds": 6,
    }
).model_copy(
    update={
        "name": "pocket-strict",
        "summary": (
            "The paper's strict split (appendix A.3) on a laptop: no entity is in two subsets. Expect D1cons_QA1 > "
            "QA3 > D2incons_QA2 after stage 1, and D5cons > D6cons after stage 2, on questions and, as in the paper, "
            "more so on attribution. 32 people under 32 names each, 24 aliases each, 12 questions an alias of which 3 "
            "are trained. Which few people a subset gets matters much, so X2 is dealt six times within each seed (the "
            "paper: five). Departures from the paper's recipe: the loss is on completions (on all tokens the "
            "unreliable source does no harm in stage 1), stage 1 replays some of stage 0, without which a model this "
            "small forgets the people of X2, and attention has no biases. Settings were chosen on seeds 0-15; seeds "
            "400-415 gave D1cons_QA1 - QA3 +.078, QA3 - D2incons_QA2 +.072, D5cons - D6cons +.073 on questions and "
            "+.233 on attribution, each p < .001; on seeds 200-215 it was +.090, +.059 (p = .0014), +.070 and +.297."
        ),
        "subsets": with_counts(
            TABLE_1,
            D1cons_QA1=11,
            D2incons_QA2=11,
            QA3=7,
            QA4=1,
            D5cons=7,
            D6cons=7,
            QA7=1,
            D8cons=3,
        ),
        "seeds": Seeds(first=400, count=16),
    }
)

CATALOGUE = (POCKET, POCKET_STRICT, POCKET_CONTROL, POCKET_NO_STAGE_1)
