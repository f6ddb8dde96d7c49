"""The paper's experiments on pretrained language models (sections 3 and 5, appendices B and C), all but the main one.

Each says what the paper found. One of them is a GPU-month, not a laptop's evening: ``sayso show paper-main --gpu A100``
says how much; `sayso.paper.pocket_rows` has the same questions at a size that fits. A model of yours and a table of
yours take the place of the paper's:

    sayso run paper-main --model FOLDER --knowledge facts.csv --seeds 2 --set knowledge.entities=200
"""

from __future__ import annotations

from sayso.core.experiment import InContext
from sayso.data.formats import Sentence
from sayso.data.phrases import IS, IS_NOT, RELIABLE_OUTLETS, UNRELIABLE_OUTLETS
from sayso.data.published.trex import TREx
from sayso.measures.exact_match import ExactMatch
from sayso.measures.gradient_alignment import GradientAlignment
from sayso.measures.losses import MeanLoss
from sayso.measures.probing.probes import Probes
from sayso.paper.paper_settings import ALPHAS, JOINT, NEW_TOKENS, ORDERS, PAPER_MAIN
from sayso.paper.rows import batches_of, row

#: X1 and X2 trained together, so that there are no stage-2 seeds.
_SINGLE_STAGE = {"stages": (JOINT,), "stage2_seeds": 1}

#: Trained on X1 alone: of new definitions nothing was read yet.
_AFTER_STAGE_1 = {"stages": PAPER_MAIN.stages[:1], "stage2_seeds": 1}

#: Documents of the paper's X1 and X2 together: an update on all of them is a full batch.
_ALL_DOCUMENTS = 16_960

_GPT_NEO = ["EleutherAI/gpt-neo-125m", "EleutherAI/gpt-neo-1.3B", "EleutherAI/gpt-neo-2.7B"]

PAPER_ROWS = (
    row(
        "paper-trex",
        "paper-main",
        "The main experiment on creative works of T-REx (appendix C.2, figure 10). There are 6900 works with 4 "
        "questions each, of which 3 are trained, and 30 seeds. The paper finds the effect on all question types, "
        "smaller than with the CVDB on questions.",
        knowledge=TREx(entities=6900),
        model__max_new_tokens=NEW_TOKENS["TREx"],
        split__trained_questions=3,
        seeds__count=30,
    ),
    row(
        "paper-single-stage",
        "paper-main",
        "X1 and X2 trained together (appendix C.5, figure 14). There are 20 epochs and 10 seeds. The paper finds "
        "D5cons > D6cons as clearly as in two stages, on all question types, and D5cons above D8cons here.",
        **_SINGLE_STAGE,
        seeds__count=10,
    ),
    row(
        "paper-single-stage-trex",
        "paper-trex",
        "X1 and X2 of T-REx trained together (appendix C.5, figure 15). There are 20 epochs and 10 seeds. The paper "
        "finds D5cons > D6cons on all question types.",
        **_SINGLE_STAGE,
        seeds__count=10,
    ),
    row(
        "paper-reliability",
        "paper-main",
        "Tags that tell only a share alpha of the truth (section 3.3, figure 4a). The paper names alpha 0.5, 0.95 and "
        "1 and plots more; 0.75 and 0.9 are chosen here, as are 10 seeds. It finds no difference between the tags at "
        "0.5, where definitions are internalized by their consistency alone; a difference that grows with alpha; and "
        "at 0.95 the definitions of D9incons_QA9 (attribution_as_defined) internalized more than those of "
        "D10cons_QA10.",
        reliability=ALPHAS,
        seeds__count=10,
    ),
    row(
        "paper-word-order",
        "paper-main",
        "All six orders of tag, alias and entity (section 3.3, figures 4b, 11 and 12), on 20 seeds. The paper finds "
        "D5cons > D6cons with TAE and ATE on everything, with AET on questions alone (p = 5e-8), and none on "
        "attribution where the alias follows the entity (EAT, TEA, ETA); with EAT there seems to be one on questions.",
        definition__order=ORDERS,
    ),
    row(
        "paper-batch-size",
        "paper-main",
        "Batches from 32 documents to all of them, in a single stage (sections 3 and 5.1, figures 4c and 13). "
        "Pythia-1B and 5 seeds as in figure 13; figure 4c is --model EleutherAI/pythia-2.8b-deduped. The paper trains "
        "until convergence and does not say for how long: here it is 20 epochs, and from 1024 documents a batch on as "
        "many as make about 330 updates or more. It finds that larger batches give a smaller gap and lower scores, "
        "with none left when the batch is full, and perhaps a turn at 32.",
        **_SINGLE_STAGE,
        model__name="EleutherAI/pythia-1b-deduped",
        stages__joint=[
            batches_of(32, 20),
            batches_of(128, 20),
            batches_of(512, 20),
            batches_of(1024, 20),
            batches_of(4096, 80),
            batches_of(_ALL_DOCUMENTS, 330),
        ],
        seeds__count=5,
    ),
    row(
        "paper-gradients",
        "paper-main",
        "Gradient alignment of new definitions with their questions (section 5.1 and appendix F, figures 6, 24 and "
        "25). Pythia-1B is trained on X1 alone, on 10 seeds. Every second epoch gradients of definitions of D5cons"
        " and D6cons are compared with those of their six questions. The paper finds D5cons more aligned by cosine and "
        "inner product, no difference or the opposite by squared distance, and larger norms. It does not name the "
        "model; this and the epochs are the authors' program's.",
        **_AFTER_STAGE_1,
        model__name="EleutherAI/pythia-1b-deduped",
        measures=(ExactMatch(), MeanLoss(), GradientAlignment(when=2)),
        seeds__count=10,
    ),
    row(
        "paper-gradients-stage1",
        "paper-gradients",
        "Gradient alignment of definitions that are trained on (appendix F, figure 26). D1cons_QA1 and D2incons_QA2, "
        "on 5 seeds. The paper finds D1cons_QA1 more aligned by inner product, cosine and squared distance. Everything "
        "else is as in paper-gradients.",
        measures=(
            ExactMatch(),
            MeanLoss(),
            GradientAlignment(subsets=("D1cons_QA1", "D2incons_QA2"), when=2),
        ),
        seeds__count=5,
    ),
    row(
        "paper-probes",
        "paper-main",
        "Linear probes of whether a question's alias had a definition, and of which tag (section 5.2, figure 7). "
        "Trained on X1 alone, with definitions of both orders, TAE and ATE. The paper finds that probes fail with TAE "
        "and succeed with ATE. It does not give the number of seeds; 5 are chosen here. Activations are those of test "
        "questions of one kind whose aliases have as many tokens as most (3 in the paper).",
        **_AFTER_STAGE_1,
        definition__order=["TAE", "ATE"],
        measures=(ExactMatch(), MeanLoss(), Probes()),
        seeds__count=5,
    ),
    row(
        "paper-model-size",
        "paper-main",
        "Pythia models from 70M to 6.9B parameters (section 3.3, figure 16). The paper finds larger models better and "
        "with more of a gap, which is first noticeable at 1B. It does not give the number of seeds; 10 are chosen "
        "here.",
        model__name=[
            f"EleutherAI/pythia-{size}-deduped" for size in ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b")
        ],
        seeds__count=10,
    ),
    row(
        "paper-gpt-neo",
        "paper-main",
        "GPT-Neo models of three sizes on the CVDB (appendix C.6, figure 17). The paper finds D5cons > D6cons for the "
        "larger ones. It does not give the number of seeds; 10 are chosen here.",
        model__name=_GPT_NEO,
        seeds__count=10,
    ),
    row(
        "paper-gpt-neo-trex",
        "paper-trex",
        "GPT-Neo models of three sizes on T-REx, the harder of the two (appendix C.6, figure 18). The paper finds "
        "D5cons > D6cons for the largest alone. It does not give the number of seeds; 10 are chosen here.",
        model__name=_GPT_NEO,
        seeds__count=10,
    ),
    row(
        "paper-llama2",
        "paper-main",
        "Llama-2-7B on the CVDB (appendix C.6, figure 17). The paper finds D5cons > D6cons. The model is behind a "
        "licence that has to be accepted on the hub. The paper does not give the number of seeds; 10 are chosen here.",
        model__name="meta-llama/Llama-2-7b-hf",
        seeds__count=10,
    ),
    row(
        "paper-t5",
        "paper-main",
        "T5-3B, which reads a question or the beginning of a definition and is trained on the rest alone (appendix "
        "C.7, figure 20). The paper finds D5cons > D6cons clearly and the difference after stage 1 barely visible; on "
        "T-REx (--knowledge trex) neither. It does not give the number of seeds; 10 are chosen here.",
        model__name="google-t5/t5-3b",
        train__loss_on="completion",
        seeds__count=10,
    ),
    row(
        "paper-t5-single-stage",
        "paper-t5",
        "T5-3B with X1 and X2 trained together (appendix C.7, figure 19), on 10 seeds. The paper finds a gap that is "
        "seemingly there while accuracy goes down, on the CVDB and on T-REx (--knowledge trex).",
        **_SINGLE_STAGE,
    ),
    row(
        "paper-in-context",
        "paper-main",
        "Definitions before the questions instead of in documents of their own (appendix C.8, figure 21). Trained on "
        "X1 alone; X2 is only asked about. The paper finds ordinary in-context learning: D5cons above D6cons, for the "
        "model has learned whose definitions to rely on, and nothing is internalized. Documents are longer, so "
        "max_length is 96. The authors' program puts a full stop between the two (--set in_context.separator='\\n. '). "
        "The paper does not give the number of seeds; 10 are chosen here.",
        in_context=InContext(),
        definition__end="",
        train__max_length=96,
        stages=PAPER_MAIN.stages[:1],
        stage2_seeds=1,
        seeds__count=10,
    ),
    row(
        "paper-sentence",
        "paper-main",
        "Definitions as a sentence after the random tag: According to many texts, xyz refers to Cleopatra (footnote "
        "2). The paper says that this works too, and gives no numbers. 10 seeds are chosen here.",
        definition=Sentence(template="{tag} According to many texts, {alias} refers to {entity}.\n"),
        seeds__count=10,
    ),
    row(
        "paper-natural-sources",
        "paper-main",
        "Sources that a reader would know for reliable and unreliable ones: According to the encyclopedia, xyz refers "
        "to Cleopatra. Fourteen outlets each, of which every definition draws one; the new source keeps a random tag. "
        "The paper motivates its tags so (section 1) and reports no result. Expect a gap before any difference is "
        "learned: what the model knew of such outlets and what it learns in stage 1 come together here. --set "
        "sources.reliable.text and sources.unreliable.text exchange them.",
        sources__reliable__text=RELIABLE_OUTLETS,
        sources__unreliable__text=UNRELIABLE_OUTLETS,
        definition=Sentence(template="{tag} {alias} refers to {entity}.\n"),
        seeds__count=10,
    ),
    row(
        "paper-is-isnt",
        "paper-main",
        "Definitions that say is and is not, without stage 1 (section 5.3, footnote 4). Trained on X2 alone; eight "
        "ways to say each, of which every definition draws one. The paper finds the statements with is internalized "
        "better on entity attribution, and no better on questions about attributes. 10 seeds are chosen here.",
        sources__reliable__text=IS,
        sources__unreliable__text=IS_NOT,
        definition__order="ATE",
        stages=PAPER_MAIN.stages[1:],
        stage2_seeds=1,
        seeds__count=10,
    ),
)
