"""Products of the gradients of 20 x 50 documents in three ways, against the naive loop: seconds and memory, as ratios.

The naive loop takes two whole gradients for each pair, flattens and multiplies them; some pairs of it are timed. Each
way runs in a process of its own, one after the other, without a GPU on one thread, in seconds of the processor; memory
is what comes on top of the model. ``python -m benchmarks.gradients --size 2.8b --rows 500 --columns 500 --ways ghost``
takes another model (random weights of Pythia's shapes) and other numbers of documents.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pythia import definitions, english_tokenizer, questions
from sayso.core.learner import GradientPairs, GradientProducts

#: Width, layers, heads, words: a small one, and the Pythia models.
SIZES = {
    "mid": (256, 6, 8, 12_032),
    "70m": (512, 6, 8, 50_304),
    "160m": (768, 12, 12, 50_304),
    "1b": (2048, 16, 8, 50_304),
    "2.8b": (2560, 32, 32, 50_304),
}
WAYS = ("ghost", "contracted", "side by side", "naive")


@dataclass(frozen=True)
class Timed:
    """What one way took: seconds for all pairs, GiB on top of the model, and the cosines it gave of the first row."""

    seconds: float
    memory: float
    weights: int
    cosines: list[float]


def main(arguments: Sequence[str] = ()) -> None:
    """Print seconds and memory of each way, and how many times as long the naive loop takes."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.gradients", description=__doc__)
    options.add_argument("--size", choices=SIZES, default="mid")
    options.add_argument("--rows", type=int, default=20)
    options.add_argument("--columns", type=int, default=50)
    options.add_argument("--naive", type=int, default=20, help="how many pairs of the naive loop are timed")
    options.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    chosen = options.parse_args(list(arguments))
    pairs = chosen.rows * chosen.columns
    found: dict[str, Timed] = {}
    with tempfile.TemporaryDirectory() as folder:
        _save(Path(folder), chosen.size)
        for way in chosen.ways:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found[way] = pool.apply(_timed, (folder, way, chosen.rows, chosen.columns, chosen.naive))
            own = found[way]
            if way == chosen.ways[0]:
                print(f"{own.weights / 1e6:.1f} million weights, {chosen.rows} x {chosen.columns} documents")
            seconds = 1000 * own.seconds / pairs
            print(f"{way:13} {seconds:9.2f} s per 1,000 pairs, {own.memory:6.2f} GiB beside the model", flush=True)
    if "naive" in found:
        for way in found.keys() - {"naive"}:
            print(f"{way}: the naive loop takes {found['naive'].seconds / found[way].seconds:.1f}x as long")
    first = found[chosen.ways[0]].cosines
    for way, own in found.items():
        off = max(abs(a - b) for a, b in zip(own.cosines, first, strict=False))
        print(f"{way}: cosines differ by at most {off:.1e} from the first")


def _save(folder: Path, size: str) -> None:
    """Write a configuration and a tokenizer; weights are drawn when a model is made."""
    from transformers import GPTNeoXConfig

    width, layers, heads, words = SIZES[size]
    tokenizer = english_tokenizer()
    end = tokenizer.eos_token_id
    sizes = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "vocab_size": words}
    GPTNeoXConfig(**sizes, intermediate_size=4 * width, bos_token_id=end, eos_token_id=end).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _timed(folder: str, way: str, rows: int, columns: int, naive: int) -> Timed:
    """Build the model and compare gradients in one way."""
    import torch

    from sayso.core.corpus import Corpus
    from sayso.core.training import TrainSpec
    from sayso.learners.single.learner import build
    from sayso.learners.specs import HFModel

    torch.set_num_threads(1)
    learner = build([Corpus(0, {}, ())], HFModel(name=folder, from_scratch=True))
    train = TrainSpec()
    asked = GradientPairs(definitions(rows), questions(columns, attribution=False))
    documents = learner.documents.trained([*asked.rows, *asked.columns], train)
    works: dict[str, Callable[[], list[float]]] = {
        "naive": lambda: _naive(learner, documents, rows, naive),
        "side by side": lambda: _side_by_side(learner, documents, rows),
    }
    work = works.get(way, lambda: _asked(learner, asked, train, way))
    if way == "ghost":  # it is proven once a model
        learner.gradient_products([[GradientPairs([], asked.rows[:1])]], train)
    _forget_peak()
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    before, start = _peak(), clock()
    cosines = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = clock() - start
    if way == "naive":
        seconds *= rows * columns / min(naive, columns)
    weights = sum(tensor.numel() for tensor in learner.parameters.values())
    return Timed(seconds, _peak() - before, weights, cosines)


def _asked(learner: Any, asked: Any, train: Any, way: str) -> list[float]:
    found = learner.gradient_products([[asked]], train, way=way)[0][0]
    assert found.way == way
    return _cosines(found)


def _cosines(found: GradientProducts) -> list[float]:
    """Those of the first row."""
    cosines: list[float] = (found.products[0] / found.rows.l2[0] / found.columns.l2).tolist()
    return cosines


def _naive(learner: Any, documents: Sequence[Any], rows: int, pairs: int) -> list[float]:
    """Two whole gradients for each of some pairs of the first row."""
    import torch

    loss = learner._gradients.losses(documents)

    def gradient(document: int) -> Any:
        found = torch.autograd.grad(loss(document), list(learner.parameters.values()))
        return torch.cat([part.flatten() for part in found])

    cosine = torch.nn.functional.cosine_similarity
    return [float(cosine(gradient(0), gradient(row), dim=0)) for row in range(rows, min(rows + pairs, len(documents)))]


def _side_by_side(learner: Any, documents: Sequence[Any], rows: int) -> list[float]:
    """``vmap`` of ``grad`` over documents of one length, of the same model with plain attention."""
    import numpy as np
    import torch
    from torch.func import functional_call, grad, vmap

    from sayso.learners.gradients.pairs import compared, room
    from sayso.learners.gradients.side_by_side import side_by_side

    model, parameters = learner.model, dict(learner.parameters)
    model.set_attn_implementation("eager")

    def loss(weights: dict[str, Any], ids: Any) -> Any:
        logits = functional_call(model, weights, (), {"input_ids": ids[None, :-1], "use_cache": False}).logits[0]
        return torch.nn.functional.cross_entropy(logits, ids[1:])

    def gradients(own: Sequence[int]) -> Any:
        ids = torch.as_tensor(np.stack([documents[row].ids for row in own]), device=learner.device)
        weights = {name: tensor.detach() for name, tensor in parameters.items()}
        return vmap(grad(loss), in_dims=(None, 0))(weights, ids)

    kinds = [len(item.ids) for item in documents]
    way = side_by_side(gradients, kinds, parameters, room(learner.device, None))
    every = np.arange(len(documents))
    wanted = np.ones((rows, len(documents) - rows), dtype=np.bool_)
    found = compared(way, len(documents), every[:rows], every[rows:], wanted, by_layer=False)
    return _cosines(found)


def _forget_peak() -> None:
    """Start counting the most memory anew, where the system can."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """The most memory that was taken, in GiB."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated() / 2**30)
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main(sys.argv[1:])
