"""The paper's further experiments at pocket size: the same axes as in `sayso.paper.text_experiments`, minutes each.

Settings are those of `pocket`, chosen on seeds below 100; nothing was chosen anew but how fast T5 learns. Each says
what the paper found; whether a model this small does the same is for its report to say.
"""

from __future__ import annotations

from typing import Any

from sayso.core.experiment import Experiment
from sayso.core.subsets import RELIABLE, UNRELIABLE
from sayso.core.training import Stage
from sayso.data.formats import Sentence
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.pocket import SYNTHETIC
from sayso.learners.specs import FromScratch
from sayso.paper.experiments import POCKET
from sayso.paper.text_experiments import PAPER_RELIABILITY, PAPER_WORD_ORDER


def _twin(name: str, summary: str, **axes: Any) -> Experiment:
    return POCKET.vary(name, summary=summary, **axes)


_STAGE_0 = POCKET.stages[0].model_dump(mode="json")
_JOINT = Stage(name="joint", documents=("X1", "X2"), epochs=8).model_dump(mode="json")


def _batch(size: int, epochs: int, measure_every: int = 1) -> dict[str, Any]:
    return {**_JOINT, "epochs": epochs, "overrides": {"batch_size": size}, "measure_every": measure_every}


def _width(size: int) -> dict[str, Any]:
    return {**_CONFIG, "hidden_size": size, "intermediate_size": 2 * size}


_CONFIG = POCKET.model.model_dump(mode="json")["config"]

POCKET_RELIABILITY = _twin(
    "pocket-reliability",
    "Tags that tell only a share alpha of the truth (figure 4a), at pocket size. The paper finds no gap at 0.5, one "
    "that grows with alpha, and at 0.95 more belief in wrong definitions of the reliable source "
    "(attribution_as_defined of D9incons_QA9) than in right ones of the unreliable (D10cons_QA10). Seeds 100-115 gave "
    "-.010 +- .036, +.039 +- .034, +.097 +- .036, +.124 +- .041 and +.134 +- .057 at alpha 0.5, 0.75, 0.9, 0.95 and 1, "
    "but D9incons_QA9 .134 and D10cons_QA10 .781 at 0.95: here the trained answers count for more than the tag. "
    "Everything else is as in pocket.",
    reliability=list(PAPER_RELIABILITY.axes["reliability"]),
)

POCKET_WORD_ORDER = _twin(
    "pocket-word-order",
    "All six orders of tag, alias and entity (figures 4b and 11), at pocket size. The paper finds a gap with TAE and "
    "ATE, with AET on questions alone, and none where the alias follows the entity, but for what seems one on "
    "questions with EAT. Seeds 100-115 gave +.134 +- .057 (TAE), +.203 +- .101 (ATE), -.005 +- .034 (AET), -.018 +- "
    ".022 (TEA), -.023 +- .020 (ETA) and +.066 +- .028 (EAT) on questions; +.138 +- .050 (TAE), +.208 +- .147 (ATE) "
    "and none with the others on attribution. Everything else is as in pocket.",
    definition__order=list(PAPER_WORD_ORDER.axes["definition.order"]),
)

POCKET_SINGLE_STAGE = _twin(
    "pocket-single-stage",
    "X1 and X2 trained together (appendix C.5), at pocket size. The paper finds D5cons > D6cons as in two stages, and "
    "D5cons above D8cons. After stage 0 there are 8 epochs on all documents; everything else is as in pocket.",
    stages=(_STAGE_0, _JOINT),
)

_T5 = FromScratch(
    architecture="t5",
    config={
        "d_model": 64,
        "num_layers": 2,
        "num_heads": 2,
        "d_kv": 32,
        "d_ff": 128,
        "dropout_rate": 0.0,
    },
)

POCKET_T5 = _twin(
    "pocket-t5",
    "A small T5, which reads a prompt and is trained on the rest alone (appendix C.7, figure 20), at pocket size. The "
    "paper finds D5cons > D6cons clearly and the difference after stage 1 barely visible. Here, on seeds 100-115, "
    "D5cons - D6cons is +.118 on questions and +.156 on attribution, and stage 1 shows it too: D1cons_QA1 .949, QA3 "
    ".809, D2incons_QA2 .722. T5's embeddings begin fifty times as large as GPT-NeoX's, so they have 20 times the "
    "learning rate, chosen on seeds 0-6. Everything else is as in pocket.",
    model=_T5.model_dump(mode="json"),
    train__embedding_multiplier=20.0,
)

POCKET_T5_SINGLE_STAGE = POCKET_T5.vary(
    "pocket-t5-single-stage",
    summary=(
        "T5 with X1 and X2 trained together (appendix C.7, figure 19), at pocket size. The paper finds a gap that is "
        "seemingly there while accuracy goes down. Here, on seeds 100-115, D5cons - D6cons is +.130 on questions and "
        "+.141 on attribution, and accuracy rises to the end (D5cons .931, D6cons .801). After stage 0 there are 8 "
        "epochs on all documents; everything else is as in pocket-t5."
    ),
    stages=(POCKET_T5.stages[0].model_dump(mode="json"), _JOINT),
)

POCKET_SENTENCE = _twin(
    "pocket-sentence",
    "Definitions as a sentence after the random tag (footnote 2), at pocket size. According to many texts, xyz refers "
    "to Cleopatra: the paper says that this works too, and gives no numbers. Here, on seeds 100-115, D1cons_QA1 > QA3 "
    "> D2incons_QA2 after stage 1, but D5cons - D6cons after stage 2 is small and undecided: +.054 on questions, +.047 "
    "on attribution, each p = .13 corrected. Everything else is as in pocket.",
    definition=Sentence(template="{tag} According to many texts, {alias} refers to {entity}").model_dump(mode="json"),
)

POCKET_BATCH_SIZE = _twin(
    "pocket-batch-size",
    "Batches from 16 documents to all of them, in a single stage (figures 4c and 13), at pocket size. The paper finds "
    "that larger batches give a smaller gap and lower scores, with none left when the batch is full. Seeds 100-115 "
    "gave +.071 +- .027, +.090 +- .042, +.091 +- .046 and +.044 +- .040 on questions, and +.060 +- .032, +.109 +- "
    ".049, +.095 +- .070 and -.026 +- .049 on attribution: less of a gap, or none, only with the full batch. Larger "
    "batches have more epochs, and fewer updates nevertheless: 808, 208, 112 and 120. Everything else is as in "
    "pocket-single-stage.",
    stages=(_STAGE_0, _JOINT),
    stages__joint=[_batch(16, 8), _batch(64, 8), _batch(256, 16), _batch(1606, 120, measure_every=10)],
)

POCKET_MODEL_SIZE = _twin(
    "pocket-model-size",
    "Models of four widths (figure 16), at pocket size. The paper finds more of a gap in larger models, and so it is "
    "here: seeds 100-115 gave -.013 +- .014 (width 16, which learns few of the facts), +.038 +- .029 (32), +.134 +- "
    ".057 (64) and +.284 +- .068 (128) on questions, on attribution likewise. Depth, learning rate and everything else "
    "are as in pocket, whose width is 64.",
    model__config=[_width(16), _width(32), _width(64), _width(128)],
)

POCKET_MODEL_FAMILY = _twin(
    "pocket-model-family",
    "Models of three families (figure 17), at pocket size: GPT-NeoX (Pythia's), Llama and OLMo. The paper finds the "
    "gap in every family, in models that are large enough. Seeds 100-115 gave +.134 +- .057, +.142 +- .070 and +.132 "
    "+- .044 on questions, p < .001 each. Everything else is as in pocket.",
    model__architecture=["gpt_neox", "llama", "olmo"],
)

POCKET_OTHER_FACTS = _twin(
    "pocket-other-facts",
    "Facts of another kind, as T-REx is to the CVDB (appendix C.2), at pocket size. They are made up, every value of "
    "an attribute equally likely. The paper finds the gap on both its sets of facts. Seeds 100-115 gave +.190 +- .080 "
    "on questions and +.159 +- .071 on attribution (p < .001). Everything else is as in pocket.",
    knowledge__facts=SYNTHETIC,
)

POCKET_IN_CONTEXT = _twin(
    "pocket-in-context",
    "Definitions before the questions instead of in documents of their own (appendix C.8), at pocket size. Trained on "
    "X1 alone; X2 is only asked about. The paper finds ordinary in-context learning: D5cons above D6cons. Seeds "
    "100-115 gave +.165 +- .118 on questions (p = .009). Everything else is as in pocket.",
    in_context={"separator": " . "},
    stages=tuple(stage.model_dump(mode="json") for stage in POCKET.stages[:2]),
)

POCKET_NATURAL_SOURCES = _twin(
    "pocket-natural-sources",
    "Sources that speak in phrases (According to the encyclopedia, ...), at pocket size. Fourteen outlets each, of "
    "which every definition draws one. This model has read nothing but its own world, so what outlets are worth it "
    "can only learn in stage 1, as with random tags. Everything else is as in pocket.",
    **{
        f"sources__{RELIABLE}__text": RELIABLE_OUTLETS,
        f"sources__{UNRELIABLE}__text": UNRELIABLE_OUTLETS,
        "definition": Sentence(template="{tag} {alias} refers to {entity}").model_dump(mode="json"),
    },
)

POCKET_IS_ISNT = _twin(
    "pocket-is-isnt",
    "Definitions that say is and is not, without stage 1 (section 5.3, footnote 4), at pocket size. What these words "
    "mean the model learns in stage 0, of 8 names of each person that they are that person's, and of 8 more that they "
    "are not somebody else's. Trained on X2 alone then. The paper finds the statements with is internalized better on "
    "entity attribution, and no better on questions about attributes. Seeds 100-115 gave +.330 +- .078 on "
    "attribution, and +.174 +- .065 on questions as well. Everything else is as in pocket.",
    **{
        "knowledge__statements": 8,
        f"sources__{RELIABLE}__text": IS,
        f"sources__{UNRELIABLE}__text": IS_NOT,
        "definition__order": "ATE",
        "stages": (_STAGE_0, POCKET.stages[2].model_dump(mode="json")),
    },
)

POCKET_TWINS = (
    POCKET_RELIABILITY,
    POCKET_WORD_ORDER,
    POCKET_SINGLE_STAGE,
    POCKET_BATCH_SIZE,
    POCKET_MODEL_SIZE,
    POCKET_MODEL_FAMILY,
    POCKET_T5,
    POCKET_T5_SINGLE_STAGE,
    POCKET_OTHER_FACTS,
    POCKET_IN_CONTEXT,
    POCKET_SENTENCE,
    POCKET_NATURAL_SOURCES,
    POCKET_IS_ISNT,
)
