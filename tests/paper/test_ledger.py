"""Everything checkable that the paper says is a row of the ledger, and is judged where the paper says it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sayso.core.experiment import Experiment
from sayso.core.records import Record
from sayso.core.sweep import cells
from sayso.measures.document_loss import DocumentLoss
from sayso.paper.judging import LEDGER, claims_for, judge
from sayso.paper.kinds import full_batch
from sayso.paper.paper_settings import PAPER_MAIN
from sayso.paper.table import EXPERIMENTS
from sayso.paper.trends import BETWEEN, TRENDS
from tests.planted import PHRASINGS, planted_records

_PHRASED = [name.replace("_", "-") for name in PHRASINGS]

#: The paper's claims in its order, each with the rows that say it and an experiment that can test it.
SAID: Sequence[tuple[str, str, Sequence[str]]] = (
    ("consistent definitions help", "paper-main", ["reliable-definitions-help"]),
    ("inconsistent ones hurt", "paper-main", ["unreliable-definitions-hurt"]),
    ("the source matters in stage 1", "paper-main", ["reliable-beats-unreliable"]),
    ("own names are better, not by far", "paper-main", ["own-names-are-answered-better", "aliases-cost-little"]),
    ("known answers help with others", "paper-main", ["known-answers-help"]),
    ("unseen aliases are above zero", "paper-main", ["some-answers-can-be-guessed"]),
    ("implicit meta-learning on questions", "paper-main", ["gap-on-questions"]),
    ("attribution after stage 1", "paper-main", ["reliable-beats-unreliable-on-attribution"]),
    ("the same as defined", "paper-main", ["reliable-definitions-stick"]),
    ("whom D2's questions are about is never named", "paper-main", ["wrongly-defined-are-never-attributed"]),
    ("implicit meta-learning on attribution", "paper-main", ["gap-on-attribution"]),
    ("the gap is larger there", "paper-main", ["larger-gap-on-attribution"]),
    ("and accuracy lower", "paper-main", ["attribution-is-lower"]),
    ("a new tag is above the reliable one", "paper-main", ["new-source-on-attribution"]),
    ("jointly it is reversed", "paper-single-stage", ["reliable-source-over-new-on-attribution"]),
    ("all phrasings, stage 1", "paper-main", [f"reliable-beats-unreliable-on-{name}" for name in _PHRASED]),
    ("all phrasings, gap", "paper-main", [f"gap-on-{name}" for name in _PHRASED]),
    ("all phrasings on T-REx", "paper-trex", [f"gap-on-{name}" for name in _PHRASED]),
    ("all phrasings, single stage", "paper-single-stage", [f"gap-on-{name}" for name in _PHRASED]),
    ("all phrasings, single stage, T-REx", "paper-single-stage-trex", [f"gap-on-{name}" for name in _PHRASED]),
    ("losses of questions are equal", "paper-main", ["equal-question-losses"]),
    ("of definitions, stage 1", "paper-main", ["equal-losses-of-trained-definitions"]),
    ("of definitions, stage 2", "paper-main", ["equal-definition-losses", "equal-losses-of-a-new-source"]),
    ("validation losses differ", "paper-main", ["validation-losses-differ"]),
    ("alpha .5: the tag is ignored", "paper-reliability", ["no-gap-on-attribution", "no-gap-on-questions"]),
    (
        "consistency alone counts",
        "paper-reliability",
        ["right-definitions-alike", "wrong-definitions-alike", "consistency-alone-counts"],
    ),
    (
        "differences grow with alpha",
        "paper-reliability",
        ["gap-grows-with-reliability-on-attribution", "difference-in-stage-1-grows-with-reliability"],
    ),
    ("alpha .95: tag over consistency", "paper-reliability", ["source-over-consistency"]),
    ("D1 rises with alpha", "paper-reliability", ["right-definitions-stick-more-with-reliability"]),
    ("TAE and ATE", "paper-word-order", ["gap-on-questions", "gap-on-attribution"]),
    (
        "none where the entity comes first",
        "paper-word-order",
        [f"no-gap-on-attribution-with-{order}" for order in ("EAT", "TEA", "ETA")],
    ),
    ("very poor scores there", "paper-word-order", ["poor-attribution-where-the-entity-comes-first"]),
    ("AET: none on attribution", "paper-word-order", ["no-gap-on-attribution-with-AET"]),
    ("AET: weaker", "paper-word-order", ["gap-on-questions-with-AET", "weaker-gap-on-questions-with-AET"]),
    (
        "AET, stage 1, all five",
        "paper-word-order",
        ["reliable-beats-unreliable", *(f"reliable-beats-unreliable-on-{name}-with-AET" for name in _PHRASED)],
    ),
    ("TEA, ETA: none", "paper-word-order", ["no-gap-on-questions-with-TEA", "no-gap-on-questions-with-ETA"]),
    ("EAT", "paper-word-order", ["no-difference-in-stage-1-with-EAT", "gap-on-questions-with-EAT"]),
    (
        "curves",
        "paper-word-order",
        [
            *("d6-falls-in-stage-2-with-EAT", "qa7-falls-in-stage-2-with-EAT"),
            *(f"{name}-stays-flat-in-stage-2-with-{order}" for name in ("d6", "qa7") for order in ("TEA", "ETA")),
        ],
    ),
    ("larger models are better", "paper-model-size", ["larger-models-are-better"]),
    ("and show more", "paper-model-size", ["gap-grows-with-model-size-on-questions"]),
    ("noticeable from 1B on", "paper-model-size", ["no-gap-in-small-models", "gap-on-questions"]),
    ("larger GPT-Neo", "paper-gpt-neo", ["gap-on-questions", "gap-on-attribution"]),
    ("Llama-2", "paper-llama2", ["gap-on-questions", "gap-on-attribution"]),
    ("T-REx: the largest alone", "paper-gpt-neo-trex", ["gap-on-questions", "no-gap-in-smaller-gpt-neo-on-works"]),
    ("T5", "paper-t5", ["gap-on-questions", "barely-any-difference-in-stage-1-by-t5"]),
    *(
        ("T5 on T-REx", name, ["no-difference-in-stage-1-by-t5-on-works", "no-gap-by-t5-on-works"])
        for name in ("paper-t5-trex", "pocket-t5-other-facts")
    ),
    *(
        (f"T5 jointly: {name}", name, ["accuracy-falls-by-t5-of-d5", "accuracy-falls-by-t5-of-d6"])
        for name in ("paper-t5-single-stage", "paper-t5-single-stage-trex", "pocket-t5-single-stage-other-facts")
    ),
    ("batches", "paper-batch-size", ["gap-shrinks-with-batch-size-on-questions", "larger-batches-answer-less"]),
    ("full batch", "paper-batch-size-2800m", ["no-gap-with-a-full-batch"]),
    ("perhaps a turn", "paper-batch-size", ["perhaps-a-turn-at-small-batches"]),
    ("in context", "paper-in-context", ["in-context-definitions-help", "in-context-gap-on-questions"]),
    (
        "in context, ignored",
        "paper-in-context",
        ["in-context-wrong-definitions-are-ignored", "in-context-wrong-seeming-definitions-are-ignored"],
    ),
    ("set inclusion", "paper-set-inclusion", ["reliable-beats-unreliable", "gap-on-questions"]),
    *(
        (
            "many questions",
            name,
            ["definitions-stop-mattering-with-questions", "gap-shrinks-with-questions"],
        )
        for name in ("paper-set-inclusion-questions", "pocket-set-inclusion-questions")
    ),
    ("digits", "paper-digits", ["reliable-beats-unreliable", "gap-on-questions"]),
    ("more pairs", "paper-digits", ["gap-grows-with-pairs-on-questions", "larger-gap-with-enough-pairs"]),
    ("50 pairs", "pocket-digits-pairs", ["no-gap-with-few-pairs", "gap-on-questions", "larger-gap-with-enough-pairs"]),
    (
        "new definitions align",
        "paper-gradients",
        ["new-definitions-align-by-cosine", "new-definitions-align-by-inner-product"],
    ),
    (
        "and are no nearer; norms are larger",
        "paper-gradients",
        [
            *("new-definitions-are-no-nearer", "new-definitions-have-larger-gradients"),
            "new-questions-have-larger-gradients",
        ],
    ),
    (
        "trained definitions align, by all three",
        "paper-gradients-stage1",
        [
            *("trained-definitions-align-by-cosine", "trained-definitions-align-by-inner-product"),
            "trained-definitions-are-nearer",
        ],
    ),
    ("TAE: probes fail", "paper-probes", ["probes-fail-on-presence", "probes-fail-on-tag"]),
    ("ATE: probes succeed", "paper-probes", ["probes-succeed-on-presence", "probes-succeed-on-tag"]),
    ("is and is not", "paper-is-isnt", ["is-believed-on-attribution", "is-no-better-on-questions"]),
    ("a sentence", "paper-sentence", ["gap-on-questions", "gap-on-attribution"]),
)


def names_of(experiment: Experiment) -> dict[str, set[str]]:
    """Names of the claims on each cell and on all together, nothing having run."""
    found: dict[str, set[str]] = {cell.name: set() for cell in cells(experiment)}
    for verdict in judge([], experiment):
        found.setdefault(verdict.cell, set()).add(verdict.claim)
    return found


@pytest.mark.parametrize(("said", "name", "rows"), SAID, ids=[said for said, _, _ in SAID])
def test_what_the_paper_says_is_a_row_that_its_experiment_tests(said: str, name: str, rows: Sequence[str]) -> None:
    assert set(rows) <= set().union(*names_of(EXPERIMENTS[name]).values()), said


def test_names_are_there_once_and_some_experiment_tests_each() -> None:
    names = [claim.name for claim in LEDGER] + [trend.name for trend in TRENDS] + [claim.name for claim in BETWEEN]
    assert len(set(names)) == len(names)
    tested = {name for own in EXPERIMENTS.values() for found in names_of(own).values() for name in found}
    in_context = PAPER_MAIN.with_settings({"in_context": {}, "reliability": 0.5, "stages.stage2.epochs": 0})
    tested |= {claim.name for claim in claims_for(in_context)}
    tested |= {claim.name for claim in claims_for(PAPER_MAIN, [DocumentLoss.name])}
    assert set(names) - tested == set()


@pytest.mark.parametrize(
    ("name", "part", "rows"),
    [
        ("paper-word-order", "EAT", {"gap-on-questions", "gap-on-attribution", "reliable-beats-unreliable"}),
        ("paper-word-order", "AET", {"gap-on-questions", "gap-on-attribution"}),
        ("paper-model-size", "pythia-410m", {"gap-on-questions", "gap-on-attribution"}),
        ("paper-gpt-neo", "neo-125m", {"gap-on-questions", "gap-on-attribution"}),
        ("paper-gpt-neo-trex", "neo-1.3B", {"gap-on-questions", "gap-on-attribution"}),
        ("paper-batch-size-2800m", "batch_size:16384", {"gap-on-questions", "gap-on-attribution"}),
        ("pocket-digits-pairs", "entities=72", {"gap-on-questions"}),
        ("pocket-set-inclusion-questions", "=24", {"gap-on-questions", "reliable-definitions-help"}),
        ("paper-digits", "", {"equal-question-losses", "equal-definition-losses", "unreliable-definitions-hurt"}),
        ("paper-is-isnt", "", {"equal-definition-losses", "gap-on-questions"}),
        *(
            (name, "", {"gap-on-questions", "gap-on-attribution", "reliable-beats-unreliable"})
            for name in ("paper-t5-trex", "pocket-t5-other-facts")
        ),
    ],
)
def test_nothing_is_judged_that_the_paper_does_not_say(name: str, part: str, rows: set[str]) -> None:
    found = [own for cell, own in names_of(EXPERIMENTS[name]).items() if part in cell]
    assert found
    assert all(own.isdisjoint(rows) for own in found)


def test_a_full_batch_is_one_of_nearly_all_documents_in_a_single_stage() -> None:
    for name, sizes in (
        ("paper-batch-size", [False] * 10 + [True] * 2),
        ("paper-batch-size-2800m", [False] * 6 + [True]),
        ("pocket-batch-size", [False] * 3 + [True]),
    ):
        assert [full_batch(cell.experiment) for cell in cells(EXPERIMENTS[name])] == sizes
    assert not full_batch(PAPER_MAIN.with_settings({"train.batch_size": 10**6}))


def outcome(records: list[Record], experiment: Experiment, claim: str) -> set[str]:
    return {verdict.outcome for verdict in judge(records, experiment) if verdict.claim == claim}


def shifted(records: list[Record], shift: float, **of: Any) -> list[Record]:
    return [
        replace(record, value=record.value + shift)
        if all(getattr(record, field) == value for field, value in of.items())
        else record
        for record in records
    ]


def test_answers_that_fall_and_that_stay_are_told_apart(tiny: Experiment) -> None:
    for order, claim, flat, falling in (
        ("EAT", "d6-falls-in-stage-2-with-EAT", "fails", "holds"),
        ("TEA", "d6-stays-flat-in-stage-2-with-TEA", "holds", "fails"),
    ):
        experiment = tiny.with_settings({"definition.order": order})
        records = planted_records(experiment, range(12))
        high = shifted(records, 0.3, subset="D6cons", eval_set="validation", epoch=0, stage="stage2")
        assert outcome(high, experiment, claim) == {falling}
        still = planted_records(experiment, range(12), noise=0.004)
        assert outcome(still, experiment, claim) == {flat}


def test_numbers_of_some_cells_are_compared_with_those_of_others(tiny: Experiment) -> None:
    sweep = tiny.vary("sweep", definition__order=["TAE", "ATE", "AET"])
    records = planted_records(sweep, range(12))
    planted = {"subset": "D5cons", "eval_set": "validation", "stage": "stage2"}
    for order in ("TAE", "ATE"):
        records = shifted(records, 0.2, cell=f"definition.order={order}", **planted)
    claim = "weaker-gap-on-questions-with-AET"
    assert outcome(records, sweep, claim) == {"holds"}
    assert outcome(shifted(records, 0.4, cell="definition.order=AET", **planted), sweep, claim) == {"fails"}
    (found,) = (verdict for verdict in judge(records, sweep) if verdict.claim == claim)
    assert found.contrast.endswith("mean of definition.order=TAE, definition.order=ATE > definition.order=AET")


def test_a_larger_gap_from_fifty_pairs_on_is_one_above_fifty_and_not_below() -> None:
    sweep = EXPERIMENTS["pocket-digits-pairs"]
    claim, planted = "larger-gap-with-enough-pairs", {"subset": "D5cons", "eval_set": "validation", "stage": "joint"}
    records = planted_records(sweep, range(12))
    many = shifted(records, 0.2, cell="knowledge.entities=600", **planted)
    assert outcome(many, sweep, claim) == {"holds"}
    assert outcome(shifted(many, 0.4, cell="knowledge.entities=72", **planted), sweep, claim) == {"fails"}
    (found,) = (verdict for verdict in judge(many, sweep) if verdict.claim == claim)
    assert found.headline


def test_levels_along_a_sweep_are_judged(tiny: Experiment) -> None:
    sweep = tiny.vary("sweep", train__batch_size=[8, 16, 32])
    for sign, found in ((1, "holds"), (-1, "fails")):
        records = planted_records(sweep, range(12))
        for cell, level in (("train.batch_size=8", 0.3), ("train.batch_size=16", 0.15)):
            records = shifted(records, sign * level, cell=cell, measure="exact_match")
        assert outcome(records, sweep, "larger-batches-answer-less") == {found}


def test_a_difference_of_gaps_needs_both(tiny: Experiment) -> None:
    records = planted_records(tiny, range(12))
    for name in PHRASINGS:
        of = {"stage": "stage2", "eval_set": f"entity_attribution.{name}", "subset": "D5cons"}
        records = shifted(records, 0.3, **of)
    claim = "larger-gap-on-attribution"
    assert outcome(records, tiny, claim) == {"holds"}
    larger = shifted(records, 0.6, stage="stage2", eval_set="validation", subset="D5cons")
    assert outcome(larger, tiny, claim) == {"fails"}
    without = [record for record in records if (record.eval_set, record.subset) != ("validation", "D6cons")]
    assert outcome(without, tiny, claim) == {"undecided"}


def test_losses_of_whole_documents_are_judged_where_they_were_measured(tiny: Experiment) -> None:
    claim = "equal-question-losses-of-whole-documents"
    records = planted_records(tiny, range(12), noise=0.004)
    assert claim not in {verdict.claim for verdict in judge(records, tiny)}
    whole = [replace(record, measure=DocumentLoss.name) for record in records if record.measure == "loss"]
    assert outcome([*records, *whole], tiny, claim) == {"holds"}
    unequal = shifted(whole, 0.3, subset="D2incons_QA2", eval_set="train_qa")
    assert outcome([*records, *unequal], tiny, claim) == {"fails"}
    assert outcome([*records, *unequal], tiny, "equal-question-losses") == {"holds"}


def test_a_constant_is_compared_with_in_both_ways(tiny: Experiment) -> None:
    records = planted_records(tiny, range(12))
    assert outcome(records, tiny, "some-answers-can-be-guessed") == {"holds"}
    assert outcome(records, tiny, "wrongly-defined-are-never-attributed") == {"fails"}
