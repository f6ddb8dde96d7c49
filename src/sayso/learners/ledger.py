"""What each subset contributes to a stage: documents, tokens, and its share of the loss.

All of it follows from the documents, how long they are to the model, and the order of the stage; nothing is counted
while training. Every learner steps on the mean over all counted tokens of a batch, whatever document they are of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sayso.core.corpus import Corpus
from sayso.core.learner import Lengths
from sayso.core.ledger import Contribution
from sayso.core.legs import Leg
from sayso.core.training import TrainSpec
from sayso.learners.order import Order, order_of

#: A row of the ledger: part of the corpus, subset, kind of document.
Group = tuple[str, str, str]


def contributions(
    corpora: Sequence[Corpus], leg: Leg, train: TrainSpec, lengths: Sequence[Lengths]
) -> list[Contribution]:
    """What each subset and kind of document contributes to a leg, from its first epoch to its last, of every seed.

    Parameters
    ----------
    corpora
        All documents, a corpus for each replica.
    leg, train
        What is trained, and the settings of its stage.
    lengths
        How long each replica's documents are to it, replayed ones after the others (`Learner.lengths`).
    """
    stage = leg.stage
    documents = [corpus.documents(stage.documents) for corpus in corpora]
    replay = [corpus.documents(stage.replay_from) if stage.replay else () for corpus in corpora]
    if not stage.epochs:
        return []
    order = order_of(
        [corpus.seed for corpus in corpora],
        documents,
        train,
        stage=leg.label,
        epochs=stage.epochs,
        replay=replay,
        replay_share=stage.replay,
    )
    parts = (*stage.documents, *(stage.replay_from if stage.replay else ()))
    groups = [_groups(corpus, parts) for corpus in corpora]
    names = [list(dict.fromkeys(own)) for own in groups]
    index = [np.array([known.index(each) for each in own]) for known, own in zip(names, groups, strict=True)]
    sums = _sums(order, len(documents[0]), index, lengths)
    return [
        Contribution(
            seed=corpus.seed,
            stage=stage.name,
            stage2_seed=leg.stage2_seed,
            part=part,
            subset=subset,
            kind=kind,
            documents=round(seen),
            tokens=round(tokens),
            counted=round(counted),
            share=round(share / (order.steps * stage.epochs), 6),
            place=round(place / seen, 6),
        )
        for corpus, known, own in zip(corpora, names, sums, strict=True)
        for (part, subset, kind), (seen, tokens, counted, share, place) in zip(known, own.tolist(), strict=True)
        if seen
    ]


def _groups(corpus: Corpus, parts: Sequence[str]) -> list[Group]:
    return [(part, item.subset, item.kind) for part in parts for item in corpus.documents((part,))]


def _sums(
    order: Order, count: int, groups: Sequence[NDArray[np.int64]], lengths: Sequence[Lengths]
) -> list[NDArray[np.float64]]:
    """Sums over all documents seen, of every replica, shape (groups, 5).

    They are of 1, tokens, counted tokens, shares of the loss of a batch, and places in an epoch. Replayed documents
    have rows from `count` on.
    """
    sums = [np.zeros((own.max() + 1, 5)) for own in groups]
    for epoch in range(order.epochs):
        steps = list(order.epoch(epoch))
        seen = np.concatenate([np.concatenate([step.chosen, count + step.repeated], axis=1) for step in steps], axis=1)
        step_of = np.repeat(np.arange(len(steps)), [step.rows for step in steps])
        for rows, group, own, total in zip(seen, groups, lengths, sums, strict=True):
            counted = own.counted[rows]
            weight = counted / np.bincount(step_of, counted)[step_of]
            place = (step_of + 0.5) / len(steps)
            for column, values in enumerate((np.ones(len(rows)), own.tokens[rows], counted, weight, place)):
                total[:, column] += np.bincount(group[rows], values, len(total))
    return sums
