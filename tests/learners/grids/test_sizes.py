import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from sayso.core.corpus import Corpus
from sayso.learners.grids.networks import ConvNeXt, convnet, mlp
from sayso.learners.grids.specs import ConvNeXtV2, GridConvNet, GridMLP, GridModel

SHAPES = [(32, 30), (92, 90), (7, 5)]


def make(model: GridModel, shape: tuple[int, int], outputs: int) -> torch.nn.Module:
    if isinstance(model, GridMLP):
        return mlp(shape, outputs, width=model.width, depth=model.depth)
    if isinstance(model, GridConvNet):
        return convnet(shape, outputs, width=model.width, hidden=model.hidden)
    assert isinstance(model, ConvNeXtV2)
    return ConvNeXt(shape, outputs, depths=model.depths, hidden_sizes=model.hidden_sizes)


def parameters(network: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in network.parameters())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "model",
    [
        GridMLP(width=12, depth=3),
        GridMLP(width=5, depth=1),
        GridConvNet(width=3, hidden=7),
        ConvNeXtV2(depths=(1, 2), hidden_sizes=(4, 8)),
        ConvNeXtV2(depths=(2,), hidden_sizes=(4,)),
    ],
    ids=str,
)
def test_arithmetic_gives_the_parameters_and_operations_of_the_network(model, shape):
    network, size = make(model, shape, 12), model.size(shape, 12)
    assert size.parameters == parameters(network)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(2, *shape))
    assert 2 * size.flops == counter.get_total_flops()
    assert size.values > 0


def test_convnext_v2_tiny_is_counted_as_it_is():
    with torch.device("meta"):
        network = make(ConvNeXtV2(), (92, 90), 81)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 92, 90))
    size = ConvNeXtV2().size((92, 90), 81)
    assert size.parameters == parameters(network)
    assert size.parameters / 1e6 == pytest.approx(27.93, abs=0.005)
    assert size.flops == counter.get_total_flops()


def test_a_kind_of_model_that_sees_says_how_large_it_is():
    class Blind(GridModel):
        def build(self, corpora: list[Corpus]):  # type: ignore[override]
            raise NotImplementedError

    with pytest.raises(TypeError, match="abstract"):
        Blind()  # type: ignore[abstract]
