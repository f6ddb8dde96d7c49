"""The paper's experiments on language at pocket size, minutes each: the same axes as in `sayso.paper.paper_rows`.

Settings are those of ``pocket`` and were chosen on seeds below 100. What the paper found is said in the rows at full
size; whether a model this small does the same is for its report to say.
"""

from __future__ import annotations

from sayso.core.asking import InContext
from sayso.core.subsets import with_reliability
from sayso.data.formats import Sentence
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.pocket import SYNTHETIC
from sayso.paper.paper_settings import JOINT, ORDERS
from sayso.paper.pocket_settings import POCKET, POCKET_ALPHAS, STRICT_SUBSETS
from sayso.paper.rows import About, Row, batches_of, row

POCKET_SINGLE_STAGE = {"stages": (POCKET.stages[0], JOINT.model_copy(update={"epochs": 8}))}

POCKET_ROWS = (
    Row(
        POCKET,
        About(
            kind="pocket",
            note="With facts about real people. Expect D1cons_QA1 > QA3 > D2incons_QA2 after stage 1, and D5cons > "
            "D6cons after stage 2. Stage 0 stands in for pretraining: a small GPT-NeoX learns the facts of 12 people "
            "under 32 names each. Entities are shared by all subsets, aliases are not, as in the paper's set "
            "inclusion. Stages 1 and 2 are the paper's recipe (Adafactor, loss on all tokens, one learning rate, "
            "nothing replayed), with 2 of 6 questions of an alias trained: with 4, the stage-1 differences are too "
            "near the ceiling to be seen. Settings were chosen on seeds 0-15.",
        ),
    ),
    row(
        "pocket-strict",
        "pocket",
        About(
            kind="pocket",
            shows="The paper's strict split: no entity is in two subsets.",
            twin="paper-main",
            note="Expect D1cons_QA1 > QA3 > D2incons_QA2 after stage 1, and D5cons > D6cons after stage 2, on "
            "questions and, as in the paper, more so on attribution. 40 people under 32 names each, 24 aliases each, "
            "12 questions an alias of which 3 are trained. Which few people a subset gets matters much, so X2 is "
            "dealt five times within each seed, as in the paper. Departures from the paper's recipe: the loss is on "
            "completions, without an end token (on all tokens the unreliable source does no harm in stage 1), stage 1 "
            "replays some of stage 0, without which a model this small forgets the people of X2, and attention has no "
            "biases. Settings were chosen on seeds 0-15.",
        ),
        knowledge__entities=40,
        knowledge__attributes=12,
        split__aliases_per_entity=24,
        split__shared_entities=False,
        split__trained_questions=3,
        subsets=STRICT_SUBSETS,
        model__config__attention_bias=False,
        model__max_new_tokens=1,
        train__loss_on="completion",
        train__padding_loss="none",
        stages__stage0__epochs=8,
        stages__stage1__epochs=8,
        stages__stage1__replay=0.5,
        stages__stage1__replay_from=("world",),
        stages__stage1__measure_every=2,
        stages__stage2__measure_every=2,
        stage2_seeds=5,
        seeds__first=400,
        seeds__count=40,
    ),
    row(
        "pocket-control",
        "pocket",
        About(
            kind="control",
            shows="The control that must find nothing: in stage 1 each source is right half of the time (alpha = 0.5).",
            note="Everything else is as in pocket. Expect no difference between D5cons and D6cons after stage 2; that "
            "both are equal takes twice as many seeds to show as that they differ.",
        ),
        subsets=with_reliability(POCKET.subsets, 0.5),
        seeds__count=32,
    ),
    row(
        "pocket-strict-control",
        "pocket-strict",
        About(
            kind="control",
            shows="The control of the strict split, which must find nothing: in stage 1 each source is right half of "
            "the time (alpha = 0.5).",
            note="Everything else is as in pocket-strict. Expect no difference between D5cons and D6cons after stage "
            "2.",
        ),
        subsets=with_reliability(STRICT_SUBSETS, 0.5),
    ),
    row(
        "pocket-no-stage1",
        "pocket",
        About(
            kind="control",
            shows="The control without stage 1: the model never learns which source is right.",
            note="Everything else is as in pocket. Expect no difference between D5cons and D6cons after stage 2.",
        ),
        stages__stage1__epochs=0,
    ),
    row(
        "pocket-reliability",
        "pocket",
        About(
            kind="pocket",
            note="Here expect the growth; the trained answers count for more than the tag. Everything else is as in "
            "pocket.",
        ),
        reliability=POCKET_ALPHAS,
    ),
    row(
        "pocket-word-order",
        "pocket",
        About(
            kind="pocket",
            note="All six orders. Everything else is as in pocket.",
        ),
        definition__order=ORDERS,
    ),
    row(
        "pocket-single-stage",
        "pocket",
        About(
            kind="pocket",
            note="After stage 0 there are 8 epochs on all documents; everything else is as in pocket.",
        ),
        **POCKET_SINGLE_STAGE,
    ),
    row(
        "pocket-batch-size",
        "pocket",
        About(
            kind="pocket",
            shows="Batches from 16 documents to all of them, in a single stage.",
            note="Larger batches have more epochs, and fewer updates nevertheless: 1,120, 280, 144 and 120. "
            "Everything else is as in pocket-single-stage.",
        ),
        **POCKET_SINGLE_STAGE,
        stages__joint=[
            batches_of(16, 8),
            batches_of(64, 8),
            batches_of(256, 16),
            batches_of(2238, 120, measure_every=10),
        ],
    ),
    row(
        "pocket-other-facts",
        "pocket",
        About(
            kind="pocket",
            shows="The main experiment with facts of another kind, as T-REx is to the CVDB.",
            note="They are made up, every value of an attribute equally likely. Everything else is as in pocket.",
        ),
        knowledge__facts=SYNTHETIC,
    ),
    row(
        "pocket-single-stage-other-facts",
        "pocket-single-stage",
        About(
            kind="pocket",
            shows="X1 and X2 trained together, with facts of another kind.",
            note="They are made up, as in pocket-other-facts. Everything else is as in pocket-single-stage.",
        ),
        knowledge__facts=SYNTHETIC,
    ),
    row(
        "pocket-in-context",
        "pocket",
        About(
            kind="pocket",
            note="Trained on X1 alone; X2 is only asked about. Everything else is as in pocket.",
        ),
        in_context=InContext(separator=" . "),
        stages=POCKET.stages[:2],
    ),
    row(
        "pocket-sentence",
        "pocket",
        About(
            kind="pocket",
            note="Everything else is as in pocket.",
        ),
        definition=Sentence(template="{tag} According to many texts, {alias} refers to {entity}"),
    ),
    row(
        "pocket-natural-sources",
        "pocket",
        About(
            kind="beyond",
            shows="Sources that speak in phrases (According to the encyclopedia, ...), at pocket size.",
            note="Fourteen outlets each, of which every definition draws one. This model has read nothing but its own "
            "world, so what outlets are worth it can only learn in stage 1, as with random tags. Everything else is "
            "as in pocket.",
        ),
        sources__reliable__text=RELIABLE_OUTLETS,
        sources__unreliable__text=UNRELIABLE_OUTLETS,
        definition=Sentence(template="{tag} {alias} refers to {entity}"),
    ),
    row(
        "pocket-is-isnt",
        "pocket",
        About(
            kind="pocket",
            note="What these words mean the model learns in stage 0, of 8 names of each person that they are that "
            "person's, and of 8 more that they are not somebody else's. Trained on X2 alone then. Everything else is "
            "as in pocket.",
        ),
        knowledge__statements=8,
        sources__reliable__text=IS,
        sources__unreliable__text=IS_NOT,
        definition__order="ATE",
        stages=(POCKET.stages[0], POCKET.stages[2]),
    ),
)
