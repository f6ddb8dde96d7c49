import math

import numpy as np
import pytest
import torch

from sayso.core.spec import explain
from sayso.core.training import Sampling, TrainSpec
from sayso.data.build import build_corpus
from sayso.learners.grids.learner import build
from sayso.learners.grids.networks import ConvNeXt, Linear, convnet, mlp
from sayso.learners.grids.specs import ConvNeXtV2, GridMLP
from sayso.paper.pocket_settings import POCKET_DIGITS

TINY = {"depths": ConvNeXtV2().depths, "hidden_sizes": ConvNeXtV2().hidden_sizes}


def parameters(network: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in network.parameters())


@pytest.mark.parametrize("shape", [(32, 30), (92, 90), (7, 5)])
def test_every_network_gives_what_is_asked_for_of_any_picture(shape):
    for network in (
        mlp(shape, 12, width=8, depth=2),
        convnet(shape, 12, width=2, hidden=8),
        ConvNeXt(shape, 12, depths=(1, 1), hidden_sizes=(4, 8)),
    ):
        assert network(torch.zeros(3, *shape)).shape == (3, 12)


@pytest.mark.parametrize("shape", [(32, 30), (92, 90)])
def test_no_pixel_is_lost_on_the_way_through_convnext(shape):
    """The strides of a network without padding drop what is left over at the right and below, and frames with it."""
    torch.manual_seed(0)
    network = ConvNeXt(shape, 12, depths=(1, 1, 1, 1), hidden_sizes=(4, 4, 4, 4))
    for norm in (tensor for name, tensor in network.named_parameters() if name.endswith("grn.weight")):
        torch.nn.init.ones_(norm)
    pixels = torch.zeros(1, *shape, requires_grad=True)
    network(pixels).square().sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad != 0).all()


@pytest.mark.parametrize(("shape", "bias"), [((5, 4), True), ((5, 4), False), ((2, 5, 4), True), ((4,), True)])
def test_a_linear_layer_and_its_gradients_are_torchs(shape, bias):
    ours = Linear(4, 3, bias=bias)
    theirs = torch.nn.Linear(4, 3, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    inputs = [torch.linspace(-1, 1, math.prod(shape)).view(shape).requires_grad_() for _ in range(2)]
    for layer, given in zip((ours, theirs), inputs, strict=True):
        layer(given).square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad)


def test_convnext_v2_tiny_has_its_published_size():
    """28.6 million with its 1,000 classes; ours says one of nine things of each of nine cells."""
    assert parameters(ConvNeXt((92, 90), 1000, **TINY)) / 1e6 == pytest.approx(28.6, abs=0.05)
    assert parameters(ConvNeXt((92, 90), 81, **TINY)) / 1e6 == pytest.approx(27.9, abs=0.05)


def test_sizes_that_do_not_fit_together_are_one_line():
    with pytest.raises(ValueError, match="1 depths for 2 hidden_sizes") as caught:
        ConvNeXtV2(depths=(1,), hidden_sizes=(8, 16))
    assert "\n" not in explain(caught.value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be at least 1"):
        ConvNeXtV2(depths=(0,), hidden_sizes=(8,))
    assert ConvNeXtV2.model_validate(ConvNeXtV2().model_dump(mode="json")) == ConvNeXtV2()
    with pytest.raises(ValueError, match="did you mean 'width'"):
        GridMLP.model_validate({"widht": 3})


def test_convnext_v2_tiny_takes_a_training_step(one_thread):
    experiment = POCKET_DIGITS.with_settings({"knowledge.entities": 12})
    corpus = build_corpus(experiment, 0)
    learner = build([corpus], ConvNeXtV2())
    documents = [corpus.documents(("X1", "X2"))]
    train = TrainSpec(optimizer="adamw", learning_rate=3e-4, batch_size=2, sampling=Sampling(steps_per_epoch=1))
    before = {name: tensor.detach().clone() for name, tensor in learner.parameters.items()}
    losses: list[float] = []
    learner.fit(documents, train, stage="joint", epochs=1, on_epoch=lambda _, loss: losses.append(float(loss[0])))
    assert losses[0] == pytest.approx(math.log(9), abs=1.0)
    moved = {name for name, tensor in learner.parameters.items() if not torch.equal(tensor.detach(), before[name])}
    assert len(moved) > 0.9 * len(before)
    (scores,) = learner.scores([documents[0][:3]])
    assert np.isfinite(scores.loss).all()
