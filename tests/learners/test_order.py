from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    get_constant_schedule,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

from sayso.core.examples import Example
from sayso.core.training import Sampling, TrainSpec
from sayso.learners.order import (
    Order,
    Step,
    learning_rate,
    order_of,
    sampling_probabilities,
    what_is_said,
    with_repetitions,
)

STEPS = 20


def rates_of(scheduler: Any, optimizer: torch.optim.Optimizer) -> list[float]:
    """The learning rate of each step as transformers' scheduler sets it."""
    result = []
    for _ in range(STEPS):
        result.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return result


def sgd() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)


@pytest.mark.parametrize("warmup", [0, 1, 5, 19])
def test_the_linear_schedule_is_transformers_after_the_warmup(warmup):
    optimizer = sgd()
    theirs = rates_of(get_linear_schedule_with_warmup(optimizer, warmup, STEPS), optimizer)
    train = TrainSpec(learning_rate=0.5, warmup_steps=warmup)
    mine = [learning_rate(train, step, STEPS) for step in range(STEPS)]
    assert mine[warmup:] == pytest.approx(theirs[warmup:])
    # Transformers takes its first step at 0, which trains on nothing. Here the rise is of equal steps, the first not 0.
    rise = np.diff([0.0, *mine[: warmup + 1]])
    assert rise == pytest.approx(np.full(warmup + 1, 0.5 / (warmup + 1)))


@pytest.mark.parametrize("warmup", [0, 1, 5, 19])
def test_the_cosine_schedule_is_transformers_after_the_warmup(warmup):
    optimizer = sgd()
    theirs = rates_of(get_cosine_schedule_with_warmup(optimizer, warmup, STEPS), optimizer)
    train = TrainSpec(learning_rate=0.5, warmup_steps=warmup, schedule="cosine")
    assert [learning_rate(train, step, STEPS) for step in range(warmup, STEPS)] == pytest.approx(theirs[warmup:])


def test_the_constant_schedule_is_transformers():
    optimizer = sgd()
    theirs = rates_of(get_constant_schedule(optimizer), optimizer)
    train = TrainSpec(learning_rate=0.5, schedule="constant")
    assert [learning_rate(train, step, STEPS) for step in range(STEPS)] == pytest.approx(theirs)


@given(st.integers(1, 60), st.integers(0, 80), st.sampled_from(["linear", "cosine", "constant"]))
def test_a_learning_rate_is_positive_and_never_more_than_asked(steps, warmup, schedule):
    train = TrainSpec(learning_rate=0.5, warmup_steps=warmup, schedule=schedule)
    rates = [learning_rate(train, step, steps) for step in range(steps)]
    assert all(0 < rate <= 0.5 for rate in rates)
    peak = int(np.argmax(rates))
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def steps_of(start_epoch: int = 0, **changed: Any) -> list[Step]:
    """All steps of a stage, or those that are left after some epochs."""
    given: dict[str, Any] = {
        "seeds": (5, 6),
        "documents": 23,
        "replayed": 7,
        "replay": 0.5,
        "train": TrainSpec(batch_size=4, learning_rate=0.5),
        "stage": "stage1",
        "epochs": 3,
    }
    order = Order(**{**given, **changed})
    return [step for epoch in range(start_epoch, order.epochs) for step in order.epoch(epoch)]


def orders(steps: list[Step]) -> np.ndarray:
    """Documents in the order in which each replica saw them, shape (replicas, documents)."""
    return np.concatenate([step.chosen for step in steps], axis=1)


@given(st.integers(1, 60), st.integers(1, 70), st.integers(1, 3))
def test_every_document_is_visited_once_an_epoch(documents, batch_size, epochs):
    train = TrainSpec(batch_size=batch_size)
    found = steps_of(documents=documents, train=train, epochs=epochs)
    count = -(-documents // batch_size)
    assert len(found) == count * epochs
    for epoch in range(epochs):
        own = orders(found[epoch * count : (epoch + 1) * count])
        assert all(sorted(row.tolist()) == list(range(documents)) for row in own)
    assert all(step.chosen.shape[1] <= batch_size for step in found)


def test_steps_know_where_they_stand():
    found = steps_of(stage="stage2-1")
    assert [step.number for step in found] == list(range(18))
    assert [step.epoch for step in found] == [1] * 6 + [2] * 6 + [3] * 6
    assert {(step.stage, step.steps) for step in found} == {("stage2-1", 18)}
    assert [step.learning_rate for step in found] == [0.5 * (18 - number) / 18 for number in range(18)]
    assert [step.rows for step in found[:6]] == [6, 6, 6, 6, 6, 5]


def test_orders_differ_by_seed_epoch_and_stage():
    steps = steps_of()
    found = [tuple(row) for epoch in range(3) for row in orders(steps[epoch * 6 : epoch * 6 + 6]).tolist()]
    found += [tuple(row) for row in orders(steps_of(stage="stage2", epochs=1)).tolist()]
    assert len(set(found)) == len(found) == 8


def test_what_a_seed_sees_does_not_depend_on_the_seeds_beside_it():
    for one, own in zip(steps_of(seeds=(9, 5, 7)), steps_of(seeds=(5,)), strict=True):
        assert np.array_equal(one.chosen[1:2], own.chosen)
        assert np.array_equal(one.repeated[1:2], own.repeated)
        assert one.learning_rate == own.learning_rate


@pytest.mark.parametrize("start", [1, 2])
def test_starting_later_goes_on_exactly_as_without_a_stop(start):
    for one, other in zip(steps_of()[6 * start :], steps_of(start), strict=True):
        assert np.array_equal(one.chosen, other.chosen)
        assert np.array_equal(one.repeated, other.repeated)
        assert (one.number, one.learning_rate) == (other.number, other.learning_rate)


def test_nothing_is_left_to_do_after_the_last_epoch():
    assert steps_of(3) == []
    assert steps_of(epochs=0) == []


def test_replay_is_a_share_of_each_batch_drawn_anew():
    repeated = [step.repeated for step in steps_of()]
    assert [rows.shape[1] for rows in repeated] == [2, 2, 2, 2, 2, 2] * 3  # half of 4, and of the last 3
    drawn = np.concatenate(repeated, axis=1)
    assert set(np.unique(drawn)) <= set(range(7))
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[:, :12], drawn[:, 12:24])


def test_without_replay_nothing_is_repeated():
    assert all(step.repeated.shape == (2, 0) for step in steps_of(replay=0.0))


def documents_of(*groups: tuple[str, str, int]) -> list[Example]:
    return [
        Example("x", " y", ("y",), kind, subset, "a", "e")  # type: ignore[arg-type]
        for subset, kind, count in groups
        for _ in range(count)
    ]


def test_sampling_draws_subsets_alike_and_definitions_by_their_share():
    groups = (("D1", "definition", 3), ("D1", "question", 12), ("QA3", "question", 5), ("D5", "definition", 2))
    documents = documents_of(*groups)
    p = sampling_probabilities(documents, 0.1)
    share = {
        key: sum(float(p[i]) for i, d in enumerate(documents) if (d.subset, d.kind) == key)
        for key in {(d.subset, d.kind) for d in documents}
    }
    expected = [0.1 / 3, 0.9 / 3, 1 / 3, 1 / 3]
    assert share == pytest.approx(dict(zip([group[:2] for group in groups], expected, strict=True)))
    assert len(set(p[:3].round(12))) == 1


def test_with_sampling_an_epoch_is_a_number_of_full_batches_drawn_by_their_probabilities():
    train = TrainSpec(batch_size=50, sampling=Sampling(steps_per_epoch=40))
    p = np.array([0.0, 0.25, 0.75])
    given: dict[str, Any] = {"train": train, "documents": 3, "probabilities": [p, p[::-1]], "replay": 0.0}
    found = steps_of(**given)
    assert len(found) == 3 * 40
    drawn = orders(found)
    assert drawn.shape == (2, 3 * 40 * 50)
    for own, expected in zip(drawn, (p, p[::-1]), strict=True):
        assert np.bincount(own, minlength=3) / own.size == pytest.approx(expected, abs=0.03)
    again = steps_of(2, **given)
    assert all((one.chosen == other.chosen).all() for one, other in zip(again, found[80:], strict=True))


# --- what is said again


def definition(alias: str, source: str = "reliable") -> Example:
    return Example("tag", " entity", ("entity",), "definition", "D5cons", alias, "entity", source=source)


def test_definitions_repeat_each_other_where_alias_source_and_entity_are_the_same():
    question = Example("born ?", " 1", ("1",), "question", "QA3", "a", "entity")
    documents = [definition("a"), definition("b"), definition("a"), definition("a", "other"), question, question]
    assert what_is_said(documents).tolist() == [0, 1, 0, 2, 3, 4]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.integers(0, 1000))
def test_repetitions_stand_together_or_apart_and_each_document_once(counts, seed):
    said = np.repeat(np.arange(len(counts)), counts)
    said = np.random.default_rng(seed).permutation(said)
    together, spread = (with_repetitions(np.random.default_rng(seed), said, each) for each in (True, False))
    for order in (together, spread):
        assert sorted(order.tolist()) == list(range(len(said)))
    changes = (np.diff(said[together]) != 0).sum()
    assert changes == len(counts) - 1  # each thing in one run


def test_what_is_spread_is_said_once_before_it_is_said_again():
    said = np.repeat(np.arange(50), 4)
    order = said[with_repetitions(np.random.default_rng(0), said, together=False)]
    gaps = [np.diff(np.flatnonzero(order == each)) for each in range(50)]
    assert np.concatenate(gaps).min() >= 40  # of 50 in between
    assert not np.array_equal(order[:50], order[50:100]) or len(set(order[:50])) == 50


@pytest.mark.parametrize("way", ["together", "spread"])
def test_an_order_keeps_repetitions_where_they_are_to_be(way):
    documents = [[definition(f"a{at % 6}") for at in range(24)]] * 2
    train = TrainSpec(batch_size=4, repetitions=way)
    order = order_of((1, 2), documents, train, stage="s", epochs=2, replay=[[], []], replay_share=0.0)
    for epoch in range(2):
        seen = np.concatenate([step.chosen for step in order.epoch(epoch)], axis=1) % 6
        for row in seen:
            runs = 1 + (np.diff(row) != 0).sum()
            assert runs == 6 if way == "together" else runs > 18
    assert not np.array_equal(seen[0], seen[1])
