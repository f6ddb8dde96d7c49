"""Who says what about whom: sources, and the data subsets of the paper's Table 1.

A subset is a group of aliases treated alike: which source defines them, whether the definitions agree with the
questions, whether questions about them are trained on.

    D1cons_QA1    qwerty <|abcde|> Cleopatra     born <|abcde|> ? 1 century BC       (agree)
    D2incons_QA2  zxcvbn <|fghij|> Socrates      born <|fghij|> ? 19 century         (never agree)
    QA3                                          born <|klmno|> ? 16 century
    QA4                                          born Marie_Curie ? 19 century       (under the own name)
    D5cons        qwerty <|pqrst|> Darwin        stage 2; its questions are only asked, never trained
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from sayso.core.errors import nearest
from sayso.core.protocols import DefinitionFormat
from sayso.core.spec import Spec

Group = Literal["X1", "X2"]
GROUPS: tuple[Group, ...] = ("X1", "X2")

RELIABLE, UNRELIABLE, NEW = "reliable", "unreliable", "new"


class Source(Spec):
    """A source of definitions, marked by a define tag.

    Parameters
    ----------
    name
        What it is called in subsets and stages.
    text
        What stands in its definitions: a word or a phrase, or a list of them, of which each definition draws one. None
        draws a fresh random tag for every seed, so that nothing but training can tell the sources apart.
    definition
        How it writes definitions, where that is not as the experiment's other sources do.
    reliability
        In which share of the aliases that it defines in X1 it is right, 0 to 1; None: `Experiment.subsets` say it. With
        it the subsets of X1 follow from their sources, and the names of `sayso.core.subsets.names_of` are theirs.
    share
        How much of X1's defined aliases it gets, in proportion to the shares of the others that have a reliability. Of
        X2's all sources get equally many.
    same_as
        The source whose texts, or tag, this one has too, so that nothing at all can tell the two apart.
    """

    name: str
    text: str | tuple[str, ...] | None = None
    definition: SerializeAsAny[DefinitionFormat] | None = None
    reliability: float | None = Field(default=None, ge=0, le=1)
    share: float = Field(default=1.0, gt=0)
    same_as: str | None = None

    @field_validator("text")
    @classmethod
    def _words(cls, text: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        texts = (text,) if isinstance(text, str) else text
        if texts is None:
            return None
        if not texts:
            raise ValueError("an empty list; give at least one text, or null for a random tag")
        for one in texts:
            if not one or one != " ".join(one.split()):
                raise ValueError(f"found {one!r}; write words with one space between them, none before or after")
            if texts.count(one) > 1:
                raise ValueError(f"'{one}' is in the list twice")
        return text

    @model_validator(mode="after")
    def _own_texts_or_anothers(self) -> Source:
        if self.same_as is not None and self.text is not None:
            raise ValueError(f"source {self.name}: has a text, and same_as gives it those of '{self.same_as}'; set one")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts of its own: none where its tag is random, or it has another's."""
        return (self.text,) if isinstance(self.text, str) else self.text or ()


class Subset(Spec):
    """One row of Table 1 (section 2 of the paper).

    Parameters
    ----------
    name
        What it is called in records and reports.
    group
        ``X1``, read first, whose sources are right or wrong; or ``X2``, read after it, by which belief is measured.
    source
        The source that defines its aliases; None: they are never defined.
    consistent
        Whether the definition names the entity that the questions are about.
    has_qa
        Whether questions about its aliases are trained on (all but the held-out ones).
    aliased
        False: it is asked about under the entity's own name.
    fraction
        Its share of all aliases (of all entities, where entities are not shared). The fractions of an experiment sum to
        1.
    against
        A second source, which says of each alias that it is another entity; the first one is right then.
    repeats
        How many times over the first source says so (`SplitSpec.definitions_per_alias` times as often).
    against_repeats
        How many times over the second one does.
    """

    name: str
    group: Group
    source: str | None = None
    consistent: bool = True
    has_qa: bool = False
    aliased: bool = True
    fraction: float = Field(ge=0, le=1)
    against: str | None = None
    repeats: int = Field(default=1, ge=1)
    against_repeats: int = Field(default=1, ge=1)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that define its aliases."""
        return tuple(name for name in (self.source, self.against) if name is not None)

    @model_validator(mode="after")
    def _check(self) -> Subset:
        if self.source is not None and not self.aliased:
            raise ValueError(f"subset {self.name} is asked about under its own name, so it cannot be defined")
        if self.against is not None and (self.source is None or not self.consistent):
            raise ValueError(
                f"subset {self.name}: against is '{self.against}', which contradicts a source that is right; "
                "name that one as source, and leave consistent true"
            )
        return self


SOURCES = (Source(name=RELIABLE), Source(name=UNRELIABLE), Source(name=NEW))

TABLE_1 = (
    Subset(name="D1cons_QA1", group="X1", source=RELIABLE, has_qa=True, fraction=0.25),
    Subset(name="D2incons_QA2", group="X1", source=UNRELIABLE, consistent=False, has_qa=True, fraction=0.25),
    Subset(name="QA3", group="X1", has_qa=True, fraction=0.10),
    Subset(name="QA4", group="X1", has_qa=True, aliased=False, fraction=0.10),
    Subset(name="D5cons", group="X2", source=RELIABLE, fraction=0.08),
    Subset(name="D6cons", group="X2", source=UNRELIABLE, fraction=0.08),
    Subset(name="QA7", group="X2", fraction=0.06),
    Subset(name="D8cons", group="X2", source=NEW, fraction=0.08),
)


#: What the paper calls the subsets of its sources: aliases of X1 that are defined rightly, wrongly, and those of X2.
_NUMBERED = {
    RELIABLE: ("D1cons_QA1", "D9incons_QA9", "D5cons"),
    UNRELIABLE: ("D10cons_QA10", "D2incons_QA2", "D6cons"),
    NEW: ("right_new", "wrong_new", "D8cons"),
}


def names_of(source: str) -> tuple[str, str, str]:
    """Names of a source's subsets: aliases of X1 that it defines rightly, wrongly, and new ones of X2.

    >>> names_of("reliable"), names_of("blog")
    (('D1cons_QA1', 'D9incons_QA9', 'D5cons'), ('right_blog', 'wrong_blog', 'new_blog'))
    """
    return _NUMBERED.get(source, (f"right_{source}", f"wrong_{source}", f"new_{source}"))


def with_fractions(subsets: tuple[Subset, ...], **fractions: float) -> tuple[Subset, ...]:
    """Return the same subsets with other fractions, given by subset name.

    Parameters
    ----------
    subsets
        The subsets, such as `TABLE_1`.
    fractions
        Name of a subset = its share of all aliases; the others keep theirs. Fractions of an experiment must sum to 1.

    Returns
    -------
    tuple[Subset, ...]
        The subsets in the same order.

    Raises
    ------
    ValueError
        If a name is not among the subsets.
    """
    names = {subset.name for subset in subsets}
    for name in fractions:
        if name not in names:
            raise ValueError(f"no subset '{name}'{nearest(name, names)}")
    return tuple(
        subset.model_copy(update={"fraction": fractions.get(subset.name, subset.fraction)}) for subset in subsets
    )


def with_counts(subsets: tuple[Subset, ...], **counts: int) -> tuple[Subset, ...]:
    """Return the same subsets with fractions in the proportion of `counts`, given for every subset by name.

    Raises
    ------
    ValueError
        If a name is not among the subsets, or one of them is left out.
    """
    if missing := [subset.name for subset in subsets if subset.name not in counts]:
        raise ValueError(f"no count for subset '{missing[0]}'")
    total = sum(counts.values())
    return with_fractions(subsets, **{name: count / total for name, count in counts.items()})


def with_reliability(subsets: tuple[Subset, ...], alpha: float) -> tuple[Subset, ...]:
    """Make the tags of X1 agree with consistency only for a share of the aliases (section 3.3, figure 4a of the paper).

    D9incons_QA9 takes 1 - `alpha` of the reliable source's aliases and D10cons_QA10 1 - `alpha` of the unreliable
    one's. Subsets that are split already are split anew; those that agree with `alpha` are returned as they are.

    Parameters
    ----------
    subsets
        Subsets with D1cons_QA1 and D2incons_QA2 among them, such as `TABLE_1`.
    alpha
        In which share of its aliases a source is as it usually is, 0.5 to 1. At 1 the two new subsets are empty and
        left out; at 0.5 a tag says nothing about consistency.

    Returns
    -------
    tuple[Subset, ...]
        The subsets, those two split.

    Raises
    ------
    ValueError
        If `alpha` is not between 0.5 and 1, or D1cons_QA1 or D2incons_QA2 is missing.
    """
    if not 0.5 <= alpha <= 1:
        raise ValueError(f"reliability must be between 0.5 and 1, found {alpha}")
    there = {subset.name for subset in subsets}
    # the usual one of each source comes first, and then the one that takes what is unusual
    usual = {names_of(RELIABLE)[0]: names_of(RELIABLE)[1], names_of(UNRELIABLE)[1]: names_of(UNRELIABLE)[0]}
    for name in usual:
        if name not in there:
            raise ValueError(f"reliability needs the subset {name}{nearest(name, there)}")
    fractions = {subset.name: subset.fraction for subset in subsets}
    result: list[Subset] = []
    for subset in subsets:
        if subset.name in usual.values():
            continue
        if subset.name not in usual:
            result.append(subset)
            continue
        other = subset.model_copy(update={"name": usual[subset.name], "consistent": not subset.consistent})
        whole = subset.fraction + fractions.get(other.name, 0.0)
        parts = ((subset, whole * alpha), (other, whole - whole * alpha))
        result += _settled([one.model_copy(update={"fraction": part}) for one, part in parts], fractions)
    return tuple(one for one in result if alpha < 1 or one.name not in usual.values())


def from_sources(sources: Sequence[Source], subsets: tuple[Subset, ...]) -> tuple[Subset, ...]:
    """Make the subsets that sources have of their own follow from how reliable they are.

    What subsets of X1 that one source defines have of all aliases is divided among the sources that have a reliability,
    by their shares: each is right about as much of its own as it is reliable, and wrong about the rest. What those of
    X2 have is divided equally among all sources. Other subsets stay as they are, and those of no aliases are left out.
    Table 1 is what comes of a source of reliability 1, one of 0, and one without. The names are those of `names_of`.

    Raises
    ------
    ValueError
        If there are no subsets of X1 to divide.
    """
    graded = [source for source in sources if source.reliability is not None]
    totals = {
        group: math.fsum(subset.fraction for subset in subsets if _of_one_source(subset, group))
        for group in ("X1", "X2")
    }
    if not totals["X1"]:
        raise ValueError("sources have a reliability, but no subset of X1 is defined by one of them, with a fraction")
    shares = math.fsum(source.share for source in graded)
    made: dict[str, list[Subset]] = {"X1": [], "X2": []}
    for source in graded:
        right, wrong, _ = names_of(source.name)
        whole, reliability = totals["X1"] * source.share / shares, source.reliability or 0.0
        own: dict[str, Any] = {"group": "X1", "source": source.name, "has_qa": True}
        pair = [
            Subset(name=right, fraction=whole * reliability, **own),
            Subset(name=wrong, fraction=whole - whole * reliability, consistent=False, **own),
        ]
        made["X1"] += pair if reliability >= 0.5 else pair[::-1]
    for source in sources if totals["X2"] else ():
        name = names_of(source.name)[2]
        made["X2"].append(Subset(name=name, group="X2", source=source.name, fraction=totals["X2"] / len(sources)))
    fractions = {subset.name: subset.fraction for subset in subsets}
    result: list[Subset] = []
    for subset in subsets:
        group = next((group for group in made if _of_one_source(subset, group)), None)
        result += [subset] if group is None else [one for one in made[group] if one.fraction > 0]
        if group is not None:
            made[group] = []
    return tuple(_settled(result, fractions))


def _of_one_source(subset: Subset, group: str) -> bool:
    return subset.group == group and subset.source is not None and subset.against is None


def _settled(subsets: Sequence[Subset], before: Mapping[str, float]) -> list[Subset]:
    """With the fractions that they had before, to the last bit, where these are the same but for rounding."""
    return [
        subset.model_copy(update={"fraction": before[subset.name]})
        if math.isclose(subset.fraction, before.get(subset.name, -1.0), abs_tol=1e-12)
        else subset
        for subset in subsets
    ]


class SplitSpec(Spec):
    """How aliases are dealt to subsets.

    Parameters
    ----------
    aliases_per_entity
        How many aliases stand for each entity.
    shared_entities
        An entity may be named in several subsets, by different aliases (the paper's set inclusion); otherwise every
        entity, with all its aliases, belongs to one subset (the paper's text experiments).
    trained_questions
        How many of an alias's questions are trained on in subsets that have questions; the others are kept for
        validation, chosen for each alias.
    definitions_per_alias
        How many documents say of an alias what it stands for, in as many texts of its source as there are.
    latin_square
        Each source in turn defines an alias, over as many seeds as there are sources.
    """

    aliases_per_entity: int = Field(default=1, ge=1)
    shared_entities: bool = False
    trained_questions: int = Field(ge=1)
    definitions_per_alias: int = Field(default=1, ge=1)
    latin_square: bool = False

    def items(self, entities: int) -> int:
        """How many things are dealt to subsets: all aliases where entities are shared, else the entities.

        Parameters
        ----------
        entities
            How many entities there are.

        Returns
        -------
        int
            The number that fractions of subsets are shares of.
        """
        return entities * self.aliases_per_entity if self.shared_entities else entities
