"""Operations, copies and reads of one training step at full size, counted and not timed: no weight is there.

A model of the shape of Pythia-2.8B (or of another that is named) takes a step on 256 documents of the people's kind,
half of them definitions, on torch's fake tensors. What is counted is what a GPU would be given one by one: operations of
forward pass, backward pass, clipping and optimizer, those that copy to the device, and scalars that are read back.

    python -m benchmarks.operations [70m|160m|410m|1b|2.8b]
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.pythia import definitions, english_tokenizer, questions, save_shape
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document, Encoder
from sayso.learners.optim import clip_gradients, make_optimizer, take_step
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.generation import NO_RULES
from sayso.learners.single.packed import PackedReader

TRAIN = TrainSpec(batch_size=256, learning_rate=2e-5, optimizer="adafactor", max_grad_norm=1.0)
#: What makes no work on a device: new names for what is there.
VIEWS = {
    *("view", "_unsafe_view", "t", "transpose", "permute", "unsqueeze", "squeeze", "expand", "slice", "select"),
    *("split", "split_with_sizes", "detach", "alias", "as_strided", "unbind", "chunk", "empty", "empty_like"),
    *("new_empty", "reshape", "lift_fresh", "is_same_size", "empty_strided", "new_empty_strided"),
}
#: What waits for the device.
READS = {"_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal"}


class Counted(TorchDispatchMode):
    """Counts operations by name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))

    @property
    def launches(self) -> int:
        """How many are more than a new name for what is there."""
        return sum(count for name, count in self.names.items() if name not in VIEWS)

    @property
    def reads(self) -> int:
        """How many wait for the device."""
        return sum(count for name, count in self.names.items() if name in READS)


def batch(seed: int = 0) -> list[Document]:
    """The documents of a step."""
    half = TRAIN.batch_size // 2
    examples = [*questions(half, attribution=False), *definitions(half)]
    return Encoder(english_tokenizer(), None, rows=50304).for_training(examples, TRAIN)


def step(size: str, reader_of: type[BucketedReader], documents: list[Document]) -> Mapping[str, Counted]:
    """Count a step's operations by part."""
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as name:
        config = save_shape(Path(name), size)
    parts = {name: Counted() for name in ("forward", "backward", "clipping", "optimizer")}
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = AutoModelForCausalLM.from_config(config)
        reader = reader_of(model, 0, torch.device("cpu"), NO_RULES)
        reader.overhead, reader.outputs, reader.loss_outputs = 1024.0, 10_000, 2_500  # a GPU's
        if isinstance(reader, PackedReader):
            reader.tokens, reader.tile = 16_384, 128
        parameters = dict(model.named_parameters())
        optimizer = make_optimizer(parameters, None, TRAIN, stacked=False)
        for warm in (True, False):
            counts = {name: Counted() for name in parts} if warm else parts
            plan = reader.plan(documents, [item.counted for item in documents], None, share=True)
            for groups in plan:
                with counts["forward"], torch.autocast("cpu", torch.bfloat16):
                    loss = reader.loss(documents, groups) / 1000
                with counts["backward"]:
                    torch.autograd.backward(loss)
            with counts["clipping"]:
                clip_gradients(list(parameters.values()), 1.0, stacked=False)
            with counts["optimizer"]:
                pass  # take_step(optimizer)
    return parts


def main() -> None:
    """Print what is counted, by reader and part of the step."""
    chosen = [each for each in sys.argv[1:] if each[0].isdigit()] or ["2.8b"]
    documents = batch()
    for size in chosen:
        for reader_of in (BucketedReader, PackedReader):
            parts = step(size, reader_of, documents)
            told = ", ".join(f"{name} {own.launches:,}" for name, own in parts.items())
            whole, reads = (sum(getattr(own, what) for own in parts.values()) for what in ("launches", "reads"))
            print(f"{size} {reader_of.name}: {whole:,} operations ({told}); {reads} reads")
            for name, own in parts.items():
                print(f"  {name}:", ", ".join(f"{count} {what}" for what, count in own.names.most_common(14) if what not in VIEWS))


if __name__ == "__main__":
    main()
