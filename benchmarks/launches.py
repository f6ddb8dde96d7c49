"""Operations of one training step with seeds side by side, and of models that see: counted on the CPU, not timed.

    python -m benchmarks.launches

What is counted is what a GPU would be given one by one; names of what is there already are left out. The numbers of
`sayso.runs.parts` are from here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

import sayso
from benchmarks.operations import VIEWS
from sayso.data.build import build_corpus


class Handed(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations that make work on a device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))

    @property
    def total(self) -> int:
        """All but views and room for results."""
        return sum(count for name, count in self.names.items() if name not in VIEWS)


def step(name: str, settings: dict[str, Any], seeds: int = 2) -> int:
    """Operations of a step of an experiment, its optimizer included."""
    experiment = sayso.load(name).with_settings(settings)
    stage = next(stage for stage in experiment.stages if stage.measured)
    corpora = [build_corpus(experiment, seed) for seed in range(seeds)]
    learner: Any = experiment.model.build(corpora)
    documents = [corpus.documents(stage.documents) for corpus in corpora]
    training = learner.training(documents, experiment.train_spec(stage), stage="counted", epochs=1)
    first, second, *_ = training.order.epoch(0)
    training.update(first)  # the first makes the optimizer's state
    with Handed() as handed:
        training.update(second)
    return int(handed.total)


def main() -> None:
    """Print what is counted, by depth."""
    for layers in (2, 4, 6):
        print(f"pocket, {layers} layers: {step('pocket', {'model.config.num_hidden_layers': layers}):,} operations")
    for depth in (1, 3):  # of each a product, a norm and an activation, and a product at the end
        print(f"pocket-digits, {3 * depth + 1} layers: {step('pocket-digits', {'model.depth': depth}):,} operations")


if __name__ == "__main__":
    main()
