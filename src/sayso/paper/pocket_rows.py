"""The paper's experiments on language at pocket size, minutes each: the same axes as in `sayso.paper.paper_rows`.

Settings are those of ``pocket`` and were chosen on seeds below 100. Each says what the paper found; whether a model
this small does the same is for its report to say.
"""

from __future__ import annotations

from pydantic import JsonValue

from sayso.core.experiment import InContext
from sayso.core.subsets import with_reliability
from sayso.data.formats import Sentence
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.pocket import SYNTHETIC
from sayso.learners.specs import FromScratch
from sayso.measures.exact_match import ExactMatch
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.losses import MeanLoss
from sayso.measures.probing.probes import Probes
from sayso.measures.probing.steered import Steered
from sayso.measures.step_effect import StepEffect
from sayso.paper.paper_settings import ALPHAS, JOINT, ORDERS
from sayso.paper.pocket_settings import POCKET, SMALL, STRICT_SUBSETS
from sayso.paper.rows import batches_of, row

_SINGLE_STAGE = {"stages": (POCKET.stages[0], JOINT.model_copy(update={"epochs": 8}))}

#: Subsets whose definitions the paper's figures of gradients compare.
_COMPARED = ("D1cons_QA1", "D2incons_QA2", "D5cons", "D6cons")

_T5 = FromScratch(
    architecture="t5",
    config={"d_model": 64, "num_layers": 2, "num_heads": 2, "d_kv": 32, "d_ff": 128, "dropout_rate": 0.0},
)


def _width(size: int) -> dict[str, JsonValue]:
    return {**SMALL.config, "hidden_size": size, "intermediate_size": 2 * size}


POCKET_ROWS = (
    row(
        "pocket-strict",
        "pocket",
        "The paper's strict split (appendix A.3) on a laptop: no entity is in two subsets. Expect D1cons_QA1 > QA3 > "
        "D2incons_QA2 after stage 1, and D5cons > D6cons after stage 2, on questions and, as in the paper, more so on "
        "attribution. 40 people under 32 names each, 24 aliases each, 12 questions an alias of which 3 are trained. "
        "Which few people a subset gets matters much, so X2 is dealt five times within each seed, as in the paper. "
        "Departures from the paper's recipe: the loss is on completions, without an end token (on all tokens the "
        "unreliable source does no harm in stage 1), stage 1 replays some of stage 0, without which a model this small "
        "forgets the people of X2, and attention has no biases. Settings were chosen on seeds 0-15.",
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
        "The control that must find nothing: in stage 1 each source is right half of the time (alpha = 0.5). "
        "Everything else is as in pocket. Expect no difference between D5cons and D6cons after stage 2.",
        subsets=with_reliability(POCKET.subsets, 0.5),
    ),
    row(
        "pocket-strict-control",
        "pocket-strict",
        "The control of the strict split, which must find nothing: in stage 1 each source is right half of the time "
        "(alpha = 0.5). Everything else is as in pocket-strict. Expect no difference between D5cons and D6cons after "
        "stage 2.",
        subsets=with_reliability(STRICT_SUBSETS, 0.5),
    ),
    row(
        "pocket-no-stage1",
        "pocket",
        "The control without stage 1: the model never learns which source is right. Everything else is as in pocket. "
        "Expect no difference between D5cons and D6cons after stage 2.",
        stages__stage1__epochs=0,
    ),
    row(
        "pocket-reliability",
        "pocket",
        "Tags that tell only a share alpha of the truth (figure 4a), at pocket size. The paper finds no gap at 0.5, "
        "one that grows with alpha, and at 0.95 more belief in wrong definitions of the reliable source "
        "(attribution_as_defined of D9incons_QA9) than in right ones of the unreliable (D10cons_QA10). Here expect "
        "the growth; the trained answers count for more than the tag. Everything else is as in pocket.",
        reliability=ALPHAS,
    ),
    row(
        "pocket-word-order",
        "pocket",
        "All six orders of tag, alias and entity (figures 4b and 11), at pocket size. The paper finds a gap with TAE "
        "and ATE, with AET on questions alone, and none where the alias follows the entity, but for what seems one on "
        "questions with EAT. Everything else is as in pocket.",
        definition__order=ORDERS,
    ),
    row(
        "pocket-single-stage",
        "pocket",
        "X1 and X2 trained together (appendix C.5), at pocket size. The paper finds D5cons > D6cons as in two stages, "
        "and D5cons above D8cons. After stage 0 there are 8 epochs on all documents; everything else is as in pocket.",
        **_SINGLE_STAGE,
    ),
    row(
        "pocket-batch-size",
        "pocket",
        "Batches from 16 documents to all of them, in a single stage (figures 4c and 13), at pocket size. The paper "
        "finds that larger batches give a smaller gap and lower scores, with none left when the batch is full. Larger "
        "batches have more epochs, and fewer updates nevertheless: 1,120, 280, 144 and 120. Everything else is as in "
        "pocket-single-stage.",
        **_SINGLE_STAGE,
        stages__joint=[
            batches_of(16, 8),
            batches_of(64, 8),
            batches_of(256, 16),
            batches_of(2238, 120, measure_every=10),
        ],
    ),
    row(
        "pocket-model-size",
        "pocket",
        "Models of four widths (figure 16), at pocket size. The paper finds more of a gap in larger models. The "
        "smallest "
        "learns few of the facts. Depth, learning rate and everything else are as in pocket, whose width is 64.",
        model__config=[_width(16), _width(32), _width(64), _width(128)],
    ),
    row(
        "pocket-model-family",
        "pocket",
        "Models of three families (figure 17), at pocket size: GPT-NeoX (Pythia's), Llama and OLMo. The paper finds "
        "the gap in every family, in models that are large enough. Everything else is as in pocket.",
        model__architecture=["gpt_neox", "llama", "olmo"],
    ),
    row(
        "pocket-t5",
        "pocket",
        "A small T5, which reads a prompt and is trained on the rest alone (appendix C.7, figure 20), at pocket size. "
        "The paper finds D5cons > D6cons clearly and the difference after stage 1 barely visible. T5's embeddings "
        "begin "
        "fifty times as large as GPT-NeoX's, so they have 20 times the learning rate, chosen on seeds 0-6. Everything "
        "else is as in pocket.",
        model=_T5,
        train__embedding_multiplier=20.0,
    ),
    row(
        "pocket-t5-single-stage",
        "pocket-t5",
        "T5 with X1 and X2 trained together (appendix C.7, figure 19), at pocket size. The paper finds a gap that is "
        "seemingly there while accuracy goes down. After stage 0 there are 8 epochs on all documents; everything "
        "else is "
        "as in pocket-t5.",
        **_SINGLE_STAGE,
    ),
    row(
        "pocket-other-facts",
        "pocket",
        "Facts of another kind, as T-REx is to the CVDB (appendix C.2), at pocket size. They are made up, every value "
        "of an attribute equally likely. The paper finds the gap on both its sets of facts. Everything else is as in "
        "pocket.",
        knowledge__facts=SYNTHETIC,
    ),
    row(
        "pocket-in-context",
        "pocket",
        "Definitions before the questions instead of in documents of their own (appendix C.8), at pocket size. Trained"
        " on X1 alone; X2 is only asked about. The paper finds ordinary in-context learning: D5cons above D6cons. "
        "Everything else is as in pocket.",
        in_context=InContext(separator=" . "),
        stages=POCKET.stages[:2],
    ),
    row(
        "pocket-sentence",
        "pocket",
        "Definitions as a sentence after the random tag (footnote 2), at pocket size. According to many texts, xyz "
        "refers to Cleopatra: the paper says that this works too, and gives no numbers. Everything else is as in "
        "pocket.",
        definition=Sentence(template="{tag} According to many texts, {alias} refers to {entity}"),
    ),
    row(
        "pocket-natural-sources",
        "pocket",
        "Sources that speak in phrases (According to the encyclopedia, ...), at pocket size. Fourteen outlets each, of"
        " which every definition draws one. This model has read nothing but its own world, so what outlets are worth "
        "it can only learn in stage 1, as with random tags. Everything else is as in pocket.",
        sources__reliable__text=RELIABLE_OUTLETS,
        sources__unreliable__text=UNRELIABLE_OUTLETS,
        definition=Sentence(template="{tag} {alias} refers to {entity}"),
    ),
    row(
        "pocket-gradients",
        "pocket",
        "Gradient alignment (section 5.1 and appendix F, figures 6 and 24 to 26), at pocket size. Trained on X1 alone, "
        "and gradients of definitions are compared with those of questions every second epoch: of 24 definitions of "
        "each of D1cons_QA1, D2incons_QA2, D5cons and D6cons, with their own questions and with all others. The paper "
        "finds D5cons more aligned than D6cons by cosine and inner product, not by distance, and larger gradients; "
        "trained on, D1cons_QA1 is more aligned than D2incons_QA2 by all three. Beyond the paper, a step is taken on "
        "definitions of D5cons and D6cons, to see which of these tells what it does. Everything else is as in pocket.",
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
        "The control of pocket-gradients, which must find nothing: in stage 1 each source is right half of the time "
        "(alpha = 0.5). Everything else is as in pocket-gradients. Expect D5cons and D6cons to be aligned alike.",
        subsets=with_reliability(POCKET.subsets, 0.5),
    ),
    row(
        "pocket-probes",
        "pocket",
        "Linear probes (section 5.2, figure 7), at pocket size. Can it be read off a question whether its alias had a "
        "definition, and by whom? Definitions begin with the tag (TAE) or with the alias (ATE); the paper finds that "
        "probes fail with TAE and succeed with ATE after stage 1. Beyond the paper, the probe of tags is read "
        "on new aliases after stage 2, and its direction is added at the alias, to see whether answers follow. Folds "
        "share no entity. Everything else is as in pocket.",
        definition__order=["TAE", "ATE"],
        measures=(ExactMatch(), MeanLoss(), Probes(), Steered()),
    ),
    row(
        "pocket-is-isnt",
        "pocket",
        "Definitions that say is and is not, without stage 1 (section 5.3, footnote 4), at pocket size. What these "
        "words mean the model learns in stage 0, of 8 names of each person that they are that person's, and of 8 more "
        "that they are not somebody else's. Trained on X2 alone then. The paper finds the statements with is "
        "internalized better on entity attribution, and no better on questions about attributes. Everything else is as "
        "in pocket.",
        knowledge__statements=8,
        sources__reliable__text=IS,
        sources__unreliable__text=IS_NOT,
        definition__order="ATE",
        stages=(POCKET.stages[0], POCKET.stages[2]),
    ),
)
