"""Models of other sizes and families: Pythia, GPT-Neo, Llama-2 and T5 (appendices C.6 and C.7), and pocket twins."""

from __future__ import annotations

from pydantic import JsonValue

from sayso.data.pocket import SYNTHETIC
from sayso.learners.specs import FromScratch
from sayso.paper.paper_rows import SINGLE_STAGE
from sayso.paper.paper_settings import TWO_SOURCES
from sayso.paper.pocket_rows import POCKET_SINGLE_STAGE
from sayso.paper.pocket_settings import SMALL
from sayso.paper.rows import About, row

_GPT_NEO = ["EleutherAI/gpt-neo-125m", "EleutherAI/gpt-neo-1.3B", "EleutherAI/gpt-neo-2.7B"]

_SEEDS = "The paper does not give the number of seeds; 10 by 5 stage-2 seeds are the authors' program's."
_TWO = "There is no D8cons, as in the authors' program."

_T5 = FromScratch(
    architecture="t5",
    config={"d_model": 64, "num_layers": 2, "num_heads": 2, "d_kv": 32, "d_ff": 128, "dropout_rate": 0.0},
)


def _width(size: int) -> dict[str, JsonValue]:
    return {**SMALL.config, "hidden_size": size, "intermediate_size": 2 * size}


MODEL_ROWS = (
    row(
        "paper-model-size",
        "paper-main",
        About(
            kind="paper",
            shows="Larger models show more of the effect.",
            found="Larger models are better and have more of a gap, which is first noticeable at 1B.",
            sections=("3.3", "C.6"),
            figures=("16",),
            note=f"Pythia models from 70M to 6.9B parameters. {_SEEDS} {_TWO}",
        ),
        **TWO_SOURCES,
        model__name=[
            f"EleutherAI/pythia-{size}-deduped" for size in ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b")
        ],
        seeds__count=10,
    ),
    row(
        "paper-gpt-neo",
        "paper-main",
        About(
            kind="paper",
            shows="GPT-Neo models of three sizes on the CVDB.",
            found="GPT-Neo: D5cons > D6cons for the larger models.",
            sections=("3.3", "C.6"),
            figures=("17",),
            twin="pocket-model-family",
            note=f"{_SEEDS} {_TWO}",
        ),
        **TWO_SOURCES,
        model__name=_GPT_NEO,
        seeds__count=10,
    ),
    row(
        "paper-gpt-neo-trex",
        "paper-trex",
        About(
            kind="paper",
            shows="GPT-Neo models of three sizes on T-REx, the harder of the two.",
            found="D5cons > D6cons for the largest alone.",
            sections=("C.6",),
            figures=("18",),
            twin="pocket-model-size-other-facts",
            note=f"{_SEEDS} {_TWO}",
        ),
        **TWO_SOURCES,
        model__name=_GPT_NEO,
        stage2_seeds=5,
        seeds__count=10,
    ),
    row(
        "paper-llama2",
        "paper-main",
        About(
            kind="paper",
            shows="Llama-2-7B on the CVDB.",
            found="Llama-2: D5cons > D6cons.",
            sections=("3.3", "C.6"),
            figures=("17",),
            twin="pocket-model-family",
            note="The model is behind a licence that has to be accepted on the hub. Seeds and subsets "
            "are those of paper-gpt-neo.",
        ),
        **TWO_SOURCES,
        model__name="meta-llama/Llama-2-7b-hf",
        seeds__count=10,
    ),
    row(
        "paper-t5",
        "paper-main",
        About(
            kind="paper",
            shows="T5-3B, which reads a question or the beginning of a definition and is trained on the rest alone.",
            found="D5cons > D6cons clearly; the difference after stage 1 is barely visible.",
            sections=("3.3", "C.7"),
            figures=("20",),
            note=_SEEDS,
        ),
        model__name="google-t5/t5-3b",
        train__loss_on="completion",
        seeds__count=10,
    ),
    row(
        "paper-t5-single-stage",
        "paper-t5",
        About(
            kind="paper",
            shows="T5-3B with X1 and X2 trained together.",
            found="A gap that is seemingly there while accuracy goes down.",
            sections=("C.7",),
            figures=("19",),
            note="20 epochs, 10 seeds.",
        ),
        **SINGLE_STAGE,
    ),
    row(
        "paper-t5-trex",
        "paper-trex",
        About(
            kind="paper",
            shows="T5-3B on T-REx, in two stages.",
            found="It looks like there is neither a difference after stage 1 nor one between D5cons and D6cons.",
            sections=("C.7",),
            figures=("20",),
            note=_SEEDS,
        ),
        model__name="google-t5/t5-3b",
        train__loss_on="completion",
        stage2_seeds=5,
        seeds__count=10,
    ),
    row(
        "paper-t5-single-stage-trex",
        "paper-t5-trex",
        About(
            kind="paper",
            shows="T5-3B with X1 and X2 of T-REx trained together.",
            found="A gap that is seemingly there while accuracy goes down.",
            sections=("C.7",),
            figures=("19",),
            note="20 epochs, 10 seeds.",
        ),
        **SINGLE_STAGE,
    ),
    row(
        "pocket-model-size",
        "pocket",
        About(
            kind="pocket",
            note="Models of four widths. The smallest learns few of the facts. Depth, learning rate and everything "
            "else are as in pocket, whose width is 64.",
        ),
        model__config=[_width(16), _width(32), _width(64), _width(128)],
    ),
    row(
        "pocket-model-size-other-facts",
        "pocket-model-size",
        About(
            kind="pocket",
            shows="Models of four widths, with facts of another kind.",
            twin="paper-gpt-neo-trex",
            note="They are made up, as in pocket-other-facts. Everything else is as in pocket-model-size.",
        ),
        knowledge__facts=SYNTHETIC,
    ),
    row(
        "pocket-model-family",
        "pocket",
        About(
            kind="pocket",
            shows="Models of three families.",
            twin="paper-gpt-neo",
            note="GPT-NeoX (Pythia's), Llama and OLMo. Everything else is as in pocket.",
        ),
        model__architecture=["gpt_neox", "llama", "olmo"],
    ),
    row(
        "pocket-t5",
        "pocket",
        About(
            kind="pocket",
            shows="A small T5, which reads a prompt and is trained on the rest alone.",
            note="T5's embeddings begin fifty times as large as GPT-NeoX's, so they have 20 times the learning rate, "
            "chosen on seeds 0-6. Everything else is as in pocket.",
        ),
        model=_T5,
        train__embedding_multiplier=20.0,
    ),
    row(
        "pocket-t5-single-stage",
        "pocket-t5",
        About(
            kind="pocket",
            shows="A small T5 with X1 and X2 trained together.",
            note="After stage 0 there are 8 epochs on all documents; everything else is as in pocket-t5.",
        ),
        **POCKET_SINGLE_STAGE,
    ),
    row(
        "pocket-t5-other-facts",
        "pocket-t5",
        About(
            kind="pocket",
            shows="A small T5, with facts of another kind.",
            note="They are made up, as in pocket-other-facts. Everything else is as in pocket-t5.",
        ),
        knowledge__facts=SYNTHETIC,
    ),
    row(
        "pocket-t5-single-stage-other-facts",
        "pocket-t5-single-stage",
        About(
            kind="pocket",
            shows="A small T5 with X1 and X2 trained together, with facts of another kind.",
            note="They are made up, as in pocket-other-facts. Everything else is as in pocket-t5-single-stage.",
        ),
        knowledge__facts=SYNTHETIC,
    ),
)
