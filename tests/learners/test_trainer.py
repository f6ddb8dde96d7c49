"""The loop that all learners share, on a model of a few numbers."""

import math
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import Lengths, StepDone
from sayso.core.training import TrainSpec
from sayso.learners import updates
from sayso.learners.memory import Fitting, slices
from sayso.learners.optim import Adafactor, clip_gradients
from sayso.learners.order import Step
from sayso.learners.trainer import Encoded, TrainedLearner

DOCUMENT = Example("x", " y", ("y",), "question", "QA3", "a", "e")
TRAIN = TrainSpec(batch_size=4, learning_rate=1e-2)
CPU = torch.device("cpu")


class Sums(TrainedLearner):
    """Learns to bring a sum for each document to 1; `spoil` may change a loss."""

    def __init__(self, seeds: Sequence[int] = (5, 6), *, stacked: bool = True) -> None:
        shape = (len(seeds),) if stacked else ()
        made = torch.Generator().manual_seed(0)
        parameters = {
            "matrix": torch.randn(*shape, 16, 3, generator=made).requires_grad_(),
            "vector": torch.randn(*shape, 3, generator=made).requires_grad_(),
        }
        fitting = Fitting(None, "training", "a smaller model")
        super().__init__(seeds, parameters, embedding=None, device=CPU, fitting=fitting, stacked=stacked)
        self.spoil: Callable[[Step, Tensor], Tensor] = lambda _, loss: loss
        self.computed: list[int] = []

    def encoded(
        self, documents: Sequence[Sequence[Example]], replay: Sequence[Sequence[Example]], train: TrainSpec
    ) -> Encoded:
        def pieces(step: Step, most: int | None) -> Generator[Tensor, None, None]:
            matrix = self.parameters["matrix"].view(self.replicas, 16, 3)
            vector = self.parameters["vector"].view(self.replicas, 1, 3)
            for part in slices(step.rows, most):
                rows = torch.as_tensor(np.concatenate([step.chosen, 12 + step.repeated], axis=1)[:, part])
                self.computed.append(rows.shape[1])
                found = (matrix.gather(1, rows[..., None].expand(-1, -1, 3)) * vector).sum(2)
                yield self.spoil(step, (found - 1).square().sum(1) / step.rows)

        sizes = [np.repeat([1, 100], [len(own), len(again)]) for own, again in zip(documents, replay, strict=True)]
        return Encoded(pieces, [Lengths(size, size) for size in sizes])


def fitted(learner: Sums, train: TrainSpec = TRAIN, **more: Any) -> list[list[float]]:
    heard: list[list[float]] = []
    options = {"stage": "s", "epochs": 3, "on_epoch": lambda _, loss: heard.append(loss.tolist()), **more}
    learner.fit([[DOCUMENT] * 12] * learner.replicas, train, **options)
    return heard


def assert_same(one: Sums, other: Sums) -> None:
    for name, tensor in one.parameters.items():
        assert torch.equal(tensor, other.parameters[name]), name


def test_each_epoch_ends_with_the_mean_loss_of_each_replica():
    learner = Sums()
    seen: list[np.ndarray] = []
    learner.spoil = lambda _, loss: seen.append(loss.detach().numpy().copy()) or loss  # type: ignore[func-returns-value]
    heard = fitted(learner)
    assert len(heard) == 3
    for epoch, loss in enumerate(heard):
        np.testing.assert_allclose(loss, np.mean(seen[3 * epoch : 3 * epoch + 3], axis=0), rtol=1e-6)
    assert heard[2] < heard[0]


def test_each_step_is_told_of_with_the_tokens_it_was_on():
    heard: list[StepDone] = []
    fitted(Sums(), on_step=heard.append, replay=[[DOCUMENT] * 4] * 2, replay_share=0.5)
    assert [(done.number, done.steps) for done in heard] == [(1, 3), (2, 3), (3, 3)] * 3
    assert {done.tokens for done in heard} == {2 * (4 * 1 + 2 * 100)}  # two replicas, four documents and two replayed
    fitted(Sums(), on_step=heard.append, start_epoch=0, epochs=1)
    assert [done.tokens for done in heard[-3:]] == [8, 8, 8]


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_going_on_after_a_stop_is_exactly_training_without_one(optimizer, tmp_path):
    train = TRAIN.model_copy(update={"optimizer": optimizer, "weight_decay": 0.1, "warmup_steps": 2})
    options: dict[str, Any] = {"replay": [[DOCUMENT] * 4] * 2, "replay_share": 0.5}
    whole, stopped, again = Sums(), Sums(), Sums()
    losses = fitted(whole, train, **options)
    fitted(stopped, train, on_epoch=lambda epoch, _: stopped.save(tmp_path / str(epoch)), **options)
    again.load(tmp_path / "1")
    assert fitted(again, train, start_epoch=1, **options) == losses[1:]
    assert_same(again, whole)


def test_a_state_that_was_loaded_can_be_saved_again_before_it_is_gone_on_with(tmp_path):
    whole, copied, again = Sums(), Sums(), Sums()
    fitted(whole, on_epoch=lambda epoch, _: whole.save(tmp_path / str(epoch)))
    copied.load(tmp_path / "1")
    copied.save(tmp_path / "copy").result()
    again.load(tmp_path / "copy")
    fitted(again, start_epoch=1)
    assert_same(again, whole)


def test_weights_alone_are_no_state_to_go_on_from(tmp_path):
    whole, other = Sums(), Sums()
    fitted(whole)
    whole.fitting.rows = 3
    whole.save_weights(tmp_path / "weights").result()
    other.load(tmp_path / "weights")
    assert_same(whole, other)
    assert other.fitting.rows is None
    with pytest.raises(ValueError, match="load"):
        fitted(other, start_epoch=1)


def test_what_fitted_into_memory_is_remembered(tmp_path):
    one, other = Sums(), Sums()
    one.fitting.rows = 3
    one.save(tmp_path / "state")
    other.load(tmp_path / "state")
    assert other.fitting.rows == 3


def test_a_stage_can_be_trained_step_by_step():
    whole, stepped = Sums(), Sums()
    losses = fitted(whole)
    training = stepped.training([[DOCUMENT] * 12] * 2, TRAIN, stage="s", epochs=3)
    found = [np.mean([training.update(step) for step in training.order.epoch(at)], axis=0) for at in range(3)]
    np.testing.assert_array_equal(found, losses)
    assert_same(whole, stepped)


def stepped_late(learner: Sums, epochs: int = 3) -> list[Any]:
    """Mean losses of epochs whose steps' losses are read one step late, as on a GPU."""
    training = learner.training([[DOCUMENT] * 12] * 2, TRAIN, stage="s", epochs=epochs)
    training.late = True
    found = []
    for epoch in range(epochs):
        steps = [training.update(step) for step in training.order.epoch(epoch)]
        assert not steps[0].any()
        found.append((np.sum(steps, axis=0) + training.settle()) / len(steps))
        assert not training.settle().any()
    return found


def test_losses_that_are_read_late_are_the_same_ones():
    whole, late = Sums(), Sums()
    np.testing.assert_allclose(stepped_late(late), fitted(whole), rtol=1e-12)
    assert_same(whole, late)


@pytest.mark.parametrize("number", [4, 8])
def test_a_loss_that_is_not_finite_and_read_late_is_told_of_by_its_own_step(number):
    learner = Sums()
    taken: list[int] = []

    def spoil(step: Step, loss: Tensor) -> Tensor:
        taken.append(step.number)
        return loss * math.nan if step.number == number else loss

    learner.spoil = spoil
    with pytest.raises(SaysoError, match=f"loss of seed 5, 6 not finite in stage s, epoch .*, step {number + 1} of 9"):
        stepped_late(learner)
    assert max(taken) <= min(number + 1, 8)


# --- what is not finite


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_a_loss_that_is_not_finite_ends_training_and_changes_nothing(value, optimizer):
    learner, before = Sums(), Sums()
    train = TRAIN.model_copy(update={"optimizer": optimizer})
    weights: list[Tensor] = []

    def spoil(step: Step, loss: Tensor) -> Tensor:
        if step.number == 4:
            weights.extend(tensor.detach().clone() for tensor in learner.parameters.values())
            return loss * torch.tensor([1.0, value])
        return loss

    learner.spoil = spoil
    heard: list[int] = []
    with pytest.raises(SaysoError) as caught:
        fitted(learner, train, stage="stage2-1", on_epoch=lambda epoch, _: heard.append(epoch))
    assert str(caught.value).startswith(
        "loss of seed 6 not finite in stage stage2-1, epoch 2, step 5 of 9, at a learning rate of 0.00556"
    )
    assert "\n" not in str(caught.value)
    assert heard == [1]
    for tensor, kept in zip(learner.parameters.values(), weights, strict=True):
        assert torch.equal(tensor, kept)
    with pytest.raises(AssertionError):
        assert_same(learner, before)


def test_weights_that_are_not_finite_after_an_epochs_last_step_are_handed_to_nobody():
    """Its loss was finite; only the gradient was not."""
    learner = Sums((5, 6, 7))

    class Breaks(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, loss: Tensor) -> Tensor:
            return loss.clone()

        @staticmethod
        def backward(_: Any, gradient: Tensor) -> Tensor:
            return gradient * torch.tensor([1.0, math.inf, math.nan])

    learner.spoil = lambda step, loss: Breaks.apply(loss) if step.number == 5 else loss  # type: ignore[no-untyped-call]
    heard: list[int] = []
    with pytest.raises(SaysoError, match=r"^weights of seed 6, 7 not finite in stage s, epoch 2, step 6 of 9"):
        fitted(learner, on_epoch=lambda epoch, _: heard.append(epoch))
    assert heard == [1]


# --- memory


def raising(whole: Callable[..., Any], when: set[int]) -> Callable[..., Any]:
    """The same function, but memory runs out at some of its calls."""
    calls = iter(range(10_000))

    def limited(*given: Any, **named: Any) -> Any:
        if next(calls) in when:
            raise torch.OutOfMemoryError("no memory left")
        return whole(*given, **named)

    return limited


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("place", ["backward", "clipping", "step"])
def test_where_memory_runs_out_the_update_stays(place, stacked, monkeypatch):
    seeds = (5, 6) if stacked else (5,)
    roomy, full = Sums(seeds, stacked=stacked), Sums(seeds, stacked=stacked)
    expected = fitted(roomy)
    with monkeypatch.context() as patch:
        if place == "backward":
            patch.setattr(torch.autograd, "backward", raising(torch.autograd.backward, {3, 4}))
        elif place == "clipping":
            limited = raising(clip_gradients, {0, 3, 5})
            patch.setattr(updates, "clip_gradients", limited)
        else:
            patch.setattr(Adafactor, "_rms", raising(Adafactor._rms, {1, 3, 8}))
        found = fitted(full)
    if place == "backward":
        assert full.fitting.rows == 1
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        for name, tensor in full.parameters.items():
            torch.testing.assert_close(tensor, roomy.parameters[name], rtol=1e-5, atol=1e-6)
    else:
        assert full.fitting.rows is None
        assert found == expected
        assert_same(full, roomy)


def test_everything_is_computed_at_once_while_it_fits():
    learner = Sums()
    fitted(learner)
    assert learner.computed == [4] * 9


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_where_the_optimizer_does_not_fit_it_is_one_line(optimizer, monkeypatch):
    learner = Sums()
    train = TRAIN.model_copy(update={"optimizer": optimizer})
    kind = Adafactor if optimizer == "adafactor" else torch.optim.AdamW
    monkeypatch.setattr(kind, "step", raising(kind.step, {*range(2, 100)}))
    heard: list[int] = []
    with pytest.raises(SaysoError, match=r"^out of memory in the optimizer's step; try optimizer adafactor instead of"):
        fitted(learner, train, on_epoch=lambda epoch, _: heard.append(epoch))
    assert heard == []


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_its_state_is_made_before_the_first_step(optimizer, monkeypatch):
    learner = Sums()
    train = TRAIN.model_copy(update={"optimizer": optimizer})
    monkeypatch.setattr(torch, "zeros_like", raising(torch.zeros_like, {1}))
    with pytest.raises(SaysoError, match="out of memory in the optimizer's step"):
        fitted(learner, train)
    assert learner.computed == []


def test_checkpoints_hold_no_temporary_state(tmp_path: Path):
    learner = Sums()
    fitted(learner, on_epoch=lambda epoch, _: learner.save(tmp_path / str(epoch)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]
    assert all(tensor.grad is None for tensor in learner.parameters.values())
