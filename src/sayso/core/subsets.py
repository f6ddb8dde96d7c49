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
from typing import Literal

from pydantic import Field, field_validator, model_validator

from sayso.core.errors import nearest
from sayso.core.spec import Spec

Group = Literal["X1", "X2"]

RELIABLE, UNRELIABLE, NEW = "reliable", "unreliable", "new"


class Source(Spec):
    """A source of definitions, marked by a define tag.

    `text` is what stands in its definitions: a word or a phrase, or a list of them, of which each definition draws one.
    None draws a fresh random tag for every seed, so that nothing but training can tell the sources apart. `same_as`:
    the source whose texts, or tag, this one has too, so that nothing at all can tell the two apart.
    """

    name: str
    text: str | tuple[str, ...] | None = None
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

    `source` None: never defined. `consistent`: the definition names the entity the questions are about. `has_qa`:
    questions are trained on (all but the held-out ones). `aliased` False: asked about under the entity's own name.
    `fraction`: share of all aliases (of all entities, where entities are not shared).
    """

    name: str
    group: Group
    source: str | None = None
    consistent: bool = True
    has_qa: bool = False
    aliased: bool = True
    fraction: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Subset:
        if self.source is not None and not self.aliased:
            raise ValueError(f"subset {self.name} is asked about under its own name, so it cannot be defined")
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


#: Which subset takes the aliases about which a source is not as it usually is.
_SWAPPED = {"D1cons_QA1": "D9incons_QA9", "D2incons_QA2": "D10cons_QA10"}


def with_fractions(subsets: tuple[Subset, ...], **fractions: float) -> tuple[Subset, ...]:
    """Return the same subsets with other fractions, given by subset name.

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
    """Make the tags of X1 agree with consistency only for a share `alpha` of the aliases (section 3.3, figure 4a).

    D9incons_QA9 takes 1 - alpha of the reliable source's aliases and D10cons_QA10 1 - alpha of the unreliable one's.
    At alpha = 1 these two are empty and left out; at 0.5 a tag says nothing about consistency. Subsets that are split
    already are split anew; those that agree with alpha are returned as they are.

    Raises
    ------
    ValueError
        If alpha is not between 0.5 and 1, or D1cons_QA1 or D2incons_QA2 is missing.
    """
    if not 0.5 <= alpha <= 1:
        raise ValueError(f"reliability must be between 0.5 and 1, found {alpha}")
    result: list[Subset] = []
    fractions = {subset.name: subset.fraction for subset in subsets}
    for name in _SWAPPED:
        if name not in fractions:
            raise ValueError(f"reliability needs the subset {name}{nearest(name, fractions)}")
    for subset in subsets:
        if subset.name in _SWAPPED.values():
            continue
        if subset.name not in _SWAPPED:
            result.append(subset)
            continue
        other = _SWAPPED[subset.name]
        whole = subset.fraction + fractions.get(other, 0.0)
        shares = (whole * alpha, whole - whole * alpha)
        if math.isclose(subset.fraction, shares[0], abs_tol=1e-12):  # nothing changes, to the last bit
            shares = (subset.fraction, fractions.get(other, 0.0))
        result.append(subset.model_copy(update={"fraction": shares[0]}))
        if alpha < 1:
            changes = {"name": other, "consistent": not subset.consistent, "fraction": shares[1]}
            result.append(subset.model_copy(update=changes))
    return tuple(result)


class SplitSpec(Spec):
    """How aliases are dealt to subsets.

    `aliases_per_entity`: how many aliases stand for each entity. `shared_entities`: an entity may be named in several
    subsets, by different aliases (the paper's set inclusion); otherwise every entity, with all its aliases, belongs to
    one subset (the paper's text experiments). `trained_questions`: how many of an alias's questions are trained on in
    subsets that have questions; the others are kept for validation, chosen for each alias. `definitions_per_alias`: how
    many documents say of an alias what it stands for, in as many texts of its source as there are. `latin_square`: each
    source in turn defines an alias, over as many seeds as there are sources (`sayso.core.squares`).
    """

    aliases_per_entity: int = Field(default=1, ge=1)
    shared_entities: bool = False
    trained_questions: int = Field(ge=1)
    definitions_per_alias: int = Field(default=1, ge=1)
    latin_square: bool = False

    def items(self, entities: int) -> int:
        """What is dealt to subsets: all aliases of so many entities where entities are shared, else the entities."""
        return entities * self.aliases_per_entity if self.shared_entities else entities
