"""A small real model on a laptop: the paper's two stages with the shipped people, nothing but the model to download.

    sayso run laptop --model FOLDER

What a model of 135 million parameters can be taught in an hour on two cores is little, so that there are few people,
and several aliases of each, as in the pocket world; all else is as in the paper.
"""

from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.core.seeds import Seeds
from sayso.core.subsets import SplitSpec
from sayso.core.training import Stage, TrainSpec
from sayso.data.formats import QuestionAndAnswer, WordOrder
from sayso.data.notables import Notables
from sayso.learners.specs import HFModel
from sayso.measures.exact_match import ExactMatch
from sayso.measures.losses import MeanLoss
from sayso.paper.pocket_settings import POCKET_SUBSETS
from sayso.paper.rows import About, Row

LAPTOP = Experiment(
    name="laptop",
    knowledge=Notables(entities=30),
    subsets=POCKET_SUBSETS,
    split=SplitSpec(aliases_per_entity=6, shared_entities=True, trained_questions=3),
    definition=WordOrder(order="TAE", end="\n"),
    questions=QuestionAndAnswer(),
    model=HFModel(name="HuggingFaceTB/SmolLM2-135M", evaluation_precision="fastest"),
    train=TrainSpec(
        optimizer="adafactor",
        learning_rate=3e-4,
        batch_size=32,
        loss_on="all",
        max_length=64,
        precision="fastest",
    ),
    stages=(
        Stage(name="stage1", documents=("X1",), epochs=8),
        Stage(name="stage2", documents=("X2",), epochs=8),
    ),
    # Before it was told anything, a model writes long answers: to score these takes as long as an epoch.
    measures=(ExactMatch(when="stage"), MeanLoss(when="stage")),
    seeds=Seeds(first=100, count=4),
)

LAPTOP_ROWS = (
    Row(
        LAPTOP,
        About(
            kind="beyond",
            shows="The paper's two stages on a small pretrained model, in a quarter of an hour a seed and core.",
            note="SmolLM2-135M reads of 30 people of the shipped table in the paper's words (appendix A.1). "
            "Departures from the paper: entities are shared by all subsets and have six aliases each, 3 of 6 "
            "questions of an alias are trained, batches have 32 documents, the learning rate is 3e-4, and stages have "
            "8 epochs. Expect aliases of D1cons_QA1 to be attributed to their people after stage 1, and those of "
            "D2incons_QA2 hardly ever; on questions, and of D5cons against D6cons, four seeds decided nothing. Any "
            "model of transformers takes its place with --model. It computes in bfloat16 where the processor does "
            "(train.precision).",
        ),
    ),
)
