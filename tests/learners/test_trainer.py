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
from sayso.learners.trainer import learning_rate, run_epochs, sampling_probabilities

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


class Recorder:
    """An update that learns nothing and remembers what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[np.ndarray, np.ndarray, float]] = []

    def __call__(self, chosen: np.ndarray, repeated: np.ndarray, rate: float) -> np.ndarray:
        self.calls.append((chosen.copy(), repeated.copy(), rate))
        return np.arange(len(chosen), dtype=float) + len(self.calls)


def run(recorder: Recorder, **changed: Any) -> Recorder:
    given: dict[str, Any] = {
        "seeds": (5, 6),
        "documents": 23,
        "replayed": 7,
        "replay": 0.5,
        "train": TrainSpec(batch_size=4, learning_rate=0.5),
        "stage": "stage1",
        "epochs": 3,
        "start_epoch": 0,
        "on_epoch": None,
    }
    run_epochs(recorder, **{**given, **changed})
    return recorder


def orders(calls: list[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """Documents in the order in which each replica saw them, shape (replicas, documents)."""
    return np.concatenate([chosen for chosen, _, _ in calls], axis=1)


@given(st.integers(1, 60), st.integers(1, 70), st.integers(1, 3))
def test_every_document_is_visited_once_an_epoch(documents, batch_size, epochs):
    train = TrainSpec(batch_size=batch_size)
    calls = run(Recorder(), documents=documents, train=train, epochs=epochs).calls
    steps = -(-documents // batch_size)
    assert len(calls) == steps * epochs
    for epoch in range(epochs):
        own = orders(calls[epoch * steps : (epoch + 1) * steps])
        assert all(sorted(row.tolist()) == list(range(documents)) for row in own)
    assert all(chosen.shape[1] <= batch_size for chosen, _, _ in calls)


def test_orders_differ_by_seed_epoch_and_stage():
    calls = run(Recorder()).calls
    found = [tuple(row) for epoch in range(3) for row in orders(calls[epoch * 6 : epoch * 6 + 6]).tolist()]
    found += [tuple(row) for row in orders(run(Recorder(), stage="stage2", epochs=1).calls).tolist()]
    assert len(set(found)) == len(found) == 8


def test_what_a_seed_sees_does_not_depend_on_the_seeds_beside_it():
    together, alone = run(Recorder(), seeds=(9, 5, 7)).calls, run(Recorder(), seeds=(5,)).calls
    for (chosen, repeated, rate), (own, own_repeated, own_rate) in zip(together, alone, strict=True):
        assert np.array_equal(chosen[1:2], own)
        assert np.array_equal(repeated[1:2], own_repeated)
        assert rate == own_rate


@pytest.mark.parametrize("start", [1, 2])
def test_starting_later_goes_on_exactly_as_without_a_stop(start):
    whole, rest = run(Recorder()).calls, run(Recorder(), start_epoch=start).calls
    for one, other in zip(whole[6 * start :], rest, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])
        assert one[2] == other[2]


def test_nothing_is_left_to_do_after_the_last_epoch():
    assert run(Recorder(), start_epoch=3).calls == []
    assert run(Recorder(), epochs=0).calls == []


def test_replay_is_a_share_of_each_batch_drawn_anew():
    calls = run(Recorder()).calls
    assert [repeated.shape[1] for _, repeated, _ in calls] == [2, 2, 2, 2, 2, 2] * 3  # half of 4, and of the last 3
    drawn = np.concatenate([repeated for _, repeated, _ in calls], axis=1)
    assert set(np.unique(drawn)) <= set(range(7))
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[:, :12], drawn[:, 12:24])


def test_without_replay_nothing_is_repeated():
    assert all(repeated.shape == (2, 0) for _, repeated, _ in run(Recorder(), replay=0.0).calls)


def test_each_epoch_ends_with_the_mean_loss_of_each_replica():
    heard: list[tuple[int, list[float]]] = []
    run(Recorder(), on_epoch=lambda epoch, loss: heard.append((epoch, loss.tolist())))
    assert heard == [(1, [3.5, 4.5]), (2, [9.5, 10.5]), (3, [15.5, 16.5])]


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
    recorder = run(Recorder(), train=train, documents=3, probabilities=[p, p[::-1]], replay=0.0, replayed=0)
    assert len(recorder.calls) == 3 * 40
    drawn = np.concatenate([chosen for chosen, _, _ in recorder.calls], axis=1)
    assert drawn.shape == (2, 3 * 40 * 50)
    for own, expected in zip(drawn, (p, p[::-1]), strict=True):
        assert np.bincount(own, minlength=3) / own.size == pytest.approx(expected, abs=0.03)
    again = run(Recorder(), train=train, documents=3, probabilities=[p, p[::-1]], start_epoch=2, replay=0.0, replayed=0)
    assert all((one[0] == other[0]).all() for one, other in zip(again.calls, recorder.calls[80:], strict=True))
