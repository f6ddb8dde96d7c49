"""ConvNeXt V2 Tiny on grids of MNIST's size, as in ``paper-digits``: seconds a step, and hours that a seed would take.

The images are noise of MNIST's size: what is in them takes no time.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

STEPS = 3
SIDE, IMAGES = 28, 1000


def stand_in(folder: Path) -> None:
    """Write noise in the form of the original files."""
    draw = np.random.default_rng(0)
    for part in ("train", "t10k"):
        for what, array in (
            ("images-idx3", draw.integers(256, size=(IMAGES, SIDE, SIDE), dtype=np.uint8)),
            ("labels-idx1", (np.arange(IMAGES) % 10).astype(np.uint8)),
        ):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
            (folder / f"{part}-{what}-ubyte").write_bytes(header + array.tobytes())


def main() -> None:
    """Print parameters, seconds of steps and of scoring, and the hours of all steps of one seed."""
    import torch

    from sayso.core.sweep import cells
    from sayso.data.build import build_corpus
    from sayso.paper.paper_settings import PAPER_DIGITS

    with tempfile.TemporaryDirectory() as name:
        stand_in(Path(name))
        experiment = cells(PAPER_DIGITS.with_settings({"knowledge.images": name}))[0].experiment
        corpus = build_corpus(experiment, 0)
        learner = experiment.model.build([corpus])
        seconds, cpu = [], []
        for number in range(STEPS + 1):
            train = experiment.train.model_copy(
                update={"sampling": experiment.train.sampling.model_copy(update={"steps_per_epoch": 1})}  # type: ignore[union-attr]
            )
            start, own = time.perf_counter(), time.process_time()
            learner.fit([corpus.documents(("X1", "X2"))], train, stage=f"step-{number}", epochs=1)
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - own)
        asked = [example for item in corpus.eval_sets for example in item.examples][:512]
        start = time.perf_counter()
        learner.scores([asked])
        scoring = (time.perf_counter() - start) / len(asked)
        measured = sum(len(item.examples) for item in corpus.eval_sets)
    stage = experiment.stages[0]
    sampling = experiment.train_spec(stage).sampling
    assert sampling is not None
    steps = stage.epochs * sampling.steps_per_epoch
    step, processor = float(np.median(seconds[1:])), float(np.median(cpu[1:]))
    batch, shape = experiment.train.batch_size, corpus.pictures.shape if corpus.pictures else ()
    hours = (steps * step + (stage.epochs + 1) * measured * scoring) / 3600
    print(f"{torch.get_num_threads()} threads, {getattr(learner, 'device', 'cpu')}; {batch} pictures of {shape} a step")
    print(f"a step {step:.2f} s (CPU time {processor:.2f} s); scoring a picture {1e3 * scoring:.1f} ms")
    print(f"{steps} steps and {stage.epochs + 1} times {measured} pictures scored: {hours:.0f} hours a seed")
