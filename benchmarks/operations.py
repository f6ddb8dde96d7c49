"""Operations of one training step at full size, and reads that wait for the device: counted, not timed.

A model of the shape of Pythia-2.8B (or of another that is named) takes a step on 256 documents of the people's kind,
half of them definitions, on tensors without numbers. What is counted is what a GPU would be given one by one in the
forward pass, the backward pass, clipping and the optimizer. Names of what is there already are left out.

Compiled blocks (`model.compiled`) are counted as they run, on the CPU, in a model as deep and narrow: what its compiler
makes for a CPU stands for what it makes for a GPU. That takes a C++ compiler and minutes.

    python -m benchmarks operations
    python -m benchmarks.operations [70m|160m|410m|1b|2.8b] [--compiled]
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._inductor import config as inductor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM

from benchmarks.pythia import SHAPES, definitions, english_tokenizer, questions, save_shape
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Document, Encoder
from sayso.learners.optim import allocate, clip_gradients, make_optimizer, take_step
from sayso.learners.single import packed_attention
from sayso.learners.single.bucketed import BucketedReader
from sayso.learners.single.generation import NO_RULES
from sayso.learners.single.packed import TILE, TOKENS, PackedReader
from sayso.learners.single.reader import LOSS_BYTES, OUTPUT_BYTES, PASS_OVERHEAD

TRAIN = TrainSpec(batch_size=256, learning_rate=2e-5, optimizer="adafactor", max_grad_norm=1.0)
#: What makes no work on a device: new names for what is there, room for what is not, questions about either.
VIEWS = {
    *("view", "_unsafe_view", "t", "transpose", "permute", "unsqueeze", "squeeze", "expand", "slice", "select"),
    *("split", "split_with_sizes", "detach", "alias", "as_strided", "unbind", "chunk", "empty", "empty_like"),
    *("new_empty", "reshape", "lift_fresh", "is_same_size", "empty_strided", "new_empty_strided", "device"),
}
#: The same of operations as a profiler of the CPU sees them.
NO_WORK = VIEWS | {
    *("_reshape_alias", "flatten", "narrow", "resize_", "resolve_conj", "resolve_neg", "result_type", "numpy_T"),
}
#: What is one operation for a GPU, whatever a CPU calls for it.
WHOLE = ("_scaled_dot_product_flash_attention_for_cpu", "native_layer_norm", "addmm")
#: What waits for the device.
READS = {"_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal"}


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations by name."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not _stays_here(args):
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


def _stays_here(args: Any) -> bool:
    """Whether an operation is on real numbers, which stay on the CPU: an optimizer's count of its steps."""
    first = next(iter(args), None)
    if isinstance(first, (list, tuple)):
        first = next(iter(first), None)
    return isinstance(first, torch.Tensor) and type(first) is torch.Tensor and first.device.type == "cpu"


def batch() -> list[Document]:
    """The documents of a step."""
    half = TRAIN.batch_size // 2
    examples = [*questions(half, attribution=False), *definitions(half)]
    return Encoder(english_tokenizer(), None, rows=50304).for_training(examples, TRAIN)


def passes(config: Any, reader_of: type[BucketedReader], documents: list[Document]) -> dict[str, Counted]:
    """Count what forward and backward pass take in bfloat16, with a GPU's settings, and what clipping does."""
    counts = {"forward": Counted(), "backward": Counted(), "clipping": Counted()}
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = AutoModelForCausalLM.from_config(config)
        reader = _as_on_a_gpu(reader_of(model, 0, torch.device("cpu"), NO_RULES), config)
        for groups in reader.plan(documents, [item.counted for item in documents], None, share=True):
            with counts["forward"], torch.autocast("cpu", torch.bfloat16):
                loss = reader.loss(documents, groups) / 1000
            with counts["backward"]:
                torch.autograd.backward(loss)
        with counts["clipping"]:
            clip_gradients(list(model.parameters()), 1.0, stacked=False)
    return counts


def update(config: Any) -> Counted:
    """Count what the optimizer takes."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    parameters = dict(model.named_parameters())
    for parameter in parameters.values():
        parameter.grad = torch.empty_like(parameter)
    optimizer = make_optimizer(parameters, None, TRAIN, stacked=False)
    allocate(optimizer)
    counts = Counted()
    with counts:
        take_step(optimizer)
    return counts


def compiled(config: Any, documents: list[Document]) -> dict[str, int]:
    """Count forward and backward pass of a model of so many blocks as they run, eagerly and compiled."""
    inductor.cpp.enable_kernel_profile = True
    narrow = copy.deepcopy(config)
    narrow.hidden_size, narrow.intermediate_size, narrow.num_attention_heads = 64, 256, 4
    found = {}
    for name in (None, "narrow"):
        model = AutoModelForCausalLM.from_config(narrow)
        reader = _as_on_a_gpu(PackedReader(model, 0, torch.device("cpu"), NO_RULES, compiled=name), config)
        _pass(reader, documents)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            model.zero_grad()
            _pass(reader, documents)
        found[reader.name] = sum(_launches(event) for event in profile.events() if event.cpu_parent is None)
    return found


def _pass(reader: BucketedReader, documents: list[Document]) -> None:
    for groups in reader.plan(documents, [item.counted for item in documents], None, share=True):
        with torch.autocast("cpu", torch.bfloat16):
            loss = reader.loss(documents, groups) / 1000
        torch.autograd.backward(loss)


def _launches(event: Any) -> int:
    """Work on a device that an event makes: kernels that were compiled, and operations that call no others."""
    name = event.name.removeprefix("aten::")
    if "cpp_fused" in name or any(word in name for word in WHOLE):
        return 1
    inner = sum(map(_launches, event.cpu_children))
    return inner or int(event.name.startswith("aten::") and name not in NO_WORK)


def _as_on_a_gpu(reader: BucketedReader, config: Any) -> BucketedReader:
    """With a GPU's settings."""
    reader.overhead, reader.outputs = PASS_OVERHEAD["cuda"], OUTPUT_BYTES["cuda"] // (4 * config.vocab_size)
    reader.loss_outputs = LOSS_BYTES["cuda"] // (4 * config.vocab_size)
    if isinstance(reader, PackedReader):
        reader.tokens, reader.tile, reader._flash = TOKENS["cuda"], TILE["cuda"], True
        setattr(packed_attention, "flash", _one_call)  # noqa: B010
    return reader


def _one_call(given: Sequence[Tensor], _begins: Tensor, _longest: int, scaling: float | None) -> Tensor:
    """One call of attention, as flash attention is on a GPU: counted, and wrong."""
    query, key, value = (each.transpose(0, 1)[None] for each in given)
    found = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling)
    return found[0].transpose(0, 1)


def main() -> None:
    """Print what is counted, by reader and part of the step."""
    documents = batch()
    for size in [each for each in sys.argv[1:] if each in SHAPES] or ["2.8b"]:
        with tempfile.TemporaryDirectory() as name:
            config = save_shape(Path(name), size)
        updated = update(config)
        for reader_of in (BucketedReader, PackedReader):
            parts = {**passes(config, reader_of, documents), "optimizer": updated}
            told = ", ".join(f"{name} {own.launches:,}" for name, own in parts.items())
            whole, reads = (sum(getattr(own, what) for own in parts.values()) for what in ("launches", "reads"))
            print(f"{size}, {reader_of.name}: {whole:,} operations ({told}), {reads} reads", flush=True)
        if "--compiled" in sys.argv:
            for name, number in compiled(config, documents).items():
                print(f"{size}, {name}, forward and backward as they run on a CPU: {number:,} operations", flush=True)


if __name__ == "__main__":
    main()
