"""One table of what this machine's GPU does: ceilings, seeds side by side, Pythia's shapes beside the stock Trainer.

    python -m benchmarks gpu                                # all parts but compiled, in four minutes
    python -m benchmarks.gpu --parts compiled               # some of them; compiling takes minutes
    python -m benchmarks.gpu --small                        # the script itself, on a CPU
    python -m benchmarks gpu --calibration FILE             # and write what sayso show NAME --calibration FILE reads

Weights are random: the time of a step does not depend on them. Each part says what it found as it ends; one that fails
says why, and the next goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import calibration
from benchmarks.pythia import definitions, questions, save_shape
from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.runs.rates import write_rates

#: Pythias whose shapes are timed.
SIZES = ("410m", "1b", "2.8b")
#: Those that are timed with compiled blocks as well.
COMPILED_SIZES = ("410m", "2.8b")
#: Documents of a step, as in the paper, and the length that the stock Trainer pads them to.
BATCH, LENGTH = 256, 64
QUESTIONS = 512


def ceilings(small: bool) -> dict[str, float]:
    """Matrix products in bfloat16 and float32, in TFLOP/s, and copies, in GB/s read and written."""
    import torch

    device = _device()
    size = 256 if small else 8192
    found = {}
    for name, dtype in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        found[f"{name} TFLOP/s"] = 2 * size**3 / _timed(lambda one=one, other=other: one @ other, 10) / 1e12  # type: ignore[misc]
    block = torch.randn(2**20 if small else 2**30, device=device)
    copy = torch.empty_like(block)
    found["copy GB/s"] = 8 * block.numel() / _timed(lambda: copy.copy_(block), 10) / 1e9
    return found


def side_by_side(small: bool) -> list[dict[str, Any]]:
    """Steps of the pocket experiments with 1 to 256 seeds side by side."""
    import torch

    import sayso
    from sayso.data.build import build_corpus

    rows = []
    for name, counts in (
        ("pocket", (1, 2) if small else (1, 16, 64, 256)),
        ("pocket-set-inclusion", (1,) if small else (1, 16, 64)),
        ("pocket-digits", (1,) if small else (1, 16, 64)),
    ):
        experiment = sayso.load(name)
        stage = next(stage for stage in experiment.stages if stage.measured)
        train = experiment.train_spec(stage)
        corpora = [build_corpus(experiment, seed) for seed in range(1 if small else 4)]
        for count in counts:
            own = [dataclasses.replace(corpora[seed % len(corpora)], seed=seed) for seed in range(count)]
            learner: Any = experiment.model.build(own)
            documents = [corpus.documents(stage.documents) for corpus in own]
            asked = [[one for item in corpus.eval_sets for one in item.examples][:QUESTIONS] for corpus in own]
            step = _step(learner, documents, train, 2 if small else 30)
            learner.scores(asked)
            scoring = _timed(lambda model=learner, asked=asked: model.scores(asked), 1)  # type: ignore[misc]
            row = {
                "experiment": name,
                "seeds": count,
                "layers": getattr(experiment.model, "config", {}).get("num_hidden_layers", 0),
                "ms a step": 1e3 * step,
                "ms a step and seed": 1e3 * step / count,
            }
            row |= {"ms a question and seed scored": 1e3 * scoring / count / len(asked[0]), "GB": _peak()}
            rows.append(row)
            _say(row)
            del learner
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    return rows


def shape(size: str, small: bool) -> dict[str, Any]:
    """Steps, tokens a second, rate, memory and evaluation of one shape, and of the stock Trainer beside."""
    import torch

    from sayso.learners.single.learner import build
    from sayso.learners.single.pretrained import load_model
    from sayso.learners.specs import HFModel

    batch, scored = (32, 32) if small else (BATCH, QUESTIONS)
    documents = [*questions(batch, attribution=False), *definitions(batch)]
    asked = questions(scored, attribution=False, seed=1)
    train = TrainSpec(batch_size=batch, learning_rate=5e-5, precision="auto")
    with tempfile.TemporaryDirectory() as folder:
        save_shape(Path(folder), "small" if small else size)
        spec = HFModel(name=folder, from_scratch=True, answer="first_line")
        with torch.device(_device()):  # weights are drawn there, in a moment
            learner = build([Corpus(0, {}, ())], spec)
        found: dict[str, Any] = {"shape": size, "parameters": sum(p.numel() for p in learner.model.parameters())}
        found |= {"reader": learner.reader.name}
        step = _step(learner, [documents], train, 2 if small else 8)
        tokens = float(learner.lengths()[0].tokens.mean()) * batch
        within = found["parameters"] - learner.model.get_input_embeddings().weight.numel()
        found |= {"ms a step": 1e3 * step, "GB in training": _peak(), "tokens a second": tokens / step}
        found["TFLOP/s"] = 6 * within * tokens / step / 1e12
        for precision in ("float32", "fastest"):
            learner.spec = spec.model_copy(update={"evaluation_precision": precision})
            learner.scores([asked])
            found[f"ms a question scored, {precision}"] = 1e3 * _timed(lambda: learner.scores([asked]), 1) / scored
        if learner.device.type == "cuda":
            _say(found)
            tokenizer = learner.tokenizer
            del learner
            torch.cuda.empty_cache()
            with torch.device("cuda"):
                other = load_model(spec, 0)
            try:
                found |= stock(other, tokenizer, documents, asked[:128], train)
                found["training ratio"] = found["ms a step, stock Trainer"] / found["ms a step"]
            except torch.OutOfMemoryError as error:
                found["stock Trainer"] = str(error)[:200]
    return found


def stock(
    model: Any, tokenizer: Any, documents: list[Example], asked: list[Example], train: TrainSpec
) -> dict[str, float]:
    """Milliseconds of the stock Trainer's steps, and of stock parts' evaluation, documents padded to one length.

    Evaluation comes first and is in float32; what the Trainer does to a model for bfloat16 stays with it.
    """
    import torch

    from benchmarks.stock import stock_answers, stock_losses, stock_training

    half = train.model_copy(update={"padding_loss": "all", "max_length": LENGTH, "precision": "bfloat16"})
    model.eval()
    stock_answers(model, tokenizer, asked[:64], 2, 64)
    with torch.device("cuda"):
        losses = _timed(lambda: stock_losses(model, tokenizer, asked, LENGTH, 64), 1)
    answers = _timed(lambda: stock_answers(model, tokenizer, asked, 8, 64), 1)
    found = {"ms a question scored, stock parts, float32": 1e3 * (losses + answers) / len(asked)}
    took = []
    for epochs in (1, 1, 5):  # the first warms up; what the last takes more than the second is steps alone
        start = time.perf_counter()
        stock_training(model, tokenizer, documents, half, seed=0, stage="s", epochs=epochs)
        torch.cuda.synchronize()
        took.append(time.perf_counter() - start)
    found["ms a step, stock Trainer"] = 1e3 * (took[2] - took[1]) / (4 * len(documents) / train.batch_size)
    return found


def compiled(small: bool) -> list[dict[str, Any]]:
    """Steps of some shapes with blocks compiled (`model.compiled`), and what it takes to compile and prove them."""
    import torch

    from sayso.learners.single.learner import build
    from sayso.learners.specs import HFModel

    every = []
    for size in ("small",) if small else COMPILED_SIZES:
        batch = 32 if small else BATCH
        documents = [*questions(batch, attribution=False), *definitions(batch)]
        with tempfile.TemporaryDirectory() as folder:
            save_shape(Path(folder), size)
            start = time.perf_counter()
            with torch.device(_device()):
                learner = build([Corpus(0, {}, ())], HFModel(name=folder, from_scratch=True, compiled=True))
            found: dict[str, Any] = {"shape": size, "reader": learner.reader.name}
            found["seconds to build and prove"] = time.perf_counter() - start
            start = time.perf_counter()
            train = TrainSpec(batch_size=batch, learning_rate=5e-5, precision="auto")
            step = _step(learner, [documents], train, 2 if small else 8)
            found["seconds of all steps"] = time.perf_counter() - start
            every.append(found | {"ms a step": 1e3 * step, "GB in training": _peak()})
            _say(every[-1])
        del learner
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return every


def whole_runs(small: bool) -> None:
    """Seconds a step at the paper's size: ConvNeXt V2 Tiny on digit grids, Pythia-70M's shape on set inclusion."""
    from benchmarks import paper_digits, paper_set_inclusion

    if small:
        return
    paper_digits.main()
    paper_set_inclusion.main()


PARTS: dict[str, Callable[[bool], Any]] = {
    "ceilings": ceilings,
    "side-by-side": side_by_side,
    **{f"pythia-{size}": lambda small, size=size: shape(size, small) for size in SIZES},  # type: ignore[misc]
    "compiled": compiled,
    "paper-size": whole_runs,
}


def main(arguments: Sequence[str] = ()) -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=[name for name in PARTS if name != "compiled"])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--calibration", type=Path, metavar="FILE")
    chosen = parser.parse_args(arguments)
    import torch

    if not torch.cuda.is_available() and not chosen.small:
        print("no GPU that torch can use here; --small tries the script on the CPU")
        return
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{card}, torch {torch.__version__}, Python {sys.version.split()[0]}", flush=True)
    found: dict[str, Any] = {}
    try:
        sheet = calibration.card_of(card) if chosen.calibration else None
    except SaysoError as error:
        sys.exit(str(error))
    for name in chosen.parts:
        start = time.perf_counter()
        try:
            found[name] = PARTS[name](chosen.small)
        except Exception:  # the other parts are worth having
            found[name] = traceback.format_exc()
        print(f"{name} ({time.perf_counter() - start:.0f} s): ", end="")
        _say(found[name])
    if sheet is not None:
        try:
            rates = calibration.rates(found, sheet, calibration.disk(), f"{card}, torch {torch.__version__}")
        except SaysoError as error:
            sys.exit(str(error))
        write_rates(chosen.calibration, rates)
        print(f"{chosen.calibration}: {rates.said}")


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _step(learner: Any, documents: Any, train: TrainSpec, repeats: int) -> float:
    """Seconds of a step, once three have warmed up; the memory of all of them counts."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    training = learner.training(documents, train, stage="timed", epochs=1000)
    steps = (step for epoch in itertools.count() for step in training.order.epoch(epoch))
    for _ in range(3):
        training.update(next(steps))
    seconds = _timed(lambda: training.update(next(steps)), repeats)
    training.clear()
    return seconds


def _timed(work: Callable[[], Any], repeats: int) -> float:
    """Seconds of one piece of work, all that the device has to do for it included."""
    import torch

    def now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    seconds = []
    for _ in range(repeats):
        start = now()
        work()
        seconds.append(now() - start)
    return float(np.median(seconds))


def _peak() -> float:
    """Most memory that tensors took since, in GB."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0


def _say(found: Any) -> None:
    def rounded(value: Any) -> Any:
        return float(f"{value:.4g}") if isinstance(value, float) else value

    if isinstance(found, dict):
        found = json.dumps({name: rounded(value) for name, value in found.items()})
    elif isinstance(found, list):
        found = f"{len(found)} rows above"
    print(found, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
