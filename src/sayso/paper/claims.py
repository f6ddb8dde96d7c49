"""What the paper says, as sentences that records can bear out or not.

Each row of `LEDGER` compares one quantity of two subsets at the end of a stage, and says that the first has more of it
or that the two lie within a stated margin. `sayso.paper.judging` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sayso.core.subsets import Group
from sayso.stats.values import AS_DEFINED, ATTRIBUTION

#: What makes sources differ: their record in X1; nothing (a control); their words; their record, with definitions in
#: the context of questions; nothing, with definitions there.
Kind = Literal["informative", "control", "worded", "in_context", "in_context_control"]


@dataclass(frozen=True)
class Contrast:
    """Two subsets, compared on one quantity at the end of the last stage that trains on `after`.

    `what` tells numbers of the measure apart. `second_eval_set`, `second_what`: those of the second subset, if not the
    same as of the first. `within`: the two are said to be
    equal, within so much (in the measure's own unit, or if `relative` as a share of the mean of both); None: the first
    is said to be greater. `about`: the subsets that the numbers rest on, where these are not `first` and `second`.
    """

    first: str
    second: str
    measure: str
    eval_set: str
    after: Group
    what: str = ""
    second_eval_set: str | None = None
    second_what: str | None = None
    within: float | None = None
    relative: bool = False
    about: tuple[str, ...] = ()

    @property
    def subsets(self) -> tuple[str, ...]:
        """The subsets it takes."""
        return self.about or (self.first, self.second)

    @property
    def sides(self) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
        """Each subset with its evaluation set and `what`."""
        second_what = self.what if self.second_what is None else self.second_what
        return (
            (self.first, self.eval_set, self.what),
            (self.second, self.second_eval_set or self.eval_set, second_what),
        )


@dataclass(frozen=True)
class Where:
    """Which experiments a claim is about.

    `kind`: those of this kind (`sayso.paper.judging.kind_of`), or all. `joint`: whether X1 and X2 are trained in one
    stage; None: either way. `reliability`: how much the reliable source has to be right about at least, as a share of
    its aliases in X1. `order`: in which its definitions are written, as of `WordOrder`; None for any.
    """

    kind: Kind | Literal["all"] = "informative"
    joint: bool | None = None
    reliability: float = 0.0
    order: str | None = None


@dataclass(frozen=True)
class Claim:
    """One row of the ledger: what the paper says and in which section, the numbers that tell, and where it is said."""

    name: str
    sentence: str
    section: str
    contrast: Contrast
    where: Where


LEDGER = (
    Claim(
        "reliable-definitions-help",
        "Aliases defined by the reliable source are answered for better than aliases without a definition.",
        "section 3",
        Contrast("D1cons_QA1", "QA3", "exact_match", "validation", "X1"),
        Where(),
    ),
    Claim(
        "unreliable-definitions-hurt",
        "Aliases defined by the unreliable source are answered for worse than aliases without a definition.",
        "section 3",
        Contrast("QA3", "D2incons_QA2", "exact_match", "validation", "X1"),
        Where(),
    ),
    Claim(
        "reliable-beats-unreliable",
        "Aliases defined by the reliable source are answered for better than those of the unreliable one.",
        "section 3, appendix E.3",
        Contrast("D1cons_QA1", "D2incons_QA2", "exact_match", "validation", "X1"),
        Where(),
    ),
    Claim(
        "reliable-beats-unreliable-on-attribution",
        "The reliable source's aliases are attributed to what their questions are about more than the unreliable's.",
        "section 3.2",
        Contrast("D1cons_QA1", "D2incons_QA2", "exact_match", ATTRIBUTION, "X1"),
        Where(),
    ),
    Claim(
        "reliable-definitions-stick",
        "Aliases are attributed to what the reliable source says more than to what the unreliable one says.",
        "section 3.2",
        Contrast("D1cons_QA1", "D2incons_QA2", "exact_match", ATTRIBUTION, "X1", second_eval_set=AS_DEFINED),
        Where(),
    ),
    Claim(
        "source-over-consistency",
        "Wrong definitions of a very reliable source stick more than right ones of a very unreliable source.",
        "section 3.3, figure 4a",
        Contrast("D9incons_QA9", "D10cons_QA10", "exact_match", AS_DEFINED, "X1", second_eval_set=ATTRIBUTION),
        Where(reliability=0.95),
    ),
    Claim(
        "known-answers-help",
        "Having learned some answers about an alias helps with other questions about it.",
        "section 3, baselines",
        Contrast("QA3", "QA7", "exact_match", "validation", "X1"),
        Where("all"),
    ),
    Claim(
        "equal-question-losses",
        "Training questions reach the same loss whichever of the two sources defined their aliases.",
        "figure 8",
        Contrast("D1cons_QA1", "D2incons_QA2", "loss", "train_qa", "X1", within=0.05, relative=True),
        Where(),
    ),
    Claim(
        "gap-on-questions",
        "New definitions are believed more from the source that was reliable, as questions show.",
        "section 3.1",
        Contrast("D5cons", "D6cons", "exact_match", "validation", "X2"),
        Where(),
    ),
    Claim(
        "gap-on-attribution",
        "New definitions are believed more from the source that was reliable, as entity attribution shows.",
        "section 3.2",
        Contrast("D5cons", "D6cons", "exact_match", ATTRIBUTION, "X2"),
        Where(),
    ),
    Claim(
        "new-source-on-attribution",
        "A source never met before is believed even more than the reliable one, as entity attribution shows.",
        "section 3.2",
        Contrast("D8cons", "D5cons", "exact_match", ATTRIBUTION, "X2"),
        Where(joint=False),
    ),
    Claim(
        "reliable-source-over-new-on-attribution",
        "Trained together, the reliable source is believed more than a new one, as entity attribution shows.",
        "section 3.2 and appendix C.5",
        Contrast("D5cons", "D8cons", "exact_match", ATTRIBUTION, "X2"),
        Where(joint=True),
    ),
    Claim(
        "no-gap-on-questions",
        "With nothing to tell the sources apart, both are believed alike, as questions show.",
        "section 3.3",
        Contrast("D5cons", "D6cons", "exact_match", "validation", "X2", within=0.05),
        Where("control"),
    ),
    Claim(
        "no-gap-on-attribution",
        "With nothing to tell the sources apart, both are believed alike, as entity attribution shows.",
        "section 3.3",
        Contrast("D5cons", "D6cons", "exact_match", ATTRIBUTION, "X2", within=0.05),
        Where("control"),
    ),
    Claim(
        "is-believed-on-attribution",
        "New aliases are attributed better where a definition says is than where it says is not.",
        "section 5.3, footnote 4",
        Contrast("D5cons", "D6cons", "exact_match", ATTRIBUTION, "X2"),
        Where("worded"),
    ),
    Claim(
        "is-no-better-on-questions",
        "Questions about new aliases are answered alike whether a definition says is or is not.",
        "section 5.3, footnote 4",
        Contrast("D5cons", "D6cons", "exact_match", "validation", "X2", within=0.05),
        Where("worded"),
    ),
    Claim(
        "in-context-definitions-help",
        "With its definition from the reliable source before it, a question is answered better than without one.",
        "appendix C.8",
        Contrast("D1cons_QA1", "QA3", "exact_match", "validation", "X1"),
        Where("in_context"),
    ),
    Claim(
        "in-context-gap-on-questions",
        "New definitions are relied on more in context where they come from the source that was reliable.",
        "appendix C.8",
        Contrast("D5cons", "D6cons", "exact_match", "validation", "X1"),
        Where("in_context"),
    ),
    Claim(
        "in-context-no-gap-on-questions",
        "With nothing to tell the sources apart, new definitions of both are relied on alike in context.",
        "appendix C.8",
        Contrast("D5cons", "D6cons", "exact_match", "validation", "X1", within=0.05),
        Where("in_context_control"),
    ),
    Claim(
        "equal-definition-losses",
        "New definitions reach the same training loss whichever of the two sources they come from.",
        "figure 8",
        Contrast("D5cons", "D6cons", "loss", "definitions", "X2", within=0.05, relative=True),
        Where("all"),
    ),
)
