"""What the names on a page mean: subsets, measures and words."""

from __future__ import annotations

from collections.abc import Iterable

from sayso.core.experiment import Experiment
from sayso.core.subsets import TABLE_1, Subset, with_reliability

#: A name and what it means.
Entry = tuple[str, str]

WORDS: tuple[Entry, ...] = (
    ("alias", "a made-up name that stands for an entity; the model can know what it means from definitions alone"),
    ("definition", "a document that says whom an alias means: a tag, the alias and a name, in some order"),
    ("tag", "the text in a definition that marks its source: random letters, or a phrase"),
    ("source", "who says it, known by its tag: in X1 the reliable one is right, the unreliable one is not"),
    ("X1, X2", "the two parts of the data: definitions with questions about their aliases, and new definitions alone"),
    ("stage", "a stretch of training: on X1, then on X2; a single stage takes both together"),
    ("seed", "one draw of everything that is drawn, and one trained model; intervals and tests are over seeds"),
    ("gap", "the internalization gap: exact match on D5cons less that on D6cons, of which no question is trained on"),
    ("holds", "a claim whose corrected p-value is below .05"),
    ("fails", "a claim that the numbers exclude: the difference goes the other way, or one worth having is ruled out"),
    ("undecided", "neither: more seeds may decide it; it is not refuted"),
    ("foreseen", "what was thought of a claim before these seeds were run, written down with the day"),
    ("control", "the same experiment where nothing tells the sources apart, which must find nothing"),
)

MEASURES: tuple[Entry, ...] = (
    ("exact match", "the share of questions to which the model's answer is one of the accepted ones, to the letter"),
    ("validation", "questions about an alias that are not trained on; what is called questions on this page"),
    ("train_qa", "the questions that are trained on"),
    ("entity attribution", "exact match on questions that ask for the entity's name (Who is ...? What does ... mean?)"),
    ("attribution as defined", "the same where a definition is wrong: the share that names whom the definition names"),
    (
        "belief",
        "forced choice among the right answer and others of its kind: how often it is the likeliest, and its log-odds; "
        "calibrated: less what is said of aliases that nobody defined; versus: against the answer of the other entity "
        "that was named",
    ),
    ("loss", "the mean cross-entropy of what is to be said, in nats per token"),
)

_TABLE = {subset.name: subset for subset in (*TABLE_1, *with_reliability(TABLE_1, 0.9))}


def subsets_of(experiment: Experiment, names: Iterable[str]) -> list[Entry]:
    """What the named subsets are, in the experiment; those it does not have itself are as in the paper."""
    own = {subset.name: subset for subset in experiment.subsets}
    known = [(name, own.get(name) or _TABLE.get(name)) for name in names]
    return [(name, meaning(subset)) for name, subset in known if subset is not None]


def subsets_of_the_paper() -> list[Entry]:
    """What each subset of the paper is (Table 1, and those of figure 4a)."""
    return [(name, meaning(subset)) for name, subset in _TABLE.items()]


def meaning(subset: Subset) -> str:
    """What a subset is, in words."""
    if not subset.aliased:
        what = "asked about under the entity's own name"
    elif subset.source is None:
        what = "aliases that are never defined"
    else:
        right = "rightly" if subset.consistent else "wrongly: for an entity that the questions are not about"
        what = f"aliases that the source “{subset.source}” defines {right}"
        if subset.against is not None:
            what += f", and the source “{subset.against}” as another entity"
        if (subset.repeats, subset.against_repeats) != (1, 1):
            often = (subset.repeats, *([subset.against_repeats] if subset.against is not None else []))
            what += f" (said {' and '.join(map(str, often))} times over)"
    asked = "questions about them are trained on" if subset.has_qa else "they are only asked about"
    return f"{subset.group}: {what}; {asked}"
