"""All documents of one seed: what is trained on, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sayso.core.examples import Assignment, Example
from sayso.core.pictures import Pictures


@dataclass(frozen=True, slots=True)
class EvalSet:
    """Examples that are scored together.

    Parameters
    ----------
    name
        As in records: ``validation``, ``entity_attribution.who``, ...
    subset
        The subset they are about.
    examples
        The examples.
    """

    name: str
    subset: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """All text of one seed: training documents, evaluation sets, and the tokens.

    Parameters
    ----------
    seed
        The seed.
    train
        Training documents by part: ``world``, ``X1``, ``X2``.
    eval_sets
        What is asked.
    tokens
        The vocabulary for word-level tokenizers, each with its leading space where it has one. Its length depends on
        the experiment alone, never on the seed, so replicas of different seeds have models of one shape.
    pictures
        How the documents look, where they are to be seen rather than read.
    entities
        The names of all entities.
    assignments
        What was decided about each alias.
    """

    seed: int
    train: Mapping[str, tuple[Example, ...]]
    eval_sets: tuple[EvalSet, ...]
    tokens: tuple[str, ...] = ()
    pictures: Pictures | None = None
    entities: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()

    def documents(self, parts: Sequence[str]) -> tuple[Example, ...]:
        """Training documents of the named parts, in a fixed order (training shuffles them).

        Parameters
        ----------
        parts
            ``X1`` and the like; ``X2/blog`` are the definitions in X2 by the source ``blog``, ``X1/QA3`` the documents
            of the subset QA3. What several names take in is there several times.

        Returns
        -------
        tuple[Example, ...]
            The documents.
        """
        return tuple(example for named in parts for example in self._named(named))

    def _named(self, named: str) -> Iterator[Example]:
        part, *names = named.split("/")
        return (each for each in self.train[part] if all(name in (each.subset, each.source) for name in names))


class CorpusOf(Protocol):
    """What makes a corpus again: of a cell by its name, a seed and a stage-2 seed.

    Without what is `asked` it has the documents that are trained on, and what was decided about aliases.
    """

    def __call__(self, cell: str, seed: int, stage2_seed: int, *, asked: bool) -> Corpus: ...  # noqa: D102
